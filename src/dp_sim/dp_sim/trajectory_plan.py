# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A trajectory message as knots and polynomials, and the trajectory that is being followed."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass

from dp_sim.segments import Array
from dp_sim.segments import coefficients
from dp_sim.segments import deduce_positions
from dp_sim.segments import Knot
from dp_sim.trajectory_rules import TrajectoryMessage
import numpy as np

# Time from the start of a trajectory [ns] -> state (3, joints) of joints that it leaves out.
Filler = Callable[[int], Array]


@dataclass(frozen=True)
class Plan:
    """The part of a trajectory that does not depend on the state at the hand-over."""

    stamp_ns: int  # 0: start at the first tick
    knots: tuple[Knot, ...]  # times from the start of the trajectory
    polynomials: tuple[Array, ...]  # between neighbouring knots, (6, joints) each


@dataclass
class Track:
    """A trajectory that is being followed."""

    start_ns: int
    before_ns: int  # time of the state in front of the first point
    first: Array  # polynomial from there to the first point (6, joints)
    plan: Plan
    end: Array  # the last point as a polynomial (6, joints)
    index: int = 0  # of the segment of the newest sample
    played_out: bool = False  # a sample has passed the end: the end is held from now on

    def locate(self, time_ns: int, *, peek: bool = False) -> tuple[Array, float]:
        """Return the polynomial that holds at a time and the seconds since its start.

        Args:
            time_ns: not before the time of the newest sample.
            peek: a look ahead that shall not count as a sample.
        """
        knots = self.plan.knots
        elapsed = time_ns - self.start_ns
        if elapsed < knots[0].time_ns:
            return self.first, max(0, time_ns - self.before_ns) * 1e-9
        if self.played_out or elapsed >= knots[-1].time_ns:
            self.played_out |= not peek
            return self.end, 0.0
        index = self.index
        while elapsed >= knots[index + 1].time_ns:
            index += 1
        if not peek:
            self.index = index
        return self.plan.polynomials[index], (elapsed - knots[index].time_ns) * 1e-9


class JointOrder:
    """Brings messages into the order of a controller's joints."""

    def __init__(self, joints: tuple[str, ...]) -> None:
        """Take the controller's joints."""
        self._joints = joints
        # One buffer for all fields: a joint that a duplicate name left out keeps a stale value.
        self._buffer = np.zeros(len(joints))

    def absent(self, message: TrajectoryMessage) -> list[int]:
        """Return the joints that a message does not name."""
        return [k for k, name in enumerate(self._joints) if name not in message.joint_names]

    def plan(self, message: TrajectoryMessage, fill: Filler | None = None) -> Plan:
        """Return a message in the controller's order; `fill` tells the joints it leaves out."""
        absent: list[int] = []
        if fill is not None and len(message.joint_names) != len(self._joints):
            absent = self.absent(message)  # the real one fills only where the numbers differ
        order = [self._joints.index(name) for name in message.joint_names] + absent
        nothing = np.zeros((3, 0))
        knots = []
        for point in message.points:
            extra = nothing if fill is None else fill(point.time_ns)[:, absent]
            fields = (point.positions, point.velocities, point.accelerations)
            rows = [self._sort(row, more, order) for row, more in zip(fields, extra, strict=True)]
            knots.append(Knot(point.time_ns, *rows))
        polynomials = between(knots) if message.is_complete else ()
        return Plan(message.stamp_ns, tuple(knots), polynomials)

    def _sort(self, values: Sequence[float], extra: Array, order: list[int]) -> Array | None:
        """Return a field in the controller's order; None for an empty field."""
        if not len(values):
            return None
        row = [*values, *extra]
        if len(order) != len(self._joints):  # too many names: the real one warns, does not sort
            return np.array(row[: len(self._joints)], dtype=float)
        self._buffer[order] = row
        return self._buffer.copy()


def between(knots: Sequence[Knot]) -> tuple[Array, ...]:
    """Return the polynomials between neighbouring knots."""
    return tuple(coefficients(a, b) for a, b in zip(knots[:-1], knots[1:], strict=True))


def begin(plan: Plan, start_ns: int, state: Knot) -> Track:
    """Put the state at the hand-over in front of a trajectory.

    Args:
        plan: the trajectory.
        start_ns: its start.
        state: its time counts from that start.
    """
    if any(knot.positions is None for knot in plan.knots):
        plan = _complete(plan, state)
    head, last = plan.knots[0], plan.knots[-1]
    end = np.zeros((6, len(state.positions)))
    end[0] = last.positions
    end[1] = 0.0 if last.velocities is None else last.velocities
    end[2] = 0.0 if last.accelerations is None else 0.5 * last.accelerations
    first = coefficients(state, head) if head.time_ns > state.time_ns else end
    return Track(start_ns, start_ns + state.time_ns, first, plan, end)


def _complete(plan: Plan, state: Knot) -> Plan:
    """Deduce positions that were not sent from the state in front of them."""
    knots = [state]
    for knot in plan.knots:
        knots.append(deduce_positions(knots[-1], knot))
    return Plan(plan.stamp_ns, tuple(knots[1:]), between(knots[1:]))
