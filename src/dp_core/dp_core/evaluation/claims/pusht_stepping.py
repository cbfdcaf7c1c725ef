# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Steppers around a stepper: one that is driven by velocities, one that keeps what it sees."""

from __future__ import annotations

from collections.abc import Sequence

from dp_core.contract import Contract
from dp_core.evaluation.claims.pusht_data import STATE
from dp_core.evaluation.stepper import Actions
from dp_core.evaluation.stepper import States
from dp_core.evaluation.stepper import Stepper
import numpy as np
from numpy.typing import NDArray


def targets(
    velocities: NDArray[np.float32],
    start: NDArray[np.float32],
    dt_s: float,
    bounds: tuple[Sequence[float], Sequence[float]],
) -> NDArray[np.float32]:
    """Integrate velocities (n, 2) [px/s] to targets (n, 2) [px] inside bounds (low, high)."""
    at = np.asarray(start, np.float64)
    path = np.zeros(velocities.shape, np.float32)
    for k, velocity in enumerate(velocities):
        at = np.clip(at + velocity * dt_s, *bounds)
        path[k] = at
    return path


class VelocityStepper:
    """Episodes commanded by velocities: each integrates its own target, from the agent on."""

    def __init__(self, inner: Stepper, positions: Contract) -> None:
        """Command `inner`, whose actions are those of the contract `positions`."""
        group = positions.actions[0]
        self._inner = inner
        self._dt_s = positions.dt_s
        self._bounds = (group.low, group.high)
        self._targets: dict[int, NDArray[np.float32]] = {}

    def reset(self, seeds: Sequence[int], keep: int) -> States:
        """Start an episode for each seed, its target at the agent."""
        states = self._inner.reset(seeds, keep)
        self._targets = {seed: s.window.low_dim[STATE][-1] for seed, s in states.items()}
        return states

    def advance(self, actions: Actions, lag: int) -> States:
        """Execute velocities (n, 2) in the episode of each seed."""
        moved = {
            seed: targets(v, self._targets[seed], self._dt_s, self._bounds)
            for seed, v in actions.items()
        }
        self._targets.update({seed: path[-1] for seed, path in moved.items()})
        return self._inner.advance(moved, lag)

    def close(self) -> None:
        """Release everything."""
        self._inner.close()


class RecordingStepper:
    """Keeps the agent's path and the score of every episode, step by step.

    Attributes:
        paths: seed -> (steps + 1, 2) where the agent was, from the first observation on [px].
        scores: seed -> (steps + 1,) largest score up to each of them.
    """

    def __init__(self, inner: Stepper) -> None:
        """Listen to `inner`."""
        self._inner = inner
        self.paths: dict[int, NDArray[np.float32]] = {}
        self.scores: dict[int, NDArray[np.float64]] = {}

    def reset(self, seeds: Sequence[int], keep: int) -> States:
        """Start an episode for each seed."""
        states = self._inner.reset(seeds, keep)
        self.paths.update({seed: state.seen[STATE] for seed, state in states.items()})
        self.scores.update({seed: state.scores for seed, state in states.items()})
        return states

    def advance(self, actions: Actions, lag: int) -> States:
        """Execute actions (n, action_dim) in the episode of each seed."""
        states = self._inner.advance(actions, lag)
        for seed, state in states.items():
            self.paths[seed] = np.concatenate((self.paths[seed], state.seen[STATE]))
            self.scores[seed] = np.concatenate((self.scores[seed], state.scores))
        return states

    def close(self) -> None:
        """Release everything."""
        self._inner.close()
