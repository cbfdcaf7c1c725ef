# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Brakes come to rest in time, without a jerk, wherever the controller is when they arrive."""

import dataclasses

from dp_core.braking import brake
from dp_core.motion import CommandedMotion
from dp_core.motion import Trajectory
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from motion_samples import JOINTS
from motion_samples import moving
from motion_samples import NS
from motion_samples import seeds
from motion_samples import T0
import numpy as np
import pytest


def gliding(velocity):
    """A motion of one joint that passes 2 rad at T0, at a constant velocity for long."""
    motion = CommandedMotion(np.array([2.0]))
    motion.follow(
        Trajectory(
            T0 - NS,
            ('a',),
            np.array([2.0 - velocity]),
            np.array([velocity]),
            np.array([9.0, 10.0]),
            np.array([[2.0 + 8.0 * velocity], [2.0 + 8.5 * velocity]]),
            np.array([[velocity], [0.0]]),
        )
    )
    return motion


@hypothesis_settings(deadline=None, max_examples=60)
@given(seed=seeds, delay=st.integers(0, 1_800_000_000), limit=st.floats(0.5, 20.0))
def test_braking_stays_inside_the_acceleration_and_ends_in_time(seed, delay, limit):
    motion = moving(np.random.default_rng(seed))
    now = T0 + delay
    position, velocity, acceleration = motion.at(now)
    stop = brake(motion, JOINTS, now, limit)
    curve = stop.curve()
    times = np.linspace(0.0, stop.times_s[-1], 200)
    allowed = max(limit, np.abs(acceleration).max())  # it may begin with more
    assert np.abs(curve(times, 2)).max() <= allowed * (1 + 1e-9)
    assert curve(0.0, 2) == pytest.approx(acceleration, abs=1e-6)  # no step in acceleration
    assert curve(stop.times_s[-1], 2) == pytest.approx([0.0, 0.0], abs=1e-6)
    onset = max(0.1, (0.06 * np.abs(velocity).max() / limit) ** 0.5)
    gained = np.abs(velocity + acceleration * onset / 2).max()
    assert stop.times_s[-1] <= max(gained / limit + (onset - 0.05) / 2, onset) + 0.05 + 1e-9
    assert stop.velocities[-1].tolist() == [0.0, 0.0]
    assert np.abs(curve(0.0) - position).max() == 0.0


def test_braking_by_hand():
    # 0.6 rad/s at 5 rad/s^2: the onset takes 0.1 s and the end 0.05 s, with 2.5 rad/s^2 on average
    # they take away 0.375 rad/s; the other 0.225 rad/s take 0.045 s at 5 rad/s^2.
    stop = brake(gliding(0.6), ('a',), T0, 5.0)
    assert stop.times_s == pytest.approx([0.1, 0.145, 0.195])
    # Onset: 0.6 - 0.25 = 0.35 rad/s. Steady: 0.35 - 0.225 = 0.125 rad/s. End: 0.
    assert stop.velocities[:, 0] == pytest.approx([0.35, 0.125, 0.0])
    # 0.06 - 5 * 0.1^2 / 6; then the mean of both speeds times 0.045 s; then 0.125 * 0.05 / 3.
    steps = np.diff(stop.positions[:, 0], prepend=2.0)
    assert steps == pytest.approx([0.051667, 0.0106875, 0.0020833], abs=1e-6)
    assert stop.seam is None


def test_a_slow_motion_brakes_in_two_pieces():
    # 0.3 rad/s: at 4 rad/s^2 both ramps suffice, (0.1 + 0.05) / 2 * 4 = 0.3.
    stop = brake(gliding(0.3), ('a',), T0, 5.0)
    assert stop.times_s == pytest.approx([0.1, 0.15])
    assert stop.curve()(0.1, 2) == pytest.approx([-4.0])


@pytest.mark.parametrize('delay_s', [0.0, 0.005, 0.01])
@pytest.mark.parametrize('speed', [0.2, 0.6, 2.0])
def test_a_brake_that_arrives_late_stays_inside_the_acceleration(speed, delay_s):
    motion = gliding(speed)
    stop = brake(motion, ('a',), T0, 5.0)
    there = motion.at(T0 + round(delay_s * 1e9))  # where the controller is by then
    late = dataclasses.replace(stop, start_position=there.position, start_velocity=there.velocity)
    times = np.linspace(0.0, stop.times_s[-1], 500)
    assert np.abs(late.curve()(times, 2)).max() <= 5.0 * 1.01


def test_a_brake_for_an_arm_that_hangs_is_gentle_also_when_it_follows_much_later():
    # 0.5 s after it was seen, the arm should be 0.1 rad farther; 0.15 rad are allowed for: an
    # onset of sqrt(6 * 0.15 / 5) = 0.424 s.
    motion = gliding(0.2)
    seen = motion.at(T0).position
    stop = brake(motion, ('a',), T0 + NS // 2, 5.0, seen)
    assert stop.times_s == pytest.approx([0.424, 0.474], abs=0.001)
    late = dataclasses.replace(stop, start_position=seen)
    times = np.linspace(0.0, stop.times_s[-1], 500)
    # 0.1 rad more in 0.424 s: 6 * 0.1 / 0.424^2, at the end of the onset beside 0.2 / 0.237.
    assert np.abs(late.curve()(times, 2)).max() == pytest.approx(3.33 + 0.84, rel=0.02)


def test_braking_at_rest_holds():
    stop = brake(CommandedMotion(np.array([2.0, 3.0])), JOINTS, T0, 5.0)
    assert stop.times_s == pytest.approx([0.1, 0.15])
    assert stop.positions.tolist() == [[2.0, 3.0]] * 2
