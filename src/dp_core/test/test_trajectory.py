# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What is sent to the controller: axioms over random chunks, and seams without a step."""

import dataclasses

from dp_core.errors import ConfigError
from dp_core.errors import ExpiredError
from dp_core.errors import TrajectoryError
from dp_core.limits import check_limits
from dp_core.motion import CommandedMotion
from dp_core.trajectory import connect
from dp_core.trajectory import TrajectorySettings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from motion_samples import chunk_of
from motion_samples import DEFAULT
from motion_samples import latenesses
from motion_samples import LIMITS
from motion_samples import line
from motion_samples import moving
from motion_samples import NS
from motion_samples import ONE
from motion_samples import random_chunk
from motion_samples import REPLACE
from motion_samples import seams
from motion_samples import seeds
from motion_samples import T0
import numpy as np
import pytest


def controller_positions(trajectory, position, velocity, times_s):
    """What joint_trajectory_controller (generation A) commands: cubics from its own state.

    Written from its documentation and recordings, not from `Trajectory.curve`: at arrival it
    takes the commanded state as the first point; between two points with positions and
    velocities it draws a + b t + c t^2 + d t^3.
    """
    out = []
    for t in times_s:
        t0, p0, v0 = 0.0, position, velocity
        for t1, p1, v1 in zip(trajectory.times_s, trajectory.positions, trajectory.velocities):
            if t < t1:
                span, s = t1 - t0, t - t0
                c = (3 * (p1 - p0) / span - 2 * v0 - v1) / span
                d = (-2 * (p1 - p0) / span + v0 + v1) / span**2
                out.append(p0 + v0 * s + c * s**2 + d * s**3)
                break
            t0, p0, v0 = t1, p1, v1
        else:
            out.append(p0)
    return np.array(out)


@hypothesis_settings(deadline=None, max_examples=60)
@given(seed=seeds, lateness=latenesses, settings=seams)
def test_every_connected_chunk_is_acceptable_and_starts_where_the_arm_is(seed, lateness, settings):
    random = np.random.default_rng(seed)
    motion = moving(random)
    now = T0 + lateness
    chunk = random_chunk(random, T0, motion.at(T0)[0])
    position, velocity, acceleration = motion.at(now)
    try:
        sent = connect(chunk, motion, now, settings, LIMITS)
    except ExpiredError:
        assert (chunk.times_ns() > now + 50_000_000).sum() < 2
        return
    assert len(sent.times_s) >= 2
    assert sent.times_s[0] >= settings.lead_s
    assert sent.velocities[-1].tolist() == [0.0, 0.0]
    curve = sent.curve()
    assert np.abs(curve(0.0) - position).max() == 0.0  # the seam: no step in position,
    assert np.abs(curve(0.0, 1) - velocity).max() == 0.0  # none in velocity,
    assert np.abs(curve(0.0, 2) - acceleration).max() < 1e-6  # and none in acceleration
    check_limits(sent, LIMITS)
    # What the controller draws from its own state is the same curve.
    times = np.linspace(0.0, sent.times_s[-1] + 0.1, 200)
    drawn = controller_positions(sent, position, velocity, times)
    ours = curve(np.minimum(times, sent.times_s[-1]))
    assert np.abs(drawn - ours).max() < 1e-9


@hypothesis_settings(deadline=None, max_examples=25)
@given(seed=seeds, settings=seams)
def test_a_sequence_of_chunks_is_one_continuous_motion(seed, settings):
    random = np.random.default_rng(seed)
    motion = CommandedMotion(np.zeros(2))
    now, takeovers, samples = T0, [], []
    for _ in range(6):
        stamp = now - int(random.integers(20, 150)) * 1_000_000  # observation age + inference
        sent = connect(
            random_chunk(random, stamp, motion.at(now)[0]), motion, now, settings, LIMITS
        )
        before = motion.at(now)
        motion.follow(sent)
        after = motion.at(now)
        takeovers.append([np.abs(a - b).max() for a, b in zip(before, after)])
        until = now + int(random.integers(300, 1000)) * 1_000_000
        samples += [motion.at(t) for t in range(now, until, 1_000_000)]
        now = until
    assert np.max(takeovers) < 1e-9
    positions, velocities, accelerations = (np.array(column) for column in zip(*samples))
    # Position is the integral of velocity: the trapezoid rule over 1 ms.
    predicted = positions[:-1] + 0.0005 * (velocities[:-1] + velocities[1:])
    assert np.abs(predicted - positions[1:]).max() < 1e-5
    assert np.abs(accelerations).max() <= 5.0
    assert np.abs(np.diff(accelerations, axis=0)).max() <= 0.1 + 1e-6  # 100 rad/s^3 for 1 ms
    end = motion.at(motion.end_ns)
    assert end[1].tolist() == [0.0, 0.0]
    assert motion.at(motion.end_ns + NS)[0].tolist() == end[0].tolist()


def test_past_steps_are_cut_by_the_clock():
    # Steps at 0, 0.1, ... 1.4 s; at 0.23 s, with a lead of 50 ms, step 3 (70 ms ahead) is first.
    sent = connect(line(0.0), CommandedMotion(np.zeros(1)), T0 + 230_000_000, DEFAULT, ONE)
    assert sent.seam.cut_index == 3
    assert sent.times_s[0] == pytest.approx(0.1)  # two knot steps
    # At 0.25 s step 3 is exactly the lead ahead, which is not more than the lead.
    sent = connect(line(0.0), CommandedMotion(np.zeros(1)), T0 + 250_000_000, DEFAULT, ONE)
    assert sent.seam.cut_index == 4


def test_no_more_than_max_blind_is_followed():
    # At 0.1 rad/s the arm is on its way after max_blind, 1 s, and comes to rest soon after it.
    still, fast = CommandedMotion(np.zeros(1)), line(0.1, steps=25)
    sent = connect(fast, still, T0, DEFAULT, ONE)
    assert sent.curve()(0.8, 1) == pytest.approx([0.1], abs=0.01)
    assert 1.0 < sent.times_s[-1] < 1.3
    assert sent.positions[-1, 0] < 0.125


def test_at_half_speed_twice_as_long_is_sent_and_the_takeover_is_covered():
    slow = line(0.1, step_ns=NS // 5, stretch=2.0)
    sent = connect(slow, CommandedMotion(np.zeros(1)), T0, DEFAULT, ONE)
    assert sent.times_s[:2] == pytest.approx([0.2, 0.3])  # so is the time between knots
    assert sent.times_s[-1] > 2.0
    assert sent.curve()(1.7, 1) == pytest.approx([0.05], abs=0.01)
    assert sent.start_ns + 1.9e9 > slow.takeover_ns(T0, 8)


def test_an_expired_chunk_is_refused():
    # The last steps are 1.3 and 1.4 s after t_obs.
    motion = CommandedMotion(np.zeros(1))
    assert connect(line(0.0), motion, T0 + 1_240_000_000, DEFAULT, ONE).seam.cut_index == 13
    with pytest.raises(ExpiredError, match=r'of 15 steps only 1 lie .*observation is 1.260 s old'):
        connect(line(0.0), motion, T0 + 1_260_000_000, DEFAULT, ONE)


def test_a_chunk_of_the_far_future_is_refused():
    with pytest.raises(TrajectoryError, match='begins 2.000 s ahead, more than 1.0 s'):
        connect(line(0.0), CommandedMotion(np.zeros(1)), T0 - 2 * NS, DEFAULT, ONE)


@pytest.mark.parametrize('bad', [np.nan, np.inf])
@pytest.mark.parametrize('step', [0, 7, 14])
def test_a_chunk_that_is_not_finite_is_refused(bad, step):
    chunk = line(0.1)
    chunk.positions[step] = bad
    with pytest.raises(TrajectoryError, match='contains NaN or infinity'):
        connect(chunk, CommandedMotion(np.zeros(1)), T0, DEFAULT, ONE)


def test_a_chunk_for_other_joints_is_refused():
    with pytest.raises(TrajectoryError, match='not for 2 joints'):
        connect(line(0.1), CommandedMotion(np.zeros(2)), T0, DEFAULT, ONE)


@pytest.mark.parametrize('offset_ns', [0, NS // 10])
@pytest.mark.parametrize('age_ns', [20_000_000, 60_000_000, 160_000_000])
def test_a_chunk_that_agrees_with_the_motion_has_no_jump(offset_ns, age_ns):
    """Also when its first step lies ahead of now: moving on is not a disagreement."""
    motion = CommandedMotion(np.zeros(1))
    motion.follow(connect(line(0.5, steps=25), motion, T0 - 30_000_000, REPLACE, ONE))
    stamp = T0 + 4 * NS // 10
    start = 0.5 * (0.4 + offset_ns * 1e-9)
    chunk = line(0.5, start=start, stamp_ns=stamp, offset_ns=offset_ns)
    sent = connect(chunk, motion, stamp + age_ns, DEFAULT, ONE)
    assert sent.seam.position_jump < 1e-3
    assert sent.seam.velocity_jump < 0.04
    # So neither seam bends the straight line.
    assert np.abs(sent.velocities[sent.times_s < 0.8] - 0.5).max() < 0.02
    assert sent.deviation < 5e-3


def test_the_jump_is_reported_and_fades_out():
    motion = CommandedMotion(np.array([0.0]))
    chunk = line(0.0, start=0.03)
    sent = connect(chunk, motion, T0, DEFAULT, ONE)
    assert sent.seam.position_jump == pytest.approx(0.03)
    # fade_s 0.3: at 0.1, 0.2, 0.3 s there remain 2/3, 1/3 and 0 of the shift; the limits round
    # off the corners of that.
    assert sent.curve()([0.1, 0.2, 0.4])[:, 0] == pytest.approx([0.01, 0.02, 0.03], abs=7e-3)
    at_once = connect(chunk, motion, T0, REPLACE, ONE)
    assert at_once.curve()([0.2, 0.3])[:, 0] == pytest.approx([0.03, 0.03], abs=3e-3)


def test_fading_is_gentler_than_replacing():
    motion, chunk = CommandedMotion(np.zeros(1)), line(0.0, start=0.05)
    peak = {
        settings.seam: np.abs(
            connect(chunk, motion, T0, settings, ONE).curve()(np.linspace(0.0, 1.0, 500), 2)
        ).max()
        for settings in (DEFAULT, REPLACE)
    }
    assert peak['fade'] < 0.85 * peak['replace']


def test_what_the_limits_change_is_reported():
    # 1 rad within 0.5 s asks for 2 rad/s at once; 5 rad/s^2 need far longer.
    positions = np.minimum(1.0, 0.2 * np.arange(15))[:, None]
    sent = connect(chunk_of(positions), CommandedMotion(np.zeros(1)), T0, REPLACE, ONE)
    assert 0.2 < sent.deviation < 0.6
    check_limits(sent, ONE)


@pytest.mark.parametrize('stretch', [1.0, 2.0, 5.0])
@pytest.mark.parametrize('limit', [{'upper': 0.1}, {'velocity': 0.3}, {'velocity': 0.7}])
@pytest.mark.parametrize('speed', [0.2, 0.4, 0.8])
def test_what_is_planned_at_a_limit_passes_the_guard(speed, limit, stretch):
    limits = dataclasses.replace(ONE, **{name: np.array([v]) for name, v in limit.items()})
    chunk = line(speed * stretch, step_ns=int(stretch * NS // 10), stretch=stretch)
    motion = CommandedMotion(np.zeros(1))
    now = T0
    for _ in range(3):
        sent = connect(chunk, motion, now, DEFAULT, limits)
        check_limits(sent, limits, motion.at(now))
        motion.follow(sent)
        now += int(0.27e9 * stretch)


def cruising(speed):
    """One joint that has moved at ``speed`` [rad/s] for a second at T0, and goes on so."""
    motion, far = CommandedMotion(np.zeros(1)), TrajectorySettings('replace', max_blind_s=2.0)
    motion.follow(connect(line(speed, steps=30, stamp_ns=T0 - NS), motion, T0 - NS, far, ONE))
    return motion, motion.at(T0)


@pytest.mark.parametrize('stretch', [5.0, 10.0])
def test_a_slowed_chunk_takes_over_from_a_fast_motion_at_once(stretch):
    # A single cubic to the first knot of 5 or 10 steps would coast 0.1 to 0.2 rad off the way and
    # come back. Braking takes 0.5 / 5 + 0.05 s, in which the arm goes 0.04 rad.
    settings = TrajectorySettings(seam='replace', max_blind_s=1.4)
    motion, start = cruising(0.5)
    step_ns = int(stretch * NS // 10)
    way = line(0.5, start=start.position[0], step_ns=step_ns, stretch=stretch)
    sent = connect(way, motion, T0, settings, ONE)
    check_limits(sent, ONE, start)
    assert sent.times_s[0] == pytest.approx(0.1)
    assert np.diff(sent.times_s).max() == pytest.approx(0.05 * stretch)
    times = np.linspace(0.0, stretch, 2000)
    wanted = start.position[0] + 0.5 * times / stretch
    assert np.abs(sent.curve()(times)[:, 0] - wanted).max() < 0.05


def test_the_chunks_of_a_slowed_goal_keep_their_own_knots():
    motion, now = CommandedMotion(np.zeros(1)), T0
    for _ in range(3):
        chunk = line(0.25, step_ns=NS // 2, stretch=5.0)
        sent = connect(chunk, motion, now, REPLACE, ONE)
        assert sent.times_s[:2] == pytest.approx([0.5, 0.75])
        motion.follow(sent)
        now += NS


@pytest.mark.parametrize('stretch', [1.0, 2.0, 5.0])
def test_the_shift_of_a_slowed_chunk_fades_as_much_slower(stretch):
    # A chunk of 0.03 rad beside an arm at rest: of the shift a third is left after 0.2 s, a sixth
    # after 0.25 s, and all of it has gone after 0.3 s, times the stretch.
    chunk = line(0.0, start=0.03, step_ns=int(stretch * NS // 10), stretch=stretch)
    sent = connect(chunk, CommandedMotion(np.zeros(1)), T0, DEFAULT, ONE)
    assert DEFAULT.seam == 'fade'
    at = np.array([0.2, 0.25, 0.3, 0.4]) * stretch
    assert sent.curve()(at)[:, 0] == pytest.approx([0.02, 0.025, 0.03, 0.03], abs=0.002)


@pytest.mark.parametrize('reach', [2, 3, 5])
@pytest.mark.parametrize('speed', [1.0, 2.0])
def test_a_fast_arm_has_time_to_stop_behind_a_short_chunk_that_ends_slowly(speed, reach):
    # 2 rad/s take 0.45 s to brake at 5 rad/s^2, and the chunk is over after 0.2 to 0.5 s.
    motion, start = cruising(speed)
    times = 0.1 * np.arange(reach + 1)
    positions = start.position + speed * (times - times**2 / (0.2 * reach))[:, None]
    sent = connect(chunk_of(positions), motion, T0, REPLACE, ONE)
    check_limits(sent, ONE, start)


def test_an_arm_beyond_a_limit_is_led_back():
    limits = dataclasses.replace(ONE, upper=np.array([1.0]))
    motion = CommandedMotion(np.array([1.01]))
    sent = connect(line(-0.3, start=1.01), motion, T0, DEFAULT, limits)
    check_limits(sent, limits, motion.at(T0))
    assert sent.positions[-1, 0] < 0.75


def test_a_device_that_reacts_late_gets_its_targets_earlier():
    still = CommandedMotion(np.zeros(1))
    chunk = chunk_of(0.02 * np.sin(np.arange(15) * 0.6)[:, None])
    at_once = connect(chunk, still, T0, REPLACE, ONE)
    late = dataclasses.replace(chunk, latency_ns=(NS // 10,))
    early = connect(late, still, T0, REPLACE, ONE)
    times = np.linspace(0.3, 0.7, 20)
    assert early.curve()(times) == pytest.approx(at_once.curve()(times + 0.1), abs=3e-3)


@pytest.mark.parametrize('name', ['lead_s', 'max_blind_s', 'fade_s'])
@pytest.mark.parametrize('value', [0.0, -1.0, float('nan')])
def test_settings_must_be_positive(name, value):
    with pytest.raises(ConfigError, match=f'{name} is {value}, valid: a positive number'):
        TrajectorySettings(**{name: value})


def test_an_unknown_seam_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"seam is 'glue', valid: \['replace', 'fade', "):
        TrajectorySettings(seam='glue')
