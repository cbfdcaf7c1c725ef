# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How a FollowJointTrajectory goal ends, in the words of the real controller. Pure.

Only the tolerances of the goal itself are checked, and of them only positions; the real controller
has defaults in its parameters, and judges at every tick what is judged here some times a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dp_sim.scene_state import Array
import numpy as np

SUCCESSFUL, INVALID_GOAL, PATH_VIOLATED, GOAL_VIOLATED = 0, -1, -4, -5


@dataclass(frozen=True)
class Outcome:
    """The result of a goal; the code is that of control_msgs/FollowJointTrajectory."""

    code: int
    text: str
    is_cancel: bool = False


PREEMPTED = Outcome(INVALID_GOAL, 'Current goal preempted by new incoming action.')
DEACTIVATED = Outcome(INVALID_GOAL, 'Current goal cancelled during deactivate transition.')
CANCELED = Outcome(SUCCESSFUL, '', is_cancel=True)
REACHED = Outcome(SUCCESSFUL, 'Goal successfully reached!')
LEFT_PATH = Outcome(PATH_VIOLATED, 'Aborted due to path tolerance violation')


class GoalProgress:
    """Judges one goal from what the controller does."""

    def __init__(self, goal: Any, joints: tuple[str, ...], taken_ns: int) -> None:
        """Read the tolerances of a goal.

        Args:
            goal: with the fields of control_msgs/FollowJointTrajectory.
            joints: of the controller.
            taken_ns: newer ticks follow its trajectory.
        """
        self._path = _tolerances(goal.path_tolerance, joints)
        self._end = _tolerances(goal.goal_tolerance, joints)
        allowed = goal.goal_time_tolerance
        self._allowed_s = allowed.sec + allowed.nanosec * 1e-9
        self._taken_ns = taken_ns
        self._finished_ns: int | None = None

    def judge(self, now_ns: int, error: Array, finished: bool) -> Outcome | None:
        """Return how the goal ends, None while it goes on.

        Args:
            now_ns: stamp of the tick.
            error: reference less measured position (joints,) [rad].
            finished: whether the tick lay past the end of the newest trajectory.
        """
        if now_ns <= self._taken_ns:
            return None
        if not finished:
            return LEFT_PATH if np.any(np.abs(error) > self._path) else None
        if self._finished_ns is None:
            self._finished_ns = now_ns
        if not np.any(np.abs(error) > self._end):
            return REACHED
        late_s = (now_ns - self._finished_ns) * 1e-9
        if 0.0 < self._allowed_s < late_s:
            text = f'Aborted due to goal_time_tolerance exceeding by {late_s:.6f} seconds'
            return Outcome(GOAL_VIOLATED, text)
        return None


def _tolerances(rows: Sequence[Any], joints: tuple[str, ...]) -> Array:
    """Return (joints,) [rad]; what is not given, 0 or negative is not checked."""
    given: Mapping[str, float] = {row.name: row.position for row in rows if row.position > 0.0}
    return np.array([given.get(joint, np.inf) for joint in joints])
