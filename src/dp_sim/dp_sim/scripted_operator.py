# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A scripted operator that solves Push-T from the true poses: the source of demonstrations.

It plans one push, goes round the T at a distance, closes the gap, pushes open loop along a fixed
direction, and plans again from what it then sees. Once the T is placed it retreats to the end
zone and rests there. It can take over in any state.
"""

from __future__ import annotations

from dp_sim import scene
from dp_sim.course import Course
from dp_sim.push_planner import distance_to_goal
from dp_sim.push_planner import Push
from dp_sim.push_planner import PushPlanner
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DT_S = 0.1
TRAVEL_SPEED = 0.15  # [m/s] in free travel
GAP_SPEED = 0.10  # while the pusher comes near the T or leaves it
PUSH_SPEED = 0.05
PLACED_COVERAGE = 0.97  # the T is left alone; above 0.95, so that a policy's error has room
NOISE = 0.02  # relative, in the choice between pushes
_AT_REST = 0.01  # of the middle of the end zone [m]
_OFF_PATH = 0.015  # the tool is not where it was sent: plan again [m]
_TOUCHED = 0.004  # the T moved before it was pushed: plan again [m]
_OFF_MODEL = (0.004, 0.35)  # a push goes astray: plus this part of what was foreseen [m], [1]


class Operator:
    """Tool targets at 10 Hz from the pose of the T and the place of the tool."""

    def __init__(self, rng: np.random.Generator, noise: float = NOISE) -> None:
        """Decide with `rng`; `noise` is relative, in the choice between pushes."""
        self._planner = PushPlanner(rng, noise)
        self.reset()

    def reset(self) -> None:
        """Forget the plan; the next `act` starts from what it sees.

        `plans` counts pushes since then, `is_lost` says that no push can reach the T.
        """
        self._push: Push | None = None
        self._course: Course | None = None
        self.plans = 0
        self.is_lost = False

    def act(self, block_pose: tuple[float, float, float], tool_xy: Array) -> Array:
        """Where the tool should be 0.1 s from now (2,) [m]; stays when at a loss."""
        tool = np.asarray(tool_xy, dtype=np.float64)
        if self._is_placed(block_pose, tool):
            self._retreat(block_pose, tool)
        elif self._is_over(np.asarray(block_pose), tool):
            self._begin_push(block_pose, tool)
        return tool if self._course is None else self._course.advance(DT_S)

    def is_done(self, block_pose: tuple[float, float, float], tool_xy: Array) -> bool:
        """Whether the T is placed and the tool is back in the middle of the end zone."""
        tool = np.asarray(tool_xy, dtype=np.float64)
        from_zone = float(np.linalg.norm(tool - scene.END_ZONE))
        return from_zone < _AT_REST and self._is_placed(block_pose, tool)

    def _is_placed(self, block_pose: tuple[float, float, float], tool: Array) -> bool:
        retreats = self._course is not None and self._push is None
        is_enough = retreats or scene.in_end_zone(tool)
        wanted = scene.SUCCESS_COVERAGE if is_enough else PLACED_COVERAGE
        return scene.coverage(block_pose) >= wanted

    def _retreat(self, block_pose: tuple[float, float, float], tool: Array) -> None:
        if self._push or self._course is None or self._is_off(tool):
            points = self._planner.retreat(block_pose, tool)
            speeds = [GAP_SPEED] + [TRAVEL_SPEED] * (len(points) - 2)
            self._push, self._course = None, Course(points, speeds)

    def _begin_push(self, block_pose: tuple[float, float, float], tool: Array) -> None:
        push = self._push = self._planner.plan(block_pose, tool)
        self.plans += 1
        self.is_lost = push is None
        self._course = None
        if push:
            points = np.concatenate([push.way, push.contact[None], push.end[None]])
            speeds = [TRAVEL_SPEED] * (len(points) - 1)
            speeds[0] = GAP_SPEED
            speeds[-2:] = GAP_SPEED, PUSH_SPEED
            self._course = Course(points, speeds)

    def _is_off(self, tool: Array) -> bool:
        course = self._course
        return course is not None and float(np.linalg.norm(tool - course.target)) > _OFF_PATH

    def _is_over(self, block: Array, tool: Array) -> bool:
        """Whether there is no push, or it is finished, or not what was planned any more."""
        push, course = self._push, self._course
        if push is None or course is None or course.is_finished or self._is_off(tool):
            return True
        pushed = course.done_on_last_leg
        foreseen = np.array([np.interp(pushed, push.lengths, column) for column in push.poses.T])
        moved = _difference(foreseen, push.poses[0])
        allowed = _OFF_MODEL[0] + _OFF_MODEL[1] * moved if pushed else _TOUCHED
        if _difference(block, foreseen) <= allowed:
            return False
        if not pushed:
            return True
        return float(distance_to_goal(block)) > float(distance_to_goal(foreseen)) + _OFF_MODEL[0]


def _difference(a: Array, b: Array) -> float:
    """Distance of two poses [m], measured as the cost of the planner measures it."""
    return float(distance_to_goal(a - b + np.asarray(scene.GOAL_POSE)))
