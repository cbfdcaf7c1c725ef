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
from dp_core.evaluation.disturbances import Disturbed
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
        disturbances: what is done to the scene meanwhile, of `disturbances.DISTURBANCES`.
        dt_s: policy step [s].
    """

    id: str
    module: str
    max_steps: int = 0
    arguments: dict[str, Any] = field(default_factory=dict)
    disturbances: tuple[str, ...] = ()
    dt_s: float = 0.1

    @property
    def step_limit(self) -> int:
        """Episode limit [policy steps], resolved."""
        if self.max_steps:
            return self.max_steps
        known: int | None = gymnasium.spec(self.id).max_episode_steps
        if not known:
            raise ConfigError(f'environment {self.id!r} sets no episode limit; give --max-steps')
        return known

    @staticmethod
    def score(reward: float, info: dict[str, Any]) -> float:
        """Score of a step: clip(coverage / 0.95, 0, 1), or of the reward without coverage."""
        coverage = info.get('coverage')
        score = float(reward) if coverage is None else float(coverage) / FULL_COVERAGE
        return min(1.0, max(0.0, score))


# What gym-pusht is to observe -> its arguments.
PUSHT_VIEWS = {
    frozenset({'environment_state', 'agent_pos'}): {'obs_type': 'environment_state_agent_pos'},
    frozenset({'state'}): {'obs_type': 'state'},
    frozenset({'pixels', 'agent_pos'}): {
        'obs_type': 'pixels_agent_pos', 'render_mode': 'rgb_array',
    },
    frozenset({'pixels'}): {'obs_type': 'pixels', 'render_mode': 'rgb_array'},
}  # fmt: skip
CORNERS = frozenset({'environment_state', 'agent_pos'})


def env_spec(
    name: str,
    max_steps: int = 0,
    arguments: dict[str, Any] | None = None,
    contract: Contract | None = None,
    disturbances: Sequence[str] = (),
) -> EnvSpec:
    """Describe the environment `name`, 'id' or 'module:id'.

    Without a module, the one that the id begins with is imported. `arguments` are passed to
    gymnasium.make; without any, those that a known environment needs to observe what the
    contract names.

    Raises:
        ConfigError: there is no such environment.
    """
    module, _, id_ = name.rpartition(':')
    module = module or id_.partition('/')[0]
    try:
        importlib.import_module(module)
        gymnasium.spec(id_)
    except (ImportError, gymnasium.error.Error) as error:
        raise ConfigError(f'no environment {name!r}: {error}') from error
    chosen = arguments or {}
    if arguments is None:
        chosen = known_arguments(id_, contract)
    dt_s = contract.dt_s if contract else EnvSpec.dt_s
    return EnvSpec(id_, module, max_steps, dict(chosen), tuple(disturbances), dt_s)


def known_arguments(id_: str, contract: Contract | None) -> dict[str, Any]:
    """Return the arguments with which a known environment observes the contract's streams."""
    streams = frozenset(s.name for s in contract.observations) if contract else CORNERS
    if id_ == 'gym_pusht/PushT-v0':
        return PUSHT_VIEWS.get(streams, PUSHT_VIEWS[CORNERS])
    if id_ == 'dp_sim/UR5ePushT-v0' and contract and contract.images:
        return {'cameras': True}
    return {}


def make_env(spec: EnvSpec, render: bool = False) -> gymnasium.Env[Any, Any]:
    """Make an environment; one that is to `render` draws itself as well."""
    importlib.import_module(spec.module)  # registers the id, in worker processes too
    arguments = {**spec.arguments, 'render_mode': 'rgb_array'} if render else spec.arguments
    env = gymnasium.make(spec.id, max_episode_steps=spec.step_limit, **arguments)
    return Disturbed(env, spec.disturbances, spec.dt_s) if spec.disturbances else env


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
        self._spec = spec
        self._env = make_env(spec)

    def reset(self, seed: int, keep: int = 0) -> EpisodeState:
        """Start the episode of `seed`; `keep` is the largest lag asked for later [steps]."""
        observation = self._named(self._env.reset(seed=seed)[0])
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
            observation = self._named(observation)
            self._score = max(self._score, self._spec.score(float(reward), info))
            self._report = info.get('report', {})
            self._history.append(observation)
            seen.append(observation)
            scores.append(self._score)
            self._steps += 1
            self._done = bool(terminated or truncated)
        return self.state(lag, seen, scores)

    def state(self, lag: int, seen: list[dict[str, Any]], scores: Sequence[float]) -> EpisodeState:
        """Return the state with the observation window of `lag` steps ago.

        Raises:
            ObservationError: the environment observes other shapes than the contract says.
        """
        length = self._contract.n_obs_steps
        newest = len(self._history) - lag
        frames = list(self._history)[newest - length : newest]
        low_dim = self._numbers(frames)
        images = {s.name: np.stack([f[s.name] for f in frames]) for s in self._contract.images}
        t_obs_ns = (self._steps - lag) * self._contract.dt_ns
        window = ObservationWindow(t_obs_ns, low_dim, images)
        window.validate(self._contract)
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
            s.name: np.asarray([np.ravel(f[s.name]) for f in frames], np.float32).reshape(
                len(frames), -1 if frames else s.dim
            )
            for s in self._contract.low_dim
        }

    def _named(self, observation: Any) -> Any:
        """Name an observation that is one array after the contract's only stream."""
        streams = self._contract.observations
        if isinstance(observation, np.ndarray) and len(streams) == 1:
            return {streams[0].name: observation}
        return observation

    def _check(self, observation: Any) -> None:
        if not isinstance(observation, dict):
            raise ConfigError('the environment must observe a dict keyed by stream names')
        missing = [s.name for s in self._contract.observations if s.name not in observation]
        if missing:
            raise ConfigError(f'the environment lacks {missing}, it has {sorted(observation)}')
