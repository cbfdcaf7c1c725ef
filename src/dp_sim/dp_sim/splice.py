# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How joint_trajectory_controller joins a new trajectory to the running one since mid-August 2026.

Generation C (ros2_controllers pull request 2419, after 6.9.0): the trajectory that is followed
next consists of what is left of the old one until the hand-over, a bridge point sampled from the
old one there, the points of the new one, and, for joints that the new one leaves out, the rest of
the old one. The hand-over is the playback position (cursor) of the tick before, or, for a stamp in
the future, so much later; a stamp in the past means the cursor too. The result is played from the
cursor, so the reference repeats one tick at every hand-over.
"""

from __future__ import annotations

from dataclasses import replace

from dp_sim.segments import Array
from dp_sim.segments import Evaluator
from dp_sim.segments import Knot
from dp_sim.trajectory_plan import between
from dp_sim.trajectory_plan import JointOrder
from dp_sim.trajectory_plan import Plan
from dp_sim.trajectory_plan import Track
from dp_sim.trajectory_rules import TrajectoryMessage
import numpy as np


def can_splice(old: Track, new: Plan | TrajectoryMessage, order: JointOrder) -> bool:
    """Return whether the real controller would splice; otherwise it replaces.

    A running trajectory of one point is not spliced to (ros2_controllers issue 2615): who sends
    single points is never blended.
    """
    if len(old.plan.knots) < 2:
        return False
    partial = isinstance(new, TrajectoryMessage) and bool(order.absent(new))
    return not partial or len(new.points[-1].positions) > 0


def splice(
    old: Track, cursor_ns: int, lead_ns: int, new: Plan | TrajectoryMessage, order: JointOrder
) -> Plan:
    """Return the joined trajectory; its times count from the cursor.

    Args:
        old: the running trajectory.
        cursor_ns: the time at which it was sampled last.
        lead_ns: from the cursor to the hand-over.
        new: the trajectory that takes over; with a message, joints may be left out.
        order: of the controller's joints.
    """
    evaluate = Evaluator()

    def sample(time_ns: int) -> Array:
        return evaluate(*old.locate(cursor_ns + lead_ns + time_ns, peek=True))

    bridge = Knot(lead_ns, *sample(0))
    absent = order.absent(new) if isinstance(new, TrajectoryMessage) else []
    plan = order.plan(new, sample) if isinstance(new, TrajectoryMessage) else new
    since_cursor_ns = old.start_ns - cursor_ns
    rest = [replace(k, time_ns=k.time_ns + since_cursor_ns) for k in old.plan.knots]
    points = [replace(k, time_ns=k.time_ns + lead_ns) for k in plan.knots]
    before = [k for k in rest if 0 < k.time_ns < lead_ns]
    if bridge.time_ns < points[0].time_ns:
        before.append(bridge)
    after = [k for k in rest if absent and k.time_ns > points[-1].time_ns]
    after = [_held(k, points[-1], absent) for k in after]
    if any(k.positions is None for k in points):
        return Plan(0, (*before, *points, *after), ())  # deduced when the trajectory begins
    polynomials = (
        *between([*before, points[0]]),
        *plan.polynomials,
        *between([points[-1], *after]),
    )
    return Plan(0, (*before, *points, *after), polynomials)


def _held(knot: Knot, last: Knot, moving: list[int]) -> Knot:
    """Return a knot of the old trajectory in which only some of the joints still move."""
    fields = (knot.positions, knot.velocities, knot.accelerations)
    held = [None if field is None else np.zeros_like(field) for field in fields]
    if held[0] is not None and last.positions is not None:
        held[0] = last.positions.copy()
    for new, old in zip(held, fields, strict=True):
        if new is not None and old is not None:
            new[moving] = old[moving]
    return Knot(knot.time_ns, *held)
