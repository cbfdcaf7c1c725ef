# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How far a joint may be from its reference: parameters of the controller, and what a goal asks.

By the rules of joint_trajectory_controller 5.17: 0 in a goal leaves the parameter, -1 erases it,
and anything else below 0, or a joint that the controller does not have, puts the whole goal back
to the parameters. Accelerations are not checked: no command interface of ours carries them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dp_sim.segments import Array
from dp_sim.trajectory_rules import ControllerParameters
import numpy as np

ERASE, EPSILON = -1.0, float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Tolerances:
    """Tolerances of a controller's joints; infinite where nothing is checked.

    Attributes:
        path: (2, joints) on the way: positions [rad], velocities [rad/s].
        goal: (2, joints) at the end, likewise.
        goal_time_s: from the end of the trajectory until these must hold [s]; 0: for ever.
    """

    path: Array
    goal: Array
    goal_time_s: float

    @classmethod
    def of_parameters(cls, parameters: ControllerParameters) -> Tolerances:
        """Return those of the parameters ``constraints.*``; 0 is not checked."""
        count = len(parameters.joints)
        path, goal = np.full((2, 2, count), np.inf)
        for row, values in (
            (path, parameters.path_tolerances),
            (goal, parameters.goal_tolerances),
        ):
            given = np.array(values or [0.0] * count)
            row[0] = np.where(given > 0.0, given, np.inf)
        if parameters.stopped_velocity_tolerance > 0.0:
            goal[1] = parameters.stopped_velocity_tolerance
        return cls(path, goal, parameters.goal_time)

    def of_goal(self, goal: Any, joints: Sequence[str]) -> tuple[Tolerances, str]:
        """Return the tolerances while a goal is executed, and the log line of a wrong one, or ''.

        Args:
            goal: with the fields of control_msgs/FollowJointTrajectory.
            joints: of the controller.
        """
        allowed = goal.goal_time_tolerance
        time_s = _resolve(self.goal_time_s, allowed.sec + allowed.nanosec * 1e-9, 0.0)
        if time_s is None:
            given_s = allowed.sec + allowed.nanosec * 1e-9
            return self, (
                f'Specified illegal goal_time_tolerance: {given_s:.6f}. Using default tolerances'
            )
        path, end = self.path.copy(), self.goal.copy()
        for field, rows, mine in (
            ('path_tolerance', goal.path_tolerance, path),
            ('goal_tolerance', goal.goal_tolerance, end),
        ):
            for row in rows:
                log = _apply(row, field, mine, joints)
                if log:
                    return self, log
        return Tolerances(path, end, time_s), ''


def _apply(row: Any, field: str, mine: Array, joints: Sequence[str]) -> str:
    """Take one joint's tolerances over; return why not, or ''."""
    if row.name not in joints:
        return (
            f"joint '{row.name}' specified in goal.{field} does not exist. "
            'Using default tolerances.'
        )
    column = list(joints).index(row.name)
    values = (row.position, row.velocity, row.acceleration)
    for k, (interface, value) in enumerate(zip(('position', 'velocity', 'acceleration'), values)):
        default = mine[k, column] if k < 2 else np.inf
        resolved = _resolve(default, value, np.inf)
        if resolved is None:
            return (
                f"joint '{row.name}' specified in goal.{field} has a invalid {interface} "
                'tolerance. Using default tolerances.'
            )
        if k < 2:
            mine[k, column] = resolved
    return ''


def _resolve(default: float, given: float, erased: float) -> float | None:
    """Return what holds; None for a value that means nothing."""
    if given > 0.0:
        return given
    if abs(given - ERASE) < EPSILON:
        return erased
    return None if given < 0.0 else default
