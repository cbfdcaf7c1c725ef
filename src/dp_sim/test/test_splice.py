# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a spliced trajectory consists of, point by point."""

from dp_sim.segments import Knot
from dp_sim.splice import can_splice
from dp_sim.splice import splice
from dp_sim.trajectory_plan import begin
from dp_sim.trajectory_plan import JointOrder
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import TrajectoryPoint
import numpy as np

SECOND = 10**9
ORDER = JointOrder(('a', 'b'))


def message(*points, names=('a', 'b')):
    return TrajectoryMessage(
        names, tuple(TrajectoryPoint(round(t * SECOND), *fields) for t, *fields in points)
    )


def running(*points):
    """Return a trajectory that began at time 10 s, from rest at zero."""
    still = np.zeros(2)
    return begin(ORDER.plan(message(*points)), 10 * SECOND, Knot(0, still, still, still))


def seconds(plan):
    return [knot.time_ns / SECOND for knot in plan.knots]


LINE = ((1.0, (1.0, 10.0)), (2.0, (2.0, 20.0)), (3.0, (3.0, 30.0)))  # 1 and 10 rad/s


def test_a_message_for_now_keeps_nothing_of_the_old_trajectory_but_where_it_is():
    plan = splice(running(*LINE), 11_500_000_000, 0, message((1.0, (7.0, 70.0))), ORDER)
    assert seconds(plan) == [0.0, 1.0]
    np.testing.assert_allclose(plan.knots[0].positions, (1.5, 15.0))
    np.testing.assert_allclose(plan.knots[0].velocities, (1.0, 10.0))
    np.testing.assert_allclose(plan.knots[1].positions, (7.0, 70.0))


def test_until_a_hand_over_ahead_the_old_points_stay():
    lead_ns = 1_000_000_000
    plan = splice(running(*LINE), 11_500_000_000, lead_ns, message((0.5, (7.0, 7.0))), ORDER)
    assert seconds(plan) == [0.5, 1.0, 1.5]  # the old point at 12 s, the bridge, the new point
    np.testing.assert_allclose([knot.positions[0] for knot in plan.knots], (2.0, 2.5, 7.0))


def test_a_first_point_at_the_hand_over_leaves_no_room_for_a_bridge():
    plan = splice(running(*LINE), 11_500_000_000, 0, message((0.0, (7.0, 7.0))), ORDER)
    assert seconds(plan) == [0.0]
    np.testing.assert_allclose(plan.knots[0].positions, (7.0, 7.0))


def test_joints_that_are_left_out_go_on_and_the_others_wait_for_them():
    only_b = message((0.5, (0.0,)), names=('b',))
    plan = splice(running(*LINE), 11_500_000_000, 0, only_b, ORDER)
    assert seconds(plan) == [0.0, 0.5, 1.5]
    rows = [knot.positions for knot in plan.knots]
    np.testing.assert_allclose(rows, [(1.5, 15.0), (2.0, 0.0), (3.0, 0.0)])


def test_a_trajectory_of_one_point_is_not_spliced_to():
    whole, part = message((1.0, (1.0, 1.0))), message((1.0, (), (1.0,)), names=('b',))
    assert can_splice(running(*LINE), whole, ORDER)
    assert not can_splice(running((1.0, (1.0, 1.0))), whole, ORDER)
    assert not can_splice(running(*LINE), part, ORDER)  # where would b wait?
