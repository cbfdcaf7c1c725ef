# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a controller is told, and our model of what it commands."""

import dataclasses

from dp_core.errors import TrajectoryError
from dp_core.motion import clock_step_ns
from dp_core.motion import CommandedMotion
from dp_core.motion import Trajectory
import numpy as np
import pytest

NS = 1_000_000_000
T0 = 1_700_000_000 * NS


def test_commanded_motion_before_the_first_message_is_the_held_position():
    motion = CommandedMotion(np.array([1.0, 2.0]))
    position, velocity, acceleration = motion.at(T0)
    assert position.tolist() == [1.0, 2.0]
    assert velocity.tolist() == acceleration.tolist() == [0.0, 0.0]
    assert motion.end_ns == 0


def test_commanded_motion_hands_out_copies():
    motion = CommandedMotion(np.zeros(1))
    motion.at(T0)[0][0] = 9.0
    assert motion.at(T0)[0].tolist() == [0.0]


GOOD = Trajectory(
    start_ns=T0,
    joint_names=('a',),
    start_position=np.zeros(1),
    start_velocity=np.zeros(1),
    times_s=np.array([0.1, 0.2]),
    positions=np.zeros((2, 1)),
    velocities=np.zeros((2, 1)),
)


@pytest.mark.parametrize(
    ('words', 'field', 'value'),
    [
        ('NaN', 'positions', np.array([[np.nan], [0.0]])),
        ('NaN', 'velocities', np.array([[np.inf], [0.0]])),
        ('NaN', 'start_velocity', np.array([np.nan])),
        ('NaN', 'times_s', np.array([0.1, np.inf])),
        ('last velocity is', 'velocities', np.array([[0.0], [1e-9]])),
        ('do not rise', 'times_s', np.array([0.2, 0.2])),
        ('do not rise', 'times_s', np.array([0.0, 0.2])),
        ('do not rise', 'times_s', np.array([-0.1, 0.2])),
        (r'velocities are \(2, 2\)', 'velocities', np.zeros((2, 2))),
        (r'start_position is \(2,\)', 'start_position', np.zeros(2)),
        (r'positions are \(2, 1\)', 'joint_names', ('a', 'b')),
    ],
)
def test_a_trajectory_that_would_harm_cannot_be_built(words, field, value):
    with pytest.raises(TrajectoryError, match=words):
        dataclasses.replace(GOOD, **{field: value})


def test_doubled_joints_cannot_be_built():
    two = {
        name: np.repeat(getattr(GOOD, name), 2, axis=-1)
        for name in ('start_position', 'start_velocity', 'positions', 'velocities')
    }
    with pytest.raises(TrajectoryError, match=r"\['a', 'a'\] are not unique"):
        dataclasses.replace(GOOD, joint_names=('a', 'a'), **two)


def test_a_single_knot_cannot_be_built():
    one = {name: getattr(GOOD, name)[:1] for name in ('times_s', 'positions', 'velocities')}
    with pytest.raises(TrajectoryError, match='two knots'):
        dataclasses.replace(GOOD, **one)


def straight(start_ns, position, velocity):
    """One second at this velocity, then a second to rest: start, 1 s later, 2 s later."""
    knots = position + velocity * np.array([1.0, 1.5])
    return dataclasses.replace(
        GOOD,
        start_ns=start_ns,
        start_position=np.array([position]),
        start_velocity=np.array([velocity]),
        times_s=np.array([1.0, 2.0]),
        positions=knots[:, None],
        velocities=np.array([[velocity], [0.0]]),
    )


def test_the_past_is_remembered_for_two_seconds():
    motion = CommandedMotion(np.zeros(1))
    motion.follow(straight(T0, 0.0, 1.0))
    motion.follow(straight(T0 + NS // 2, 0.5, 3.0))
    # Before the hand-over the first one counts, from then on the second one.
    assert motion.at(T0 + NS // 4).position.tolist() == pytest.approx([0.25])
    assert motion.at(T0 + NS // 4).velocity.tolist() == pytest.approx([1.0])
    assert motion.at(T0 + 3 * NS // 4).velocity.tolist() == pytest.approx([3.0])
    assert motion.at(T0 - NS).position.tolist() == [0.0]
    motion.follow(straight(T0 + 10 * NS, 5.0, 0.0))
    assert motion.at(T0 + NS // 4).position.tolist() == [0.5]  # no longer: where the oldest began


def test_it_passes_where_the_message_before_leads_until_that_has_ended():
    """A brake may have been lost, and the arm go on as before."""
    motion = CommandedMotion(np.zeros(1))
    motion.follow(dataclasses.replace(GOOD, positions=np.array([[0.5], [1.0]])))
    motion.follow(dataclasses.replace(GOOD, start_ns=T0 + NS // 20))  # back to 0, and at rest
    assert not motion.passes(np.array([0.9]), 0.02)
    assert motion.passes(np.array([0.9]), 0.02, since_ns=T0 + NS // 5)
    assert not motion.passes(np.array([0.9]), 0.02, since_ns=T0 + NS // 5 + 1)
    assert not motion.passes(np.array([1.1]), 0.02, since_ns=T0)


def test_a_message_overtakes_one_that_was_to_begin_later():
    motion = CommandedMotion(np.zeros(1))
    motion.follow(straight(T0 + NS, 0.0, 1.0))
    motion.follow(straight(T0, 0.0, 2.0))
    assert motion.at(T0 + NS // 2).position.tolist() == pytest.approx([1.0])
    assert motion.at(T0 + NS).position.tolist() == pytest.approx([2.0])


def test_acceleration_is_that_of_the_cubic():
    # From 1 rad/s to rest within a second over half a radian: -1 rad/s^2 all the time.
    motion = CommandedMotion(np.zeros(1))
    motion.follow(straight(T0, 0.0, 1.0))
    assert motion.at(T0 + 3 * NS // 2).acceleration.tolist() == pytest.approx([-1.0])
    assert motion.at(T0 + 2 * NS).acceleration.tolist() == [0.0]


def test_a_motion_can_be_told_on_a_clock_that_has_stepped():
    motion = CommandedMotion(np.zeros(1))
    motion.follow(dataclasses.replace(GOOD, positions=np.array([[0.1], [0.2]])))
    before = motion.at(T0 + NS // 10)
    assert before[0].tolist() == [0.1]
    motion.shift(3 * NS)
    np.testing.assert_array_equal(motion.at(T0 + 3 * NS + NS // 10), before)
    assert motion.end_ns == GOOD.end_ns + 3 * NS


def test_the_step_of_a_clock_is_what_the_steady_clock_has_not_seen():
    before = (1_000_000_000, 5_000_000)
    assert clock_step_ns(before, (1_800_000_000, 805_000_000)) == 0
    assert clock_step_ns(before, (1_801_000_000, 805_000_000)) == 0  # 1 ms: between the readings
    assert clock_step_ns(before, (1_900_000_000, 805_000_000)) == 100_000_000
    assert clock_step_ns(before, (900_000_000, 805_000_000)) == -900_000_000


def test_the_path_is_what_was_commanded_and_what_would_have_been():
    def line(start_s, end):
        one = np.ones(1)
        return Trajectory(
            round(start_s * 1e9), ('a',), 0 * one, 0 * one, np.array([1.0, 2.0]),
            np.array([[end], [end]]), np.zeros((2, 1)),
        )  # fmt: skip

    motion = CommandedMotion(np.array([0.5]))
    times_ns = np.array([-1, 1, 2, 9]) * 10**9
    assert motion.path(times_ns).tolist() == [[0.5]] * 4
    motion.follow(line(0.0, 0.3))
    motion.follow(line(1.5, -0.2))
    positions, velocities = (motion.path(times_ns, order=order) for order in range(2))
    for time_ns, position, velocity in zip(times_ns.tolist(), positions, velocities):
        assert position == pytest.approx(motion.at(time_ns).position)
        assert velocity == pytest.approx(motion.at(time_ns).velocity, abs=1e-12)
    assert motion.path(times_ns, unheard=1)[-1] == pytest.approx(0.3)
    motion.forget(1)
    assert motion.remembered == 1 and motion.at(9 * 10**9).position == pytest.approx(0.3)
