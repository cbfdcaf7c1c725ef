# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A scripted operator that solves Push-T from the true poses: the source of demonstrations.

It plans one push, goes round the T at a distance, closes the gap, pushes open loop along a fixed
direction, and plans again from what it then sees. It can take over in any state.
"""

from __future__ import annotations

from dp_sim import scene
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
STOP_COVERAGE = 0.96  # the work is done
_OFF_PATH = 0.015  # the tool is not where it was sent: plan again [m]
_TOUCHED = 0.004  # the T moved before it was pushed: plan again [m]
_OFF_MODEL = (0.004, 0.35)  # a push goes astray: plus this part of what was foreseen [m], [1]


class Operator:
    """Tool targets at 10 Hz from the pose of the T and the place of the tool."""

    def __init__(self, rng: np.random.Generator, noise: float = 0.1) -> None:
        """Decide with `rng`; `noise` is relative, in the choice between pushes."""
        self._planner = PushPlanner(rng, noise)
        self.reset()

    def reset(self) -> None:
        """Forget the plan; the next `act` starts from what it sees.

        `plans` counts pushes since then, `is_lost` says that no push can reach the T.
        """
        self._plan: _Course | None = None
        self.plans = 0
        self.is_lost = False

    def act(self, block_pose: tuple[float, float, float], tool_xy: Array) -> Array:
        """Where the tool should be 0.1 s from now (2,) [m]; stays when done or at a loss."""
        tool = np.asarray(tool_xy, dtype=np.float64)
        if scene.coverage(block_pose) >= STOP_COVERAGE:
            self._plan = None
            return tool
        if self._plan is None or self._plan.is_over(np.asarray(block_pose), tool):
            push = self._planner.plan(block_pose, tool)
            self.plans += 1
            self.is_lost = push is None
            self._plan = None if push is None else _Course(push)
        return tool if self._plan is None else self._plan.advance()


class _Course:
    """One push as a line with a speed on every leg, and how far along it the tool was sent."""

    def __init__(self, push: Push) -> None:
        self._push = push
        self._points = np.concatenate([push.way, push.contact[None], push.end[None]])  # (N, 2)
        self._lengths = np.linalg.norm(np.diff(self._points, axis=0), axis=1)  # (N - 1,)
        self._ends = np.cumsum(self._lengths)
        self._speeds = np.full(len(self._lengths), TRAVEL_SPEED)
        self._speeds[0] = GAP_SPEED
        self._speeds[-2:] = GAP_SPEED, PUSH_SPEED
        self._done = 0.0  # [m]

    def advance(self) -> Array:
        """Next target (2,) [m]."""
        time_left = DT_S
        while time_left > 1e-9 and self._done < self._ends[-1] - 1e-9:
            leg = int(np.searchsorted(self._ends, self._done + 1e-9, side='right'))
            leg = min(leg, len(self._ends) - 1)
            step = min(self._speeds[leg] * time_left, self._ends[leg] - self._done)
            self._done += step
            time_left -= step / self._speeds[leg]
        return self._at(self._done)

    def is_over(self, block: Array, tool: Array) -> bool:
        """Whether the push is finished, or is not what was planned any more."""
        if self._done >= self._ends[-1] - 1e-9:
            return True
        if float(np.linalg.norm(tool - self._at(self._done))) > _OFF_PATH:
            return True
        pushed = max(0.0, self._done - float(self._ends[-2]))
        foreseen = np.array(
            [np.interp(pushed, self._push.lengths, column) for column in self._push.poses.T]
        )
        moved = _difference(foreseen, self._push.poses[0])
        allowed = _OFF_MODEL[0] + _OFF_MODEL[1] * moved if pushed else _TOUCHED
        if _difference(block, foreseen) <= allowed:
            return False
        if not pushed:
            return True
        return float(distance_to_goal(block)) > float(distance_to_goal(foreseen)) + _OFF_MODEL[0]

    def _at(self, done: float) -> Array:
        leg = min(int(np.searchsorted(self._ends, done, side='left')), len(self._ends) - 1)
        part = (done - self._ends[leg] + self._lengths[leg]) / max(self._lengths[leg], 1e-9)
        return np.asarray(self._points[leg] + part * (self._points[leg + 1] - self._points[leg]))


def _difference(a: Array, b: Array) -> float:
    """Distance of two poses [m], measured as the cost of the planner measures it."""
    return float(distance_to_goal(a - b + np.asarray(scene.GOAL_POSE)))
