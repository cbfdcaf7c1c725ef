# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A motion that leaves the limits is refused, also between its knots, with joint and numbers."""

from dataclasses import replace

from dp_core.errors import ConfigError
from dp_core.errors import KinematicsError
from dp_core.errors import LimitError
from dp_core.limits import check_limits
from dp_core.limits import MotionLimits
from dp_core.motion import MotionState
from dp_core.motion import Trajectory
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from robot_samples import planar

LIMITS = MotionLimits(
    ('a', 'b'), [-1.0, -2.0], [1.0, 2.0], [2.0, 2.0], np.full(2, 1e6), np.full(2, 1e9)
)  # of position and velocity only


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
    with pytest.raises(LimitError, match='a would reach position 1.048 rad in 0.33 s'):
        check_limits(
            motion([1.0, 2.0], [[0.9, 0.0]] * 2, start=(0.9, 0.0), start_velocity=(1.0, 0.0)),
            LIMITS,
        )


def test_too_fast_is_refused_although_it_starts_and_ends_at_rest():
    # 0.7 rad in 0.5 s from rest to rest peaks at 1.5 x 0.7 / 0.5 = 2.1 rad/s half way.
    with pytest.raises(LimitError) as error:
        check_limits(motion([0.5, 1.0], [[0.7, 0.0]] * 2), LIMITS)
    assert 'a would reach velocity 2.100 rad/s in 0.25 s' in str(error.value)
    assert 'its limit is [-2.000, 2.000] rad/s' in str(error.value)


def test_the_worst_joint_is_named():
    with pytest.raises(LimitError, match='b would reach velocity -3.000'):
        check_limits(motion([0.5, 1.0], [[0.7, -1.0]] * 2), LIMITS)


def test_a_joint_without_limits_may_do_anything():
    free = replace(LIMITS, lower=[-np.inf] * 2, upper=[np.inf] * 2, velocity=[np.inf] * 2)
    check_limits(motion([0.01, 0.02], [[9.0, -9.0]] * 2), free)


def rest_to_rest(length_s, distance=1.0):
    """Joint a goes ``distance`` [rad] at constant jerk between 4 knots; b stands.

    Jerk +j, -j, -j, +j for a quarter T each: with h = T / 4 the distance is 2 j h^3, the largest
    velocity j h^2 half way, the largest acceleration j h after the first quarter.
    """
    h = length_s / 4.0
    j = distance / (2.0 * h**3)
    positions = np.array([j * h**3 / 6.0, distance / 2.0, distance - j * h**3 / 6.0, distance])
    velocities = np.array([j * h**2 / 2.0, j * h**2, j * h**2 / 2.0, 0.0])
    still = np.zeros(4)
    return motion(
        h * np.arange(1, 5), np.stack([positions, still], 1), np.stack([velocities, still], 1)
    )


# 1 rad in 2 s: h = 0.5, jerk 4 rad/s^3, velocity 1 rad/s, acceleration 2 rad/s^2.
JUST = MotionLimits(('a', 'b'), [-1.0] * 2, [1.0] * 2, [1.0] * 2, [2.0] * 2, [4.0] * 2)


def test_a_motion_at_every_limit_passes():
    check_limits(rest_to_rest(2.0), JUST)


@pytest.mark.parametrize(
    ('name', 'value', 'message'),
    [
        ('upper', 0.99, r'a would reach position 1.000 rad in 2.00 s; its limit is \[-1.000, 0.9'),
        ('velocity', 0.99, 'a would reach velocity 1.000 rad/s in 1.00 s'),
        ('acceleration', 1.98, r'a would reach acceleration 2.000 rad/s\^2 in 0.50 s'),
        ('jerk', 3.96, r'a would reach jerk -?4.000 rad/s\^3'),
    ],
)
def test_each_limit_is_checked_by_itself(name, value, message):
    with pytest.raises(LimitError, match=message):
        check_limits(rest_to_rest(2.0), replace(JUST, **{name: [value, value]}))


def test_a_step_of_the_acceleration_is_a_jerk():
    # From rest at once to 1 rad/s^2 and back: 0.5 rad in 1 s, then 0 at a rest that is none.
    begun = motion([1.0, 2.0], [[0.5, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(LimitError, match=r'a would reach a step of acceleration -2.000 rad/s\^2'):
        check_limits(begun, JUST)


def test_a_motion_that_begins_beyond_a_limit_may_lead_back_only():
    narrow = replace(LIMITS, upper=[0.5, 2.0])
    check_limits(motion([1.0, 2.0], [[0.3, 0.0]] * 2, start=(0.6, 0.0)), narrow)
    with pytest.raises(LimitError, match='a would reach position 0.610 rad'):
        check_limits(motion([1.0, 2.0], [[0.61, 0.0]] * 2, start=(0.6, 0.0)), narrow)


@pytest.mark.parametrize(
    ('order', 'message'),
    [
        (0, 'b would step by position 0.01 rad from what is commanded, valid: at most 1e-06 rad'),
        (1, 'b would step by velocity 0.01 rad/s from what is commanded, valid: at most 0.004'),
        (2, r'b would step by acceleration 0.1 rad/s\^2 .* at most 0.016 rad/s\^2'),
    ],
)
def test_a_motion_that_does_not_go_on_from_what_is_commanded_is_refused(order, message):
    commanded = MotionState(*np.zeros((3, 2)))
    smooth = rest_to_rest(2.0)
    check_limits(smooth, JUST, commanded)
    commanded[order][1] = 0.1 if order == 2 else 0.01
    with pytest.raises(LimitError, match=message):
        check_limits(smooth, JUST, commanded)


numbers = st.lists(st.floats(-1.5, 1.5), min_size=12, max_size=12)


@given(numbers, numbers, st.lists(st.floats(0.05, 0.5), min_size=6, max_size=6))
def test_the_extrema_are_those_of_the_densely_sampled_curve(positions, velocities, lengths):
    values = np.array(velocities).reshape(6, 2)
    values[-1] = 0.0
    moving = motion(np.cumsum(lengths), np.array(positions).reshape(6, 2), values)
    curve = moving.curve()
    for order, name in enumerate(('position', 'velocity', 'acceleration', 'jerk')):
        times_s = np.linspace(1e-9, moving.times_s[-1] - 1e-9, 4001)
        peak = 1.02 * np.abs(curve(times_s, order)).max(axis=0) + 1e-3
        wide = replace(LIMITS, lower=[-9e5] * 2, upper=[9e5] * 2, velocity=[9e5] * 2)
        for part in (1.0, 0.96):
            low = part * peak
            bounds = {'upper': low, 'lower': -low} if order == 0 else {name: low}
            if part == 1.0 and order < 3:  # the acceleration steps at these knots
                check_limits(moving, replace(wide, **bounds))
            elif part < 1.0 and (peak > 0.1).all():
                with pytest.raises(LimitError, match=f'would reach {name}'):
                    check_limits(moving, replace(wide, **bounds))


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
