# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The motion nearest to the targets that the limits allow: by hand, and by chance."""

import dataclasses

from dp_core.errors import LimitError
from dp_core.limits import MotionLimits
from dp_core.limits import POSITION_TOLERANCE
from dp_core.motion import MotionState
from dp_core.tracking import track
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from motion_samples import ONE
import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline

KNOTS = 0.05 * np.arange(1, 31)
FIRST = KNOTS <= 1.0  # the targets that are meant; then the arm may come to rest


def state(position=0.0, velocity=0.0, acceleration=0.0):
    return MotionState(*(np.array([value]) for value in (position, velocity, acceleration)))


def follow(targets, start, limits=ONE):
    """Positions, velocities (N,) at the knots, and the curve that a controller draws."""
    positions, velocities = track(
        KNOTS, np.asarray(targets)[:, None], FIRST.astype(float), start, limits
    )
    curve = CubicHermiteSpline(
        np.append(0.0, KNOTS),
        np.append(start.position, positions),
        np.append(start.velocity, velocities),
    )
    return positions[:, 0], velocities[:, 0], curve


def test_what_can_be_followed_is_followed():
    wanted = 0.2 * np.sin(2 * np.pi * 0.5 * KNOTS)  # 0.6 rad/s, 2 rad/s^2, 6 rad/s^3
    positions, velocities, _ = follow(wanted, state(velocity=0.2 * np.pi))
    assert np.abs(positions - wanted)[FIRST].max() < 2e-3
    assert velocities[-1] == 0.0


def test_a_step_is_made_as_fast_as_the_limits_allow():
    # 0.1 rad from rest to rest: with jerk J four pieces of T / 4, x = J T^3 / 32, so that
    # T = (3.2 / 97)^(1/3) = 0.32 s, at an acceleration of 97 T / 4 = 7.8: more than 4.85 rad/s^2.
    # At 4.85: T = 2 sqrt(x / a) and 0.05 s more for its ramps, 0.287 + 0.05.
    positions, _, curve = follow(np.full(30, 0.1), state())
    late = KNOTS[np.abs(positions - 0.1) > 2e-3].max()
    assert 0.25 <= late <= 0.4
    assert np.abs(curve(np.linspace(0, 1.5, 500), 2)).max() == pytest.approx(4.85, abs=1e-3)


def test_joints_stay_together_where_one_of_them_meets_a_limit():
    # b is to go half as far as a at every moment. By itself a step of 0.3 rad takes a to its
    # acceleration limit and b not; both are made smoother instead, alike.
    both = MotionLimits(('a', 'b'), *(np.full(2, value) for value in (-9.0, 9.0, 3.0, 5.0, 100.0)))
    rest = MotionState(*np.zeros((3, 2)))
    targets = np.array([0.3, 0.15]) * np.ones((30, 1))
    positions, velocities = track(KNOTS, targets, FIRST.astype(float), rest, both)
    np.testing.assert_allclose(positions[:, 1], positions[:, 0] / 2, atol=1e-6)
    np.testing.assert_allclose(velocities[:, 1], velocities[:, 0] / 2, atol=1e-5)
    assert positions[FIRST][-1, 0] == pytest.approx(0.3, abs=0.02)  # and they arrive


def limits_of_two(limited, **values):
    """Limits of the joints a and b, of which one has these besides."""
    rows = {'lower': -9.0, 'upper': 9.0, 'velocity': 3.0, 'acceleration': 5.0, 'jerk': 100.0}
    arrays = {name: np.full(2, value) for name, value in rows.items()}
    for name, value in values.items():
        arrays[name][limited] = value
    return MotionLimits(('a', 'b'), **arrays)


def follow_two(targets, start, limits, knots=KNOTS):
    """Follow targets (N, 2); returns the curve that a controller draws."""
    positions, velocities = track(knots, targets, (knots <= 1.0).astype(float), start, limits)
    return CubicHermiteSpline(
        np.append(0.0, knots),
        np.concatenate([start.position[None], positions]),
        np.concatenate([start.velocity[None], velocities]),
    )


@pytest.mark.parametrize('limited', [0, 1])
@pytest.mark.parametrize(
    ('limit', 'target', 'most', 'speed'),
    [
        ({'upper': 0.1}, 0.3, 0.1, 9.0),
        ({'lower': -0.1}, -0.3, 0.1, 9.0),
        ({'velocity': 0.2}, 0.3, 0.25, 0.2),  # for 1.25 s
    ],
)
def test_a_limit_of_one_joint_holds_for_that_joint_alone(limited, limit, target, most, speed):
    """Both are to go 0.3 rad within a second; the one with the limit gets less far."""
    targets = target * np.minimum(KNOTS, 1.0)[:, None] * np.ones(2)
    rest = MotionState(*np.zeros((3, 2)))
    curve = follow_two(targets, rest, limits_of_two(limited, **limit))
    times = np.linspace(0.0, 1.5, 1501)
    assert np.abs(curve(times)[:, limited]).max() <= most + POSITION_TOLERANCE
    assert np.abs(curve(times, 1)[:, limited]).max() <= speed
    assert np.abs(curve(times)[:, limited]).max() >= 0.8 * most
    assert curve(1.0)[1 - limited] == pytest.approx(target, abs=0.02)


@pytest.mark.parametrize('limited', [0, 1])
@pytest.mark.parametrize(
    ('limit', 'order', 'most', 'needed'),
    [({'acceleration': 1.2}, 2, 1.2, 4.0), ({'jerk': 20.0}, 3, 20.0, 25.0)],
)
def test_limits_of_how_one_joint_stops_hold_for_that_joint_alone(
    limited, limit, order, most, needed
):
    """It must stop before 0.3 rad from 0.5 rad/s, the other one in half a second from 2 rad/s."""
    velocity = np.full(2, 2.0)
    velocity[limited] = 0.5
    start = MotionState(np.zeros(2), velocity, np.zeros(2))
    limits = limits_of_two(limited, upper=0.3, **limit)
    curve = follow_two(velocity * KNOTS[:, None], start, limits)
    times = np.linspace(0.0, 1.5 - 1e-9, 1501)
    largest = np.abs(curve(times, order)).max(axis=0)
    assert 0.9 * most < largest[limited] <= most and largest[1 - limited] > needed
    assert curve(times)[:, limited].max() == pytest.approx(0.3, abs=1e-3)
    assert curve(1.0)[1 - limited] == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize('limited', [0, 1])
def test_before_the_first_knot_the_limit_of_one_joint_holds_for_that_joint_alone(limited):
    """As below: the jerk of the first piece must be below -80, that of the other joint is free."""
    knots = np.append(0.1, 0.1 + 0.05 * np.arange(1, 30))
    moving = np.zeros((3, 2))
    moving[1:, limited] = 0.4, 4.0
    targets = knots[:, None] * np.eye(2)[limited]
    curve = follow_two(targets, MotionState(*moving), limits_of_two(limited, velocity=0.5), knots)
    assert curve(0.0, 3)[limited] <= -80.0 + 1e-3
    times = np.linspace(0.0, 1.5, 5000)
    assert np.abs(curve(times, 1)[:, limited]).max() <= 0.5 * 1.0001
    assert np.abs(curve(times)[:, 1 - limited]).max() < 1e-6


def test_noise_above_the_filters_frequency_is_smoothed():
    # +- 5 mrad from knot to knot are 10 Hz; the filter passes 3.4 Hz.
    noise = 0.005 * (-1.0) ** np.arange(30)
    positions, _, _ = follow(noise, state())
    assert np.abs(positions)[KNOTS < 0.7].max() < 1e-3


@hypothesis_settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 2**32 - 1),
    velocity=st.floats(-1.0, 1.0),
    acceleration=st.floats(-4.0, 4.0),
    size=st.floats(0.0, 3.0),
)
def test_every_motion_keeps_every_limit_and_ends_at_rest(seed, velocity, acceleration, size):
    targets = size * np.random.default_rng(seed).normal(0.0, 1.0, 30)
    start = state(0.0, velocity, acceleration)
    _, velocities, curve = follow(targets, start)
    times = np.linspace(0.0, 1.5 - 1e-9, 1501)
    assert curve(0.0, 2) == pytest.approx(acceleration, abs=1e-6)
    assert np.abs(curve(times)).max() <= 9.0
    assert np.abs(curve(times, 1)).max() <= 3.0
    assert np.abs(curve(times, 2)).max() <= 5.0
    assert np.abs(curve(times, 3)).max() <= 100.0
    assert velocities[-1] == 0.0
    assert curve(1.5, 2) == pytest.approx(0.0, abs=1e-6)
    jumps = np.diff([[curve(t - 1e-7, 2), curve(t + 1e-7, 2)] for t in KNOTS[:-1]])
    assert np.abs(jumps).max() < 1e-3  # accelerations are continuous, also at the knots


def test_a_position_limit_is_kept_where_a_target_lies_behind_it():
    near = dataclasses.replace(ONE, upper=np.array([0.1]))
    positions, _, curve = follow(np.full(30, 0.3), state(), near)
    assert positions.max() == pytest.approx(0.1, abs=2e-5)
    assert curve(np.linspace(0, 1.5, 5000)).max() <= 0.1 + POSITION_TOLERANCE


def test_a_velocity_limit_is_kept_between_knots():
    # 97 % of the limit at both knots, and an acceleration of 97 h / 2 there, would be 0.03 rad/s
    # more half way.
    slow = dataclasses.replace(ONE, velocity=np.array([0.3]))
    _, velocities, curve = follow(0.6 * KNOTS, state(), slow)
    assert velocities.max() == pytest.approx(0.97 * 0.3, abs=1e-3)
    assert curve(np.linspace(0, 1.5, 5000), 1).max() <= 0.97 * 0.3 + 1e-6


@pytest.mark.parametrize('side', [-1.0, 1.0])
def test_the_limits_hold_before_the_first_knot(side):
    # At 0.4 rad/s and 4 rad/s^2 the knot 0.1 s ahead could be inside a limit of 0.5 rad/s while
    # the way there is not: the jerk of that piece has to be below -4^2 / (2 x 0.1) = -80.
    knots = np.append(0.1, 0.1 + 0.05 * np.arange(1, 20))
    slow = dataclasses.replace(ONE, velocity=np.array([0.5]))
    start = state(0.0, side * 0.4, side * 4.0)
    positions, velocities = track(knots, side * knots[:, None], np.ones(20), start, slow)
    curve = CubicHermiteSpline(
        np.append(0.0, knots),
        np.append(start.position, positions),
        np.append(start.velocity, velocities),
    )
    assert side * curve(0.0, 3) <= -80.0 + 1e-3
    assert np.abs(curve(np.linspace(0.0, 1.05, 5000), 1)).max() <= 0.5 * 1.0001


@pytest.mark.parametrize('beyond', [1e-4, 0.01, 0.05])
def test_a_joint_at_rest_beyond_a_limit_is_led_back(beyond):
    near = dataclasses.replace(ONE, upper=np.array([1.0]))
    start = state(1.0 + beyond)
    _, _, curve = follow(1.0 + beyond - 0.3 * KNOTS, start, near)
    assert curve(np.linspace(0, 1.5, 5000)).max() <= 1.0 + beyond + POSITION_TOLERANCE
    assert curve(1.0) == pytest.approx(0.7 + beyond, abs=0.02)


def test_what_cannot_come_to_rest_is_refused():
    with pytest.raises(LimitError, match=r'2.900 rad/s and 4.000 rad/s\^2 cannot come to rest'):
        track(KNOTS[:4], np.zeros((4, 1)), np.ones(4), state(0.0, 2.9, 4.0), ONE)
