# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Ways from rest to rest: exact times a person can check, and limits for all of them."""

from dp_core.approach import approach
from dp_core.errors import ConfigError
from dp_core.limits import check_limits
from dp_core.limits import MotionLimits
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

JOINTS = ('a', 'b')


def limits(velocity=3.0, acceleration=5.0, jerk=100.0):
    three = np.full(2, 1.0)
    return MotionLimits(
        JOINTS, -7 * three, 7 * three, velocity * three, acceleration * three, jerk * three
    )


def go(target, speed=0.5, start=(0.0, 0.0), **values):
    return approach(np.array(start), np.array(target), 10, speed, limits(**values))


def test_a_long_way_is_made_at_the_speed_that_was_asked_for():
    """Half of 5 rad/s^2 and of 100 rad/s^3: 0.05 s of onset, 0.2 s to speed, 2 s for 1 rad."""
    trajectory = go([1.0, -0.4])
    assert trajectory.times_s[-1] == pytest.approx(1.0 / 0.5 + 0.5 / 2.5 + 0.05)
    assert np.abs(trajectory.velocities).max() == pytest.approx(0.5)
    assert trajectory.positions[-1].tolist() == [1.0, -0.4]
    assert len(trajectory.times_s) == 7
    np.testing.assert_allclose(trajectory.positions[:, 1], -0.4 * trajectory.positions[:, 0])


def test_a_short_way_ends_before_the_speed_is_reached():
    """0.01 rad by jerk alone: four pieces of (d / 2 j)^(1/3)."""
    trajectory = go([0.01, 0.0], speed=3.0)
    assert trajectory.times_s[-1] == pytest.approx(4.0 * (0.01 / 100.0) ** (1.0 / 3.0))
    assert np.abs(trajectory.velocities).max() < 0.2


def test_the_limit_of_a_joint_comes_before_the_speed_asked_for():
    assert np.abs(go([2.0, 0.0], speed=9.0, velocity=0.7).velocities).max() == pytest.approx(0.7)


def test_an_arm_that_is_there_needs_no_motion():
    assert go([0.0005, 0.0]) is None


@given(
    st.tuples(st.floats(-6, 6), st.floats(-6, 6)),
    st.tuples(st.floats(-6, 6), st.floats(-6, 6)),
    st.floats(0.02, 10.0),
    st.floats(0.5, 50.0),
    st.floats(5.0, 1000.0),
)
def test_every_way_keeps_every_limit_and_ends_at_its_target(
    start, target, speed, acceleration, jerk
):
    trajectory = go(target, speed, start, acceleration=acceleration, jerk=jerk)
    if trajectory is None:
        assert np.abs(np.subtract(target, start)).max() < 1e-3
        return
    check_limits(trajectory, limits(acceleration=acceleration, jerk=jerk))
    assert np.abs(trajectory.velocities).max() <= speed * (1 + 1e-9)
    assert tuple(trajectory.positions[-1]) == target
    assert not trajectory.velocities[-1].any()


@pytest.mark.parametrize('target', [[1.0], [1.0, float('nan')]])
def test_a_target_that_is_none_is_named(target):
    with pytest.raises(ConfigError, match=r'valid: 2 finite positions'):
        go(target)
