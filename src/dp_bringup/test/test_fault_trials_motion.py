# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of motions that can be worked out by hand."""

import dataclasses

from dp_bringup.fault_trials.motion import accelerations
from dp_bringup.fault_trials.motion import broken_limits
from dp_bringup.fault_trials.motion import jerks
from dp_bringup.fault_trials.motion import judge
from dp_bringup.fault_trials.motion import jump
from dp_bringup.fault_trials.motion import rest_after
from dp_bringup.fault_trials.motion import Track
from dp_core.limits import MotionLimits
import numpy as np
import pytest

LIMITS = MotionLimits(
    ('a', 'b'),
    np.full(2, -1.0),
    np.full(2, 1.0),
    np.full(2, 3.0),
    np.full(2, 5.0),
    np.full(2, 100.0),
)


def braking(speed=0.4, moving_s=0.1, ramp_s=0.1, rest_s=0.2):
    """Joint 0 at a constant speed, a ramp to rest, and rest, at 500 Hz; joint 1 stands still."""
    times = np.arange(round((moving_s + ramp_s + rest_s) / 0.002) + 1) * 0.002
    late = np.clip((times - moving_s) / ramp_s, 0.0, 1.0)
    velocity = np.round(speed * (1.0 - late), 12)
    position = speed * (np.minimum(times, moving_s) + ramp_s * (late - late**2 / 2.0))
    return Track(
        times,
        np.stack([position, np.zeros_like(times)], axis=1),
        np.stack([velocity, np.zeros_like(times)], axis=1),
    )


def changed(track, row, **values):
    """Return the track with other values of joint 0 from a row on."""
    arrays = {name: getattr(track, name).copy() for name in values}
    for name, shift in values.items():
        arrays[name][row:, 0] += shift
    return dataclasses.replace(track, **arrays)


def test_a_clean_brake():
    # 0.4 rad/s in 0.1 s is 4 rad/s^2, and the arm rests 0.2 s after the fault.
    figures = judge(braking(), 0.1, LIMITS)
    assert figures.rest_s == pytest.approx(0.2)
    assert figures.velocity == pytest.approx(0.4)
    assert figures.acceleration == pytest.approx(4.0)
    # From 0 to 4 rad/s^2, seen over 50 ms.
    assert figures.jerk == pytest.approx(4.0 / 0.05)
    assert figures.violations == ()


def test_a_ramp_that_is_too_steep_is_told():
    # 0.8 rad/s in 0.08 s; 2 ms of lateness explain 1 rad/s^2 more than 5.25.
    figures = judge(braking(speed=0.8, ramp_s=0.08), 0.1, LIMITS)
    assert figures.acceleration == pytest.approx(10.0)
    assert figures.violations == ('acceleration limit', 'jerk limit')


def test_room_for_a_message_that_is_late_grows_with_the_speed():
    # 6 v T / L^2 = 6 * 0.6 * 0.002 / 0.01 = 0.72 rad/s^2 beside 5.25, and that within 50 ms.
    assert broken_limits(braking(speed=0.6, ramp_s=0.106), LIMITS) == ()  # 5.7 rad/s^2
    broken = broken_limits(braking(speed=0.6, ramp_s=0.094), LIMITS)  # 6.4 rad/s^2
    assert broken == ('acceleration limit', 'jerk limit')


def test_an_acceleration_that_comes_at_once_is_a_jerk():
    limits = dataclasses.replace(LIMITS, jerk=np.full(2, 20.0))
    # 5 rad/s^2 in 50 ms are 100 rad/s^3; allowed are 21 and 0.24 rad/s^2 in 50 ms.
    track = braking(speed=0.2, ramp_s=0.04)
    assert np.abs(jerks(track)).max() == pytest.approx(100.0, rel=0.2)
    assert broken_limits(track, limits) == ('jerk limit',)


def test_limits_of_the_joints():
    assert judge(braking(speed=4.0, ramp_s=1.0), 0.1, LIMITS).violations == (
        'position limit',
        'velocity limit',
    )


def test_rest_is_counted_from_the_standstill_that_the_reaction_met():
    track = braking()
    assert rest_after(track, 0.05) == pytest.approx(0.2)  # it still moves
    assert rest_after(track, 0.3) == pytest.approx(0.2)  # it had come to rest before
    assert rest_after(track.between(0.0, 0.1), 0.05) is None
    assert judge(track.between(0.0, 0.1), 0.05, LIMITS).violations == ('never at rest',)


def test_an_arm_that_its_robot_halts_is_judged_only_for_moving_again():
    track = braking(speed=0.8, ramp_s=0.02)
    assert judge(track, 0.1, LIMITS, halts=True).violations == ()
    assert judge(track.between(0.0, 0.1), 0.05, LIMITS, halts=True).violations == ()
    again = changed(track, -1, velocities=0.1)
    assert judge(again, 0.1, LIMITS, halts=True).violations == ('motion without a goal',)


def test_motion_after_rest_is_a_motion_without_a_goal():
    again = changed(braking(), 180, velocities=0.01)
    assert judge(again, 0.1, LIMITS).violations == ('motion without a goal',)


def test_a_step_of_the_position_is_a_jump():
    track = braking()
    assert jump(track) == pytest.approx(0.0, abs=1e-6)
    stepped = changed(track, 30, positions=0.003)
    # 2.5 ms at 0.4 rad/s may be a hand-over.
    assert jump(stepped) == pytest.approx(0.003 - 0.001)
    assert 'jump of the command' in judge(stepped, 0.1, LIMITS).violations


def test_a_handover_takes_two_ticks_at_once():
    track = braking(ramp_s=0.2)  # 2 rad/s^2
    kept = np.delete(np.arange(len(track.times_s)), 70)  # one tick is passed over ...
    times = np.delete(track.times_s, -1)  # ... but time goes on as ever
    handed = Track(times, track.positions[kept], track.velocities[kept])
    assert np.abs(accelerations(track)).max() == pytest.approx(2.0)
    assert np.abs(accelerations(handed)).max() == pytest.approx(2.0)


def test_nothing_heard_is_nothing_judged():
    empty = Track(np.zeros(0), np.zeros((0, 2)), np.zeros((0, 2)))
    figures = judge(empty, 0.1, LIMITS)
    assert (figures.rest_s, figures.velocity, figures.acceleration) == (None, 0.0, 0.0)
