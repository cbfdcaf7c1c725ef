# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Targets of the tool, one by one -> short trajectories of the arm that end at rest.

As with a person's hand, only the next target is known. Each trajectory goes to it with the speed
of the last step and then brakes: while targets keep coming the arm glides from one to the next,
and when they stay away it comes to rest 0.1 s behind the last one.
"""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.errors import ConfigError
from dp_core.kinematics import KinematicChain
from dp_core.tool_plane import tool_down
from dp_sim import scene
from dp_sim.tool_motion import MAX_SPEED
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEP_S = 0.1  # a target is to be reached so long after its stamp
BRAKE_S = 0.1  # from the target to rest
LEAST_S = 0.05  # to the first point, however late the target is
_SLOPE = 0.1  # part of a step over which the speed at the target is taken


@dataclass(frozen=True)
class Knot:
    """A point of a trajectory: time from its beginning [s], (joints,) [rad] and [rad/s]."""

    time_s: float
    positions: Array
    velocities: Array


class ToolFollower:
    """Follows targets in the plane of the tool's work; keeps where it was sent last."""

    def __init__(self, chain: KinematicChain) -> None:
        """Solve for the tool with ``chain``; `begin` comes first."""
        self._chain = chain
        self._positions: Array | None = None
        self._target = np.zeros(2)

    def begin(self, positions: Array) -> None:
        """Take the arm as resting at ``positions`` (joints,) [rad]."""
        self._positions = np.array(positions, dtype=np.float64)
        self._target = self._chain.forward(self._positions)[:2, 3].copy()

    @property
    def target(self) -> Array:
        """Where the tool was sent last (2,) [m]."""
        return self._target

    def follow(self, target: Array, due_s: float) -> tuple[Knot, Knot]:
        """Return the way to ``target`` (2,) [m], which is due in ``due_s`` [s], and to rest.

        It is cut short at the limits of the workspace and of the speed.

        Raises:
            ConfigError: `begin` was not called.
            KinematicsError: the arm cannot reach it.
        """
        if self._positions is None:
            raise ConfigError('the follower does not know where the arm is; call begin first')
        way = scene.clamp_tool(target) - self._target
        way *= min(1.0, MAX_SPEED * STEP_S / max(float(np.linalg.norm(way)), 1e-9))
        goal = self._target + way
        before = self._solve(goal - _SLOPE * way, self._positions)
        positions = self._solve(goal, before)
        velocities = (positions - before) / (_SLOPE * STEP_S)
        self._positions, self._target = positions, goal
        first_s = max(due_s, LEAST_S)
        rest = positions + velocities * (BRAKE_S / 2)  # an even deceleration
        return (
            Knot(first_s, positions, velocities),
            Knot(first_s + BRAKE_S, rest, np.zeros_like(velocities)),
        )

    def _solve(self, place: Array, near: Array) -> Array:
        return self._chain.inverse(tool_down(place[0], place[1], scene.TIP_HEIGHT), near)
