# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Roll a policy out in many episodes at once: one policy call for all of them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
import time
from typing import Protocol as Interface

from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.evaluation.stepper import Stepper
from dp_core.observation import ObservationWindow
import numpy as np
from numpy.typing import NDArray


class Actor(Interface):
    """What acts: a Policy, or anything else that predicts as one."""

    contract: Contract

    def predict_batch(
        self, windows: Sequence[ObservationWindow], seeds: Sequence[int]
    ) -> NDArray[np.float32]:
        """Predict actions (B, horizon, action_dim) in physical units."""


@dataclass(frozen=True)
class Protocol:
    """How chunks are executed.

    Attributes:
        n_action_steps: steps executed of each chunk.
        delay_steps: each chunk but the first is asked for this many steps before it takes over,
            and its steps that are past by then are dropped.
        batch: episodes in one policy call and in memory at the same time.
        compensate: False executes a late chunk from its first step, as if it were fresh.
    """

    n_action_steps: int
    delay_steps: int = 0
    batch: int = 50
    compensate: bool = True

    @property
    def dropped(self) -> int:
        """Steps of a chunk that are past when it takes over."""
        return self.delay_steps if self.compensate else 0

    def require(self, contract: Contract) -> None:
        """Raise unless the horizon holds the steps executed."""
        if self.n_action_steps < 1 or self.delay_steps < 0 or self.batch < 1:
            raise ConfigError(f'n_action_steps, delay_steps or batch out of range: {self}')
        last = contract.n_obs_steps - 1 + self.dropped + self.n_action_steps
        if last > contract.horizon or self.delay_steps > self.n_action_steps:
            raise ConfigError(
                f'{self.n_action_steps} steps executed {self.delay_steps} steps late need a '
                f'horizon of {last}, the contract has {contract.horizon}'
            )


@dataclass(frozen=True)
class EpisodeResult:
    """One finished episode.

    Attributes:
        seed: of the episode.
        score: the largest, in [0, 1].
        steps: length [policy steps].
        report: the environment's own figures at the end, where it gives some.
        actions: (steps, action_dim), what was executed.
    """

    seed: int
    score: float
    steps: int
    report: dict[str, float] = field(default_factory=dict)
    actions: NDArray[np.float32] = field(
        default_factory=lambda: np.empty((0, 0), np.float32), repr=False, compare=False
    )


def roll_out(
    policy: Actor,
    stepper: Stepper,
    seeds: Sequence[int],
    protocol: Protocol,
    report: Callable[[int, int, float], None] = lambda done, total, mean: None,
) -> tuple[list[EpisodeResult], list[float]]:
    """Run one episode for each seed.

    Args:
        policy: what acts.
        stepper: where it acts.
        seeds: of the episodes; the policy's noise follows from seed and chunk number.
        protocol: how chunks are executed.
        report: called with episodes done, episodes in all, and the mean score so far.

    Returns:
        results in the order of `seeds`, and the duration of each policy call [s].
    """
    protocol.require(policy.contract)
    results: list[EpisodeResult] = []
    durations: list[float] = []
    for start in range(0, len(seeds), protocol.batch):
        group = list(seeds[start : start + protocol.batch])
        states = stepper.reset(group, protocol.delay_steps)
        running = {seed: state for seed, state in states.items() if not state.done}
        executed: dict[int, list[NDArray[np.float32]]] = {seed: [] for seed in group}
        chunk = 0
        while running:
            begin = time.perf_counter()
            windows = [state.window for state in running.values()]
            noise = [(seed << 20) + chunk for seed in running]
            actions = policy.predict_batch(windows, noise)  # (B, horizon, action_dim)
            durations.append(time.perf_counter() - begin)
            picked = clamp(select(actions, policy.contract, protocol, chunk), policy.contract)
            for seed, part in zip(running, picked, strict=True):
                executed[seed].append(part)
            moved = stepper.advance(dict(zip(running, picked, strict=True)), protocol.delay_steps)
            states.update(moved)
            running = {seed: state for seed, state in moved.items() if not state.done}
            chunk += 1
        ends = {seed: states[seed] for seed in group}
        for seed, end in ends.items():
            actions = np.concatenate(executed[seed] or [np.empty((0, 0), np.float32)])[: end.steps]
            results.append(EpisodeResult(seed, end.max_score, end.steps, end.report, actions))
        report(len(results), len(seeds), float(np.mean([r.score for r in results])))
    return results, durations


def select(
    actions: NDArray[np.float32], contract: Contract, protocol: Protocol, chunk: int
) -> NDArray[np.float32]:
    """Cut the executed steps (B, n_action_steps, A) out of predictions (B, horizon, A).

    Before the first chunk the robot stands still and waits, so nothing of it is past.
    """
    first = contract.n_obs_steps - 1 + (protocol.dropped if chunk else 0)
    return actions[:, first : first + protocol.n_action_steps]


def clamp(actions: NDArray[np.float32], contract: Contract) -> NDArray[np.float32]:
    """Clamp actions (..., action_dim) to the bounds of the contract's groups."""
    groups = contract.actions
    low = np.concatenate([g.low or [-np.inf] * len(g.dims) for g in groups])
    high = np.concatenate([g.high or [np.inf] * len(g.dims) for g in groups])
    return actions.clip(low, high).astype(np.float32)
