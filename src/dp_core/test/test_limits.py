# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A motion that leaves the limits is refused, also between its knots, with joint and numbers."""

from dp_core.errors import ConfigError
from dp_core.errors import KinematicsError
from dp_core.errors import LimitError
from dp_core.limits import check_limits
from dp_core.limits import MotionLimits
from dp_core.trajectory import Trajectory
from dp_core.urdf import JointLimits
import numpy as np
import pytest
from robot_samples import planar

LIMITS = JointLimits(np.array([-1.0, -2.0]), np.array([1.0, 2.0]), np.array([2.0, 2.0]))


def motion(times, positions, velocities=None, start=(0.0, 0.0), start_velocity=(0.0, 0.0)):
    positions = np.array(positions, dtype=float)
    velocities = np.zeros_like(positions) if velocities is None else np.array(velocities, float)
    return Trajectory(
        0,
        ('a', 'b'),
        np.array(start),
        np.array(start_velocity),
        np.array(times),
        positions,
        velocities,
    )


def test_a_motion_inside_the_limits_passes():
    check_limits(motion([1.0, 2.0], [[0.9, -1.3], [0.9, -1.3]]), LIMITS)


def test_standing_at_a_limit_passes():
    check_limits(motion([0.1, 0.2], [[1.0, -2.0]] * 2, start=(1.0, -2.0)), LIMITS)


def test_a_knot_beyond_a_position_limit_is_refused():
    with pytest.raises(LimitError) as error:
        check_limits(motion([1.0, 2.0], [[0.0, -2.1], [0.0, -2.1]]), LIMITS)
    assert 'b would reach position -2.100 rad' in str(error.value)
    assert 'its limit is [-2.000, 2.000] rad' in str(error.value)


def test_an_overshoot_between_knots_is_refused():
    # From 0.9 back to 0.9 in 1 s, leaving at 1 rad/s: the cubic p0 + t (1 - t)^2 peaks at
    # t = 1/3 with 0.9 + 4/27 = 1.048, although both knots are inside.
    with pytest.raises(LimitError, match=r'a would reach position 1.048 rad in 0.3[34] s'):
        check_limits(
            motion([1.0, 2.0], [[0.9, 0.0]] * 2, start=(0.9, 0.0), start_velocity=(1.0, 0.0)),
            LIMITS,
        )


def test_too_fast_is_refused_although_it_starts_and_ends_at_rest():
    # 0.7 rad in 0.5 s from rest to rest peaks at 1.5 x 0.7 / 0.5 = 2.1 rad/s half way.
    with pytest.raises(LimitError) as error:
        check_limits(motion([0.5, 1.0], [[0.7, 0.0]] * 2), LIMITS)
    assert 'a would reach velocity 2.100 rad/s in 0.25 s' in str(error.value)
    assert 'its limit is 2.000 rad/s' in str(error.value)


def test_the_worst_joint_is_named():
    with pytest.raises(LimitError, match='b would reach velocity -3.000'):
        check_limits(motion([0.5, 1.0], [[0.7, -1.0]] * 2), LIMITS)


def test_a_joint_without_limits_may_do_anything():
    free = JointLimits(np.full(2, -np.inf), np.full(2, np.inf), np.full(2, np.inf))
    check_limits(motion([0.01, 0.02], [[9.0, -9.0]] * 2), free)


def test_limits_of_a_robot_take_positions_and_velocities_from_its_urdf():
    limits = MotionLimits.of_robot(
        planar(lower=-1.0, upper=2.0, velocity=3.0),
        ['b', 'a'],
        max_acceleration=4.0,
        max_jerk=50.0,
        velocity_fraction=0.5,
    )
    assert limits.joint_names == ('b', 'a')
    for name, value in [
        ('lower', -1.0),
        ('upper', 2.0),
        ('velocity', 1.5),
        ('acceleration', 4.0),
        ('jerk', 50.0),
    ]:
        np.testing.assert_array_equal(getattr(limits, name), [value, value])
    with pytest.raises(ValueError, match='read-only'):
        limits.lower[0] = -9.0


@pytest.mark.parametrize(
    ('bad', 'message'),
    [
        ({'velocity_fraction': 1.1}, r'velocity_fraction is 1.1, valid: \(0, 1\]'),
        ({'velocity_fraction': 0.0}, 'velocity_fraction is 0.0'),
        ({'max_acceleration': -1.0}, 'limits of a: acceleration is -1.0, valid: above 0'),
        ({'max_acceleration': np.inf}, 'limits of a: acceleration is inf'),
        ({'max_jerk': np.nan}, 'limits of a: jerk is nan'),
    ],
)
def test_bad_limits_are_named(bad, message):
    with pytest.raises(ConfigError, match=message):
        MotionLimits.of_robot(planar(), ['a', 'b'], **bad)


def test_a_joint_that_cannot_move_is_named():
    with pytest.raises(ConfigError, match='limits of a: lower is 1.0 and upper 1.0'):
        MotionLimits.of_robot(planar(lower=1.0, upper=1.0), ['a', 'b'])
    with pytest.raises(ConfigError, match='limits of a: velocity is 0.0'):
        MotionLimits.of_robot(planar(velocity=0.0), ['a', 'b'])


def test_limits_have_one_value_for_each_joint():
    with pytest.raises(ConfigError, match=r'jerk is \(1,\), valid: \(2,\)'):
        MotionLimits(('a', 'b'), -np.ones(2), np.ones(2), np.ones(2), np.ones(2), np.ones(1))


def test_a_joint_that_the_robot_lacks_is_named():
    with pytest.raises(KinematicsError, match=r"no joints \['c'\]"):
        MotionLimits.of_robot(planar(), ['a', 'c'])
