# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Brakes come to rest in time, without a jerk, wherever the controller is when they arrive."""

import dataclasses

from dp_core.braking import brake
from dp_core.braking import LastSeen
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
    onset = stop.times_s[0]
    # 10 ms with a quarter of the limit, or 5 ms with 0.3 of it, are the most that it allows for.
    assert 0.1 <= onset <= max(0.1, np.sqrt(0.24 * np.abs(velocity).max() / limit)) + 1e-9
    gained = np.abs(velocity + acceleration * onset / 2).max()
    ramps = onset / 0.7 + 0.05  # the most; half of the limit acts in them
    assert stop.times_s[-1] <= max(gained / limit + ramps / 2, ramps) + 1e-9
    assert stop.velocities[-1].tolist() == [0.0, 0.0]
    assert np.abs(curve(0.0) - position).max() == 0.0


def test_braking_by_hand():
    # 0.6 rad/s at 5 rad/s^2. 5 ms are 3 mrad; an onset of sqrt(6 * 0.003 / 1.5) s makes up for
    # them with 1.5 rad/s^2 at its end, so it ends at 3.5; at the same slope 5 is reached after
    # L / 0.7. These ramps and the last one of 0.05 s take away 0.51623 rad/s, with 2.5 rad/s^2 in
    # the mean; the other 0.08377 take 0.016754 s.
    stop = brake(gliding(0.6), ('a',), T0, 5.0)
    assert stop.times_s == pytest.approx([0.109545, 0.156492, 0.173246, 0.223246], abs=1e-6)
    # Onset: 0.6 - 3.5 / 2 * 0.109545. Rise: less 4.25 * 0.046948. Steady: less 5 * 0.016754.
    assert stop.velocities[:, 0] == pytest.approx([0.408297, 0.208770, 0.125, 0.0], abs=1e-5)
    curve = stop.curve()
    assert curve(0.109545 - 1e-9, 2) == pytest.approx([-3.5], abs=1e-4)
    assert curve(0.165, 2) == pytest.approx([-5.0], abs=1e-4)
    assert stop.seam is None


def test_a_slow_motion_brakes_in_two_pieces():
    # 0.3 rad/s: at 4 rad/s^2 both ramps suffice, (0.1 + 0.05) / 2 * 4 = 0.3.
    stop = brake(gliding(0.3), ('a',), T0, 5.0)
    assert stop.times_s == pytest.approx([0.1, 0.15])
    assert stop.curve()(0.1, 2) == pytest.approx([-4.0])


@pytest.mark.parametrize('off_ms', [-5, -2, 0, 5, 10])
@pytest.mark.parametrize('speed', [0.2, 0.4, 0.6, 2.0])
def test_a_brake_stays_inside_the_acceleration_wherever_it_finds_the_controller(speed, off_ms):
    """Behind, because the chunk before had come late, or ahead, because the brake comes late."""
    motion = gliding(speed)
    stop = brake(motion, ('a',), T0, 5.0)
    there = motion.at(T0 + off_ms * 1_000_000)
    found = dataclasses.replace(stop, start_position=there.position, start_velocity=there.velocity)
    times = np.linspace(0.0, stop.times_s[-1], 500)
    assert np.abs(found.curve()(times, 2)).max() <= 5.0 * 1.01


def slowing(velocity, acceleration):
    """A motion of one joint, at T0 with these, that loses its acceleration within 0.2 s."""
    motion = CommandedMotion(np.array([0.0]))
    left = velocity + 0.1 * acceleration
    there = 0.2 * velocity + 0.04 * acceleration / 3
    knots = np.array([[there], [there + left / 2]]), np.array([[left], [0.0]])
    times = np.array([0.2, 1.2])
    motion.follow(Trajectory(T0, ('a',), np.zeros(1), np.array([velocity]), times, *knots))
    return motion


@hypothesis_settings(deadline=None, max_examples=60)
@given(speed=st.floats(0.0, 1.0), acceleration=st.floats(-3.75, 0.0), late_ms=st.integers(0, 10))
def test_a_late_brake_of_a_motion_that_slows_down_stays_inside_too(speed, acceleration, late_ms):
    motion = slowing(speed, acceleration)
    stop = brake(motion, ('a',), T0, 5.0)
    there = motion.at(T0 + late_ms * 1_000_000)
    late = dataclasses.replace(stop, start_position=there.position, start_velocity=there.velocity)
    times = np.linspace(0.0, stop.times_s[-1], 500)
    assert np.abs(late.curve()(times, 2)).max() <= 5.0 * 1.02


def test_how_long_a_motion_that_slows_down_takes_to_make_up_for_a_late_brake():
    # 3 of 5 rad/s^2 are in use: 0.5 rad/s for 0.01 s are made up with 2, in sqrt(0.03 / 2) s.
    stop = brake(slowing(0.5, -3.0), ('a',), T0, 5.0)
    assert stop.times_s[0] == pytest.approx(0.1225, abs=1e-4)


def test_a_brake_for_an_arm_that_hangs_is_gentle_also_when_it_follows_much_later():
    # 0.5 s after it was seen, the arm should be 0.1 rad farther, and by 0.2 L / 2 more at the end
    # of a brake of length L. From where it was seen it begins with 0.6 / L^2 - 0.2 / L; that may
    # be two fifths of the limit, so L is 0.5 s, or up to 10 % more; its end may need twice that.
    motion = gliding(0.2)
    seen = motion.at(T0)
    stop = brake(motion, ('a',), T0 + NS // 2, 5.0, LastSeen(seen.position, seen.velocity))
    assert 0.5 <= stop.times_s[0] <= 0.55
    np.testing.assert_allclose(stop.positions - seen.position, 0.1 + 0.1 * stop.times_s[0])
    late = dataclasses.replace(stop, start_position=seen.position)
    times = np.linspace(0.0, stop.times_s[-1], 500)
    assert np.abs(late.curve()(0.0, 2)).max() <= 0.4 * 5.0
    assert np.abs(late.curve()(times[times < stop.times_s[0]], 2)).max() <= 0.8 * 5.0


@hypothesis_settings(deadline=None, max_examples=60)
@given(seeds, st.integers(0, 250), st.integers(150, 700))
def test_wherever_a_robot_hung_it_follows_a_brake_without_a_jerk(seed, hung_ms, silent_ms):
    """It hears the brake when it wakes up, and begins it where it hung; or none was sent.

    A brake that ends later than what was sent is not sent: see `TrajectoryOutput.brake`.
    """
    motion = moving(np.random.default_rng(seed))
    seen = motion.at(T0 - hung_ms * NS // 1000)
    now_ns = T0 + (silent_ms - hung_ms) * NS // 1000
    stop = brake(motion, ('a', 'b'), now_ns, 5.0, LastSeen(seen.position, seen.velocity))
    if stop.end_ns < motion.end_ns:
        late = dataclasses.replace(
            stop, start_position=seen.position, start_velocity=seen.velocity
        )
        times = np.arange(0.0, stop.times_s[-1], 0.002)
        assert np.abs(late.curve()(times, 2)).max() <= 5.0


def test_an_arm_that_stands_is_held_there_and_a_controller_beside_it_moves_nothing():
    # 0.7 rad/s for 0.15 s, and 4 of 5 rad/s^2 may be used: 6 * 0.105 / T^2 + 4 * 0.7 / T = 4.
    motion = gliding(0.7)
    place = motion.at(T0).position
    stop = brake(motion, ('a',), T0 + 150_000_000, 5.0, LastSeen(place, stands=True))
    assert stop.times_s == pytest.approx([0.880, 0.930], abs=0.001)
    assert stop.positions.tolist() == [place.tolist()] * 2
    assert not stop.velocities.any()
    times = np.linspace(0.0, stop.times_s[-1], 500)
    assert np.abs(stop.curve()(times, 2)).max() == pytest.approx(4.0, abs=0.01)
    deaf = dataclasses.replace(stop, start_position=place, start_velocity=np.zeros(1))
    assert np.abs(deaf.curve()(times) - place).max() < 1e-12


def test_an_arm_that_stands_where_it_is_commanded_is_held_for_the_shortest_onset():
    stop = brake(CommandedMotion(np.zeros(1)), ('a',), T0, 5.0, LastSeen(np.zeros(1), stands=True))
    assert stop.times_s == pytest.approx([0.1, 0.15])


def test_braking_at_rest_holds():
    stop = brake(CommandedMotion(np.array([2.0, 3.0])), JOINTS, T0, 5.0)
    assert stop.times_s == pytest.approx([0.1, 0.15])
    assert stop.positions.tolist() == [[2.0, 3.0]] * 2


@hypothesis_settings(deadline=None, max_examples=40)
@given(st.floats(0.5, 3.0), st.floats(0.0, 6.3), st.integers(150, 600))
def test_a_gentle_brake_of_a_long_motion_ends_soon_and_on_its_way(frequency, phase, silent_ms):
    """Half a minute to and fro at up to 1 rad/s, as when an episode is replayed."""
    times = np.arange(1, 301) * 0.1
    swing = np.sin(np.outer(times, [frequency]) + phase) / frequency
    speed = np.cos(np.outer(times, [frequency]) + phase)
    speed[-1] = 0.0
    start = np.array([np.sin(phase)]) / frequency
    motion = CommandedMotion(start)
    motion.follow(Trajectory(T0, ('a',), start, np.array([np.cos(phase)]), times, swing, speed))
    now_ns = T0 + 10 * NS
    seen = motion.at(now_ns - silent_ms * NS // 1000)
    stop = brake(motion, ('a',), now_ns, 5.0, LastSeen(seen.position, seen.velocity))
    assert stop.times_s[-1] < 3.0
    way = motion.path(now_ns + (np.arange(0.0, 3.0, 0.01) * 1e9).astype(np.int64))
    assert np.abs(way - stop.positions[-1]).min() < 0.01
    assert np.abs(stop.curve()(np.linspace(0.0, stop.times_s[-1], 300), 1)).max() <= 1.1
