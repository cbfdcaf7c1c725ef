# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One episode in a gymnasium environment, seen through a contract."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
import importlib
from typing import Any

from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.observation import ObservationWindow
import gymnasium
import numpy as np
from numpy.typing import NDArray

FULL_COVERAGE = 0.95  # coverage that scores 1


@dataclass(frozen=True)
class EnvSpec:
    """How to make an environment whose observation is a dict keyed by stream names.

    Attributes:
        id: gymnasium id.
        module: imported to register it.
        max_steps: episode limit [policy steps]; 0 takes the environment's own.
        arguments: keyword arguments of gymnasium.make.
    """

    id: str
    module: str
    max_steps: int = 0
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def step_limit(self) -> int:
        """Episode limit [policy steps], resolved."""
        if self.max_steps:
            return self.max_steps
        known: int | None = gymnasium.spec(self.id).max_episode_steps
        if not known:
            raise ConfigError(f'environment {self.id!r} sets no episode limit; give --max-steps')
        return known


KNOWN_ARGUMENTS = {'gym_pusht/PushT-v0': {'obs_type': 'environment_state_agent_pos'}}


def env_spec(name: str, max_steps: int = 0, arguments: dict[str, Any] | None = None) -> EnvSpec:
    """Describe the environment `name`, 'id' or 'module:id'.

    Without a module, the one that the id begins with is imported. `arguments` are passed to
    gymnasium.make; without any, those that a known environment needs to observe a dict.
    """
    module, _, id_ = name.rpartition(':')
    module = module or id_.partition('/')[0]
    try:
        importlib.import_module(module)
        gymnasium.spec(id_)
    except (ImportError, gymnasium.error.Error) as error:
        raise ConfigError(f'no environment {name!r}: {error}') from error
    chosen = KNOWN_ARGUMENTS.get(id_, {}) if arguments is None else arguments
    return EnvSpec(id_, module, max_steps, dict(chosen))


@dataclass(frozen=True)
class EpisodeState:
    """What the policy and the score need after some steps.

    Attributes:
        window: newest observations, or those `lag` steps ago.
        steps: policy steps taken.
        max_score: largest score so far, clip(coverage / 0.95, 0, 1), or the reward where the
            environment gives no coverage.
        done: the episode is over.
        seen: name -> (n, dim) numbers observed after each step of the last call, or at reset.
        scores: (n,) largest score up to each of them.
        report: how the episode stands by the environment's own figures, its info['report'].
    """

    window: ObservationWindow
    steps: int
    max_score: float
    done: bool
    seen: dict[str, NDArray[np.float32]]
    scores: NDArray[np.float64]
    report: dict[str, float]


class Episode:
    """An environment with the observation history that a contract asks for."""

    def __init__(self, spec: EnvSpec, contract: Contract) -> None:
        """Make the environment."""
        self._contract = contract
        importlib.import_module(spec.module)  # registers the id, in worker processes too
        self._limit = spec.step_limit
        self._env = gymnasium.make(spec.id, max_episode_steps=self._limit, **spec.arguments)

    def reset(self, seed: int, keep: int = 0) -> EpisodeState:
        """Start the episode of `seed`; `keep` is the largest lag asked for later [steps]."""
        observation, _ = self._env.reset(seed=seed)
        self._check(observation)
        self._history: deque[dict[str, Any]] = deque(maxlen=self._contract.n_obs_steps + keep)
        self._history.extend([observation] * (self._contract.n_obs_steps + keep))
        self._steps = 0
        self._score = 0.0
        self._done = False
        self._report: dict[str, float] = {}
        return self.state(0, [observation], [0.0])

    def advance(self, actions: NDArray[np.float32], lag: int = 0) -> EpisodeState:
        """Execute actions (n, action_dim) until they or the episode end."""
        seen: list[dict[str, Any]] = []
        scores: list[float] = []
        for action in actions:
            if self._done:
                break
            observation, reward, terminated, truncated, info = self._env.step(action)
            coverage = info.get('coverage')
            score = float(reward) if coverage is None else float(coverage) / FULL_COVERAGE
            self._score = max(self._score, min(1.0, max(0.0, score)))
            self._report = info.get('report', {})
            self._history.append(observation)
            seen.append(observation)
            scores.append(self._score)
            self._steps += 1
            self._done = bool(terminated or truncated)
        return self.state(lag, seen, scores)

    def state(self, lag: int, seen: list[dict[str, Any]], scores: Sequence[float]) -> EpisodeState:
        """Return the state with the observation window of `lag` steps ago."""
        length = self._contract.n_obs_steps
        newest = len(self._history) - lag
        frames = list(self._history)[newest - length : newest]
        low_dim = self._numbers(frames)
        images = {s.name: np.stack([f[s.name] for f in frames]) for s in self._contract.images}
        t_obs_ns = (self._steps - lag) * self._contract.dt_ns
        window = ObservationWindow(t_obs_ns, low_dim, images)
        return EpisodeState(
            window,
            self._steps,
            self._score,
            self._done,
            self._numbers(seen),
            np.asarray(scores, np.float64),
            self._report,
        )

    def close(self) -> None:
        """Release the environment."""
        self._env.close()

    def _numbers(self, frames: list[dict[str, Any]]) -> dict[str, NDArray[np.float32]]:
        return {
            s.name: np.asarray([f[s.name] for f in frames], np.float32).reshape(-1, s.dim)
            for s in self._contract.low_dim
        }

    def _check(self, observation: Any) -> None:
        if not isinstance(observation, dict):
            raise ConfigError('the environment must observe a dict keyed by stream names')
        missing = [s.name for s in self._contract.observations if s.name not in observation]
        if missing:
            raise ConfigError(f'the environment lacks {missing}, it has {sorted(observation)}')
