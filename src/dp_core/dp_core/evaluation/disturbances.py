# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the paper did to its robot while it worked (§6.1, figure 8), done to a scene.

Each is chosen by name.

    shove       once, the scene moves the object aside
    cover       the cameras see black for three seconds
    distractor  something lies beside the object that was never seen in training
    light       the scene is lit by half

When and whereto follows from the episode's seed. `cover` works in every scene with cameras; the
others are methods that a scene offers: `shove(generator)`, `add_distractor(generator)` and
`set_light(factor)`.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from dp_core.errors import ConfigError
import gymnasium
import numpy as np

COVER_S = 3.0
BEGIN_S = (2.0, 6.0)  # after the start of the episode, both `shove` and `cover`
LIGHT = 0.5
DISTURBANCES = ('shove', 'cover', 'distractor', 'light')
_METHODS = {'shove': 'shove', 'distractor': 'add_distractor', 'light': 'set_light'}
_STREAM = 54_011  # keeps these draws apart from those of the scene


class Disturbed(gymnasium.Wrapper):  # type: ignore[misc]
    """A scene with disturbances."""

    def __init__(self, env: Any, names: Sequence[str], dt_s: float) -> None:
        """Take the scene over.

        Args:
            env: the scene.
            names: of DISTURBANCES.
            dt_s: policy step [s].

        Raises:
            ConfigError: there is no such disturbance, or the scene does not offer it.
        """
        super().__init__(env)
        for name in names:
            if name not in DISTURBANCES:
                raise ConfigError(f'there is no disturbance {name!r}, valid: {DISTURBANCES}')
            if name in _METHODS:
                self._offered(_METHODS[name])
        self._names = tuple(names)
        self._dt_s = dt_s

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, Any]:
        """Start an episode; its disturbances follow from the seed."""
        self._rng = np.random.default_rng([_STREAM, seed or 0])
        begin_s = self._rng.uniform(*BEGIN_S)
        self._begin = round(begin_s / self._dt_s)
        self._end = round((begin_s + COVER_S) / self._dt_s)
        self._steps = 0
        if 'light' in self._names:
            self._offered('set_light')(LIGHT)
        if 'distractor' in self._names:
            self._offered('add_distractor')(self._rng)
        observation, info = self.env.reset(seed=seed, options=options)
        return self._covered(observation), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take a policy step, and disturb where it is time."""
        self._steps += 1
        if 'shove' in self._names and self._steps == self._begin:
            self._offered('shove')(self._rng)
        observation, reward, terminated, truncated, info = self.env.step(action)
        return self._covered(observation), float(reward), terminated, truncated, info

    def _covered(self, observation: Any) -> Any:
        if 'cover' not in self._names:
            return observation
        named = observation if isinstance(observation, dict) else {'one array': observation}
        cameras = [name for name, x in named.items() if _is_picture(x)]
        if not cameras:
            raise ConfigError(f'there is no camera to cover, only {sorted(named)}')
        if not self._begin <= self._steps < self._end:
            return observation
        if not isinstance(observation, dict):
            return np.zeros_like(observation)
        return {**observation, **{name: np.zeros_like(observation[name]) for name in cameras}}

    def _offered(self, method: str) -> Callable[..., None]:
        scene = self.env.unwrapped
        if not hasattr(scene, method):
            raise ConfigError(f'{type(scene).__name__} has no {method}(), so it cannot do that')
        found: Callable[..., None] = getattr(scene, method)
        return found


def _is_picture(observed: Any) -> bool:
    return np.ndim(observed) == 3 and np.asarray(observed).dtype == np.uint8
