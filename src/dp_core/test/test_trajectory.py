# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What is sent to the controller: axioms over random chunks, and seams without a step."""

import dataclasses

from dp_core.chunk import ActionChunk
from dp_core.errors import ConfigError
from dp_core.errors import ExpiredError
from dp_core.errors import TrajectoryError
from dp_core.trajectory import brake
from dp_core.trajectory import CommandedMotion
from dp_core.trajectory import connect
from dp_core.trajectory import Trajectory
from dp_core.trajectory import TrajectorySettings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
import numpy as np
import pytest

NS = 1_000_000_000
T0 = 1_700_000_000 * NS
JOINTS = ('a', 'b')
DEFAULT = TrajectorySettings()
REPLACE = TrajectorySettings(seam='replace')

seams = st.sampled_from([DEFAULT, REPLACE])
seeds = st.integers(0, 2**32 - 1)
latenesses = st.integers(-50_000_000, 1_100_000_000)  # now less t_obs [ns]


def chunk_of(positions, stamp_ns=T0, offset_ns=0, step_ns=NS // 10, stretch=1.0):
    positions = np.asarray(positions, dtype=float)
    names = JOINTS[: positions.shape[1]]
    return ActionChunk(stamp_ns, step_ns, offset_ns, names, positions, positions, stretch)


def line(velocity, steps=15, start=0.0, **kwargs):
    """Chunk of one joint that moves at constant velocity [rad/s] from ``start`` at t_obs."""
    return chunk_of(start + velocity * 0.1 * np.arange(steps)[:, None], **kwargs)


def random_chunk(random, stamp_ns, around):
    steps = int(random.integers(13, 20))
    walk = np.cumsum(random.normal(0.0, 0.03, (steps, len(around))), axis=0)
    jump = random.normal(0.0, 0.02, len(around))
    offset_ns = int(random.integers(0, 2)) * NS // 10
    return chunk_of(around + jump + walk, stamp_ns, offset_ns)


def moving(random):
    """A motion that was sent at T0 - 0.3 s and is under way at T0."""
    motion = CommandedMotion(random.normal(0.0, 1.0, 2))
    position, _ = motion.at(T0)
    first = random_chunk(random, T0 - 3 * NS // 10, position)
    motion.follow(connect(first, motion, T0 - 3 * NS // 10, DEFAULT))
    return motion


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
    position, velocity = motion.at(now)
    try:
        sent = connect(chunk, motion, now, settings)
    except ExpiredError:
        assert (chunk.times_ns() > now + 50_000_000).sum() < 2
        return
    assert len(sent.times_s) >= 2
    assert sent.times_s[0] > settings.lead_s
    assert (np.diff(sent.times_s) > 0).all()
    assert sent.velocities[-1].tolist() == [0.0, 0.0]
    assert sent.times_s[-3] <= settings.max_blind_s
    curve = sent.curve()
    assert np.abs(curve(0.0) - position).max() == 0.0  # the seam: no step in position
    assert np.abs(curve(0.0, 1) - velocity).max() == 0.0  # nor in velocity
    # Every knot that was sent lies at the time that the chunk meant it for.
    meant = (chunk.times_ns() - now) * 1e-9
    assert np.isin(sent.times_s[:-2], meant).all()
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
        sent = connect(random_chunk(random, stamp, motion.at(now)[0]), motion, now, settings)
        before = motion.at(now)
        motion.follow(sent)
        after = motion.at(now)
        takeovers.append([np.abs(a - b).max() for a, b in zip(before, after)])
        until = now + int(random.integers(300, 1000)) * 1_000_000
        samples += [motion.at(t) for t in range(now, until, 1_000_000)]
        now = until
    assert np.max(takeovers) == 0.0
    positions, velocities = (np.array(column) for column in zip(*samples))
    # Position is the integral of velocity: the trapezoid rule over 1 ms.
    predicted = positions[:-1] + 0.0005 * (velocities[:-1] + velocities[1:])
    assert np.abs(predicted - positions[1:]).max() < 1e-5
    end = motion.at(motion.end_ns)
    assert end[1].tolist() == [0.0, 0.0]
    assert motion.at(motion.end_ns + NS)[0].tolist() == end[0].tolist()


@hypothesis_settings(deadline=None, max_examples=60)
@given(seed=seeds, delay=st.integers(0, 1_800_000_000), limit=st.floats(0.5, 20.0))
def test_braking_stays_inside_the_acceleration_and_ends_in_time(seed, delay, limit):
    motion = moving(np.random.default_rng(seed))
    now = T0 + delay
    position, velocity = motion.at(now)
    stop = brake(motion, JOINTS, now, limit)
    times = np.linspace(0.0, stop.times_s[-1], 100)
    assert np.abs(stop.curve()(times, 2)).max() <= limit * (1 + 1e-9)
    assert stop.times_s[-1] <= np.abs(velocity).max() / limit + 0.1 + 1e-9
    assert stop.velocities[-1].tolist() == [0.0, 0.0]
    assert np.abs(stop.curve()(0.0) - position).max() == 0.0
    # Nobody is carried farther than the distance that his own speed needs, v T / 2.
    travelled = np.abs(stop.positions[-1] - position)
    assert (travelled <= np.abs(velocity) * stop.times_s[-1] / 2 + 1e-12).all()


def test_braking_by_hand():
    # 1 rad/s at 5 rad/s^2: 0.2 s, and with room for a delay of 10 ms T = 0.27 s, because
    # 1 / 0.27 + 6 * 0.01 / (0.8 * 0.27)^2 = 3.7 + 1.3. Then T / 2 = 0.135 rad; after 0.216 s still
    # 0.2 rad/s, and 0.0054 rad to go.
    motion = CommandedMotion(np.array([2.0]))
    motion.follow(connect(line(1.0, start=2.0), motion, T0 - 30_000_000, REPLACE))
    now = T0 + NS // 2
    position, velocity = motion.at(now)
    assert velocity[0] == pytest.approx(1.0, abs=0.01)
    stop = brake(motion, ('a',), now, 5.0)
    assert stop.times_s == pytest.approx([0.2157, 0.2696], rel=0.01)
    assert stop.positions[:, 0] - position[0] == pytest.approx([0.1294, 0.1348], rel=0.02)
    assert stop.velocities[:, 0] == pytest.approx([0.2, 0.0], rel=0.01)
    assert stop.seam is None


@pytest.mark.parametrize('delay_s', [0.0, 0.005, 0.01])
@pytest.mark.parametrize('slope', [0.2, 0.6, 2.0])
def test_a_brake_that_arrives_late_stays_inside_the_acceleration(slope, delay_s):
    motion = CommandedMotion(np.array([2.0]))
    motion.follow(connect(line(slope, start=2.0), motion, T0 - 30_000_000, REPLACE))
    now = T0 + NS // 2
    stop = brake(motion, ('a',), now, 5.0)
    position, velocity = motion.at(now + round(delay_s * 1e9))  # where the controller is by then
    late = dataclasses.replace(stop, start_position=position, start_velocity=velocity)
    times = np.linspace(0.0, stop.times_s[-1], 500)
    assert np.abs(late.curve()(times, 2)).max() <= 5.0 * 1.01


def test_a_brake_for_an_arm_that_hangs_is_gentle_also_when_it_follows_much_later():
    # 0.5 s after it was seen, the arm should be 0.1 rad farther; 0.15 rad are allowed for.
    motion = CommandedMotion(np.array([2.0]))
    motion.follow(connect(line(0.2, start=2.0), motion, T0 - 30_000_000, REPLACE))
    seen, _ = motion.at(T0)
    stop = brake(motion, ('a',), T0 + NS // 2, 5.0, seen)
    assert stop.times_s[-1] == pytest.approx(0.5507, rel=0.02)  # 0.2 / T + 6 * 0.15 / (0.8 T)^2
    late = dataclasses.replace(stop, start_position=seen)
    times = np.linspace(0.0, stop.times_s[-1], 500)
    assert np.abs(late.curve()(times, 2)).max() == pytest.approx(0.363 + 3.09, rel=0.02)


def test_braking_at_rest_holds_for_a_tenth_of_a_second():
    stop = brake(CommandedMotion(np.array([2.0, 3.0])), JOINTS, T0, 5.0)
    assert stop.times_s == pytest.approx([0.08, 0.1])
    assert stop.positions.tolist() == [[2.0, 3.0]] * 2
    assert stop.end_ns == T0 + NS // 10


def test_past_steps_are_cut_by_the_clock():
    # Steps at 0, 0.1, ... 1.4 s; at 0.23 s, with a lead of 50 ms, step 3 (70 ms ahead) is first.
    sent = connect(line(0.0), CommandedMotion(np.zeros(1)), T0 + 230_000_000, DEFAULT)
    assert sent.seam.cut_index == 3
    assert sent.times_s[0] == pytest.approx(0.07)
    # At 0.25 s step 3 is exactly the lead ahead, which is not more than the lead.
    sent = connect(line(0.0), CommandedMotion(np.zeros(1)), T0 + 250_000_000, DEFAULT)
    assert sent.seam.cut_index == 4


def test_no_more_than_max_blind_is_sent_ahead():
    sent = connect(line(0.1), CommandedMotion(np.zeros(1)), T0, DEFAULT)
    assert sent.times_s[:-2] == pytest.approx(np.arange(1, 11) / 10)
    assert sent.times_s[-1] == pytest.approx(1.1)  # and the tail: at 0.1 rad/s the shortest


def test_at_half_speed_twice_as_long_is_sent_and_the_takeover_is_covered():
    slow = line(0.1, step_ns=NS // 5, stretch=2.0)
    sent = connect(slow, CommandedMotion(np.zeros(1)), T0, DEFAULT)
    assert sent.times_s[-3] == pytest.approx(2.0)
    assert sent.start_ns + sent.times_s[-3] * 1e9 > slow.takeover_ns(T0, 8)


def test_an_expired_chunk_is_refused():
    # The last steps are 1.3 and 1.4 s after t_obs.
    motion = CommandedMotion(np.zeros(1))
    assert len(connect(line(0.0), motion, T0 + 1_240_000_000, DEFAULT).times_s) == 4
    with pytest.raises(ExpiredError, match=r'of 15 steps only 1 lie .*observation is 1.260 s old'):
        connect(line(0.0), motion, T0 + 1_260_000_000, DEFAULT)


def test_a_chunk_of_the_far_future_is_refused():
    with pytest.raises(TrajectoryError, match='begins 2.000 s ahead, more than 1.0 s'):
        connect(line(0.0), CommandedMotion(np.zeros(1)), T0 - 2 * NS, DEFAULT)


@pytest.mark.parametrize('bad', [np.nan, np.inf])
@pytest.mark.parametrize('step', [0, 7, 14])
def test_a_chunk_that_is_not_finite_is_refused(bad, step):
    chunk = line(0.1)
    chunk.positions[step] = bad
    with pytest.raises(TrajectoryError, match='contains NaN or infinity'):
        connect(chunk, CommandedMotion(np.zeros(1)), T0, DEFAULT)


def test_a_chunk_for_other_joints_is_refused():
    with pytest.raises(TrajectoryError, match='not for 2 joints'):
        connect(line(0.1), CommandedMotion(np.zeros(2)), T0, DEFAULT)


@pytest.mark.parametrize('offset_ns', [0, NS // 10])
@pytest.mark.parametrize('age_ns', [20_000_000, 60_000_000, 160_000_000])
def test_a_chunk_that_agrees_with_the_motion_has_no_jump(offset_ns, age_ns):
    """Also when its first step lies ahead of now: moving on is not a disagreement."""
    motion = CommandedMotion(np.zeros(1))
    motion.follow(connect(line(0.5, steps=25), motion, T0 - 30_000_000, REPLACE))
    stamp = T0 + 4 * NS // 10
    start = 0.5 * (0.4 + offset_ns * 1e-9)
    chunk = line(0.5, start=start, stamp_ns=stamp, offset_ns=offset_ns)
    sent = connect(chunk, motion, stamp + age_ns, DEFAULT)
    assert sent.seam.position_jump < 1e-3
    assert sent.seam.velocity_jump < 0.02
    # So neither seam bends the straight line.
    assert np.abs(sent.velocities[:-2] - 0.5).max() < 0.02


def test_the_jump_is_reported_and_fades_out():
    motion = CommandedMotion(np.array([0.0]))
    chunk = line(0.0, start=0.03)
    sent = connect(chunk, motion, T0, DEFAULT)
    assert sent.seam.position_jump == pytest.approx(0.03)
    # fade_s 0.3: at 0.1, 0.2, 0.3 s there remain 2/3, 1/3 and 0 of the shift.
    assert sent.positions[:4, 0] == pytest.approx([0.01, 0.02, 0.03, 0.03])
    at_once = connect(chunk, motion, T0, REPLACE)
    assert at_once.positions[:2, 0] == pytest.approx([0.03, 0.03])


def test_fading_is_gentler_than_replacing():
    motion, chunk = CommandedMotion(np.zeros(1)), line(0.0, start=0.05)
    peak = {
        settings.seam: np.abs(
            connect(chunk, motion, T0, settings).curve()(np.linspace(0.0, 1.0, 500), 2)
        ).max()
        for settings in (DEFAULT, REPLACE)
    }
    assert peak['fade'] < 0.5 * peak['replace']


def test_commanded_motion_before_the_first_message_is_the_held_position():
    motion = CommandedMotion(np.array([1.0, 2.0]))
    position, velocity = motion.at(T0)
    assert position.tolist() == [1.0, 2.0]
    assert velocity.tolist() == [0.0, 0.0]
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


@pytest.mark.parametrize('name', ['lead_s', 'max_blind_s', 'fade_s', 'max_acceleration'])
@pytest.mark.parametrize('value', [0.0, -1.0, float('nan')])
def test_settings_must_be_positive(name, value):
    with pytest.raises(ConfigError, match=f'{name} is {value}, valid: a positive number'):
        TrajectorySettings(**{name: value})


def test_an_unknown_seam_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"seam is 'glue', valid: \['replace', 'fade', "):
        TrajectorySettings(seam='glue')
