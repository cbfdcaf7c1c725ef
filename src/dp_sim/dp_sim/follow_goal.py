# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a controller still does what it was asked for, tick by tick, and how a goal ends.

In the order and in the words of joint_trajectory_controller 5.17. Motions that came by the topic
are judged too, by what the newest goal has left behind, or by the parameters; they end with a log
line only. A controller that holds its position is not judged.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
import enum

from dp_sim.segments import Array
from dp_sim.tolerances import Tolerances
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


@dataclass
class FollowedGoal:
    """A goal on its way; ``outcome`` is set once, by the thread of the controller."""

    tolerances: Tolerances
    outcome: Outcome | None = None


class Step(enum.Enum):
    """What a controller does after a tick was judged."""

    GO_ON = 'go on'
    HOLD = 'hold'  # not this tick's command, and from the next tick on the measured position


class GoalProgress:
    """Judges the ticks of one controller; called by its thread."""

    def __init__(self, defaults: Tolerances) -> None:
        """Begin with a controller that holds its position."""
        self.events: deque[str] = deque(maxlen=8)  # lines for the log, taken out by others
        self._active = defaults
        self._goal: FollowedGoal | None = None
        self._is_holding = True

    @property
    def is_watching(self) -> bool:
        """Whether there is anything to judge."""
        return not self._is_holding

    def hold(self) -> None:
        """Take note that the controller holds its position from now on."""
        self._is_holding, self._goal = True, None

    def deactivate(self, waiting: FollowedGoal | None = None) -> None:
        """Abort the goal in force, and one whose trajectory is ``waiting`` to take over."""
        self._end(DEACTIVATED)
        if waiting is not None:
            waiting.outcome = DEACTIVATED
        self.hold()

    def begin(self, goal: FollowedGoal | None) -> None:
        """Take note of a trajectory that takes over; ``goal`` is None when it came by the topic.

        A goal stays in force then, as in the real one, and may succeed by the other motion.
        """
        self._is_holding = False
        if goal is not None:
            self._goal, self._active = goal, goal.tolerances

    def judge(self, error: Array, *, on_way: bool, at_end: bool, late_s: float) -> Step:
        """Judge a tick.

        Args:
            error: (2, joints) reference less measurement [rad], [rad/s].
            on_way: before the last point, or at the first tick of a trajectory.
            at_end: past the last point.
            late_s: time since the last point was due [s].
        """
        distance, active = np.abs(error), self._active
        left_path = on_way and bool((distance > active.path).any())
        outside = at_end and bool((distance > active.goal).any())
        too_late = outside and 0.0 < active.goal_time_s < late_s
        if self._goal is None:
            if left_path or too_late:
                self.events.append(
                    'Holding position due to state tolerance violation'
                    if left_path
                    else 'Exceeded goal_time_tolerance: holding position...'
                )
        elif left_path:
            self._end(LEFT_PATH)
        elif at_end and not outside:
            self._end(REACHED)
            self._is_holding = True
        elif too_late:
            self._end(
                Outcome(
                    GOAL_VIOLATED,
                    f'Aborted due to goal_time_tolerance exceeding by {late_s:.6f} seconds',
                )
            )
        return Step.HOLD if left_path or too_late else Step.GO_ON

    def _end(self, outcome: Outcome) -> None:
        goal, self._goal = self._goal, None
        if goal is not None:
            goal.outcome = outcome
