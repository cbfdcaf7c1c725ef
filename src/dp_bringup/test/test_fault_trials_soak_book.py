# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Twenty seconds of a soak, written down by hand: what explains what, and what nothing does."""

from collections import Counter
from dataclasses import replace
import random

from dp_bringup.fault_trials.motion import Ticks
from dp_bringup.fault_trials.soak_book import Book
from dp_bringup.fault_trials.soak_book import COAST_S
from dp_bringup.fault_trials.soak_book import FaultSpan
from dp_bringup.fault_trials.soak_book import GoalEnding
from dp_bringup.fault_trials.soak_book import MotionWatch
from dp_bringup.fault_trials.soak_book import REST_S
from dp_bringup.fault_trials.soak_memory import MemorySample
from dp_bringup.fault_trials.soak_memory import slope
from dp_bringup.fault_trials.soak_plan import draw
from dp_bringup.fault_trials.soak_plan import FAULTS
from dp_core.limits import MotionLimits
import numpy as np
import pytest

LIMITS = MotionLimits(
    ('a', 'b'),
    np.full(2, -9.0),
    np.full(2, 9.0),
    np.full(2, 3.0),
    np.full(2, 5.0),
    np.full(2, 100.0),
)
TICK_S = 0.002


def book(*events):
    """A book of faults (name, begin, end) and endings (time, code)."""
    book = Book()
    for event in events:
        if len(event) == 3:
            book.faults.append(FaultSpan(*event))
        else:
            book.endings.append(GoalEnding(*event))
    return book


def ramp(begin_s, speed=0.4):
    """Joint a goes from rest to a speed in 0.2 s, and back to rest from 0.6 s on; b rests."""
    times = begin_s + np.arange(500) * TICK_S
    jerk = np.zeros(500)
    for first, sign in ((0, 1), (50, -1), (300, -1), (350, 1)):
        jerk[first : first + 50] = sign * speed / 0.01
    acceleration = np.cumsum(jerk) * TICK_S
    velocity = np.round(np.cumsum(acceleration) * TICK_S, 9)
    position = np.cumsum(velocity) * TICK_S
    zero = np.zeros(500)
    return Ticks(
        times + 0.001,
        times,
        np.stack([position, zero], axis=1),
        np.stack([velocity, zero], axis=1),
    )


def rest(begin_s, place=0.0):
    times = begin_s + np.arange(500) * TICK_S
    return Ticks(times + 0.001, times, np.full((500, 2), [place, 0.0]), np.zeros((500, 2)))


def test_twenty_seconds_in_which_everything_is_explained():
    written = book(
        ('joint_states_lost', 1.0, 1.2),
        ('joint_states_nan', 3.0, 3.5),
        (3.02, 'INVALID_OBSERVATION'),
        (7.0, 'NONE'),  # success needs no fault
        ('block_pose_silent', 9.0, 10.0),
        (9.6, 'OBSERVATION_STALL'),
        ('scene_killed', 12.0, 12.01),
        (12.6, 'JOINT_STATE_STALL'),  # its end comes when the watchdog has waited
        ('node_killed', 16.0, 16.0),
        (16.1, 'DIED'),
        ('cancel', 19.0, 19.0),
        (19.01, 'CANCELED'),
    )
    assert written.unexplained() == []
    assert [written.explanation(ending) for ending in written.endings] == [
        'joint_states_nan',
        '',
        'block_pose_silent',
        'scene_killed',
        'node_killed',
        'cancel',
    ]


@pytest.mark.parametrize(
    'ending',
    [
        (3.02, 'JOINT_STATE_STALL'),  # another code than the fault's
        (2.9, 'INVALID_OBSERVATION'),  # before the fault
        (5.6, 'INVALID_OBSERVATION'),  # long after it
        (3.02, 'INTERNAL'),
        (3.02, 'LIMIT'),
    ],
)
def test_endings_that_the_fault_does_not_explain(ending):
    written = book(('joint_states_nan', 3.0, 3.5), ending)
    assert [each.code for each in written.unexplained()] == [ending[1]]


def test_a_short_loss_explains_no_ending():
    assert book(('joint_states_lost', 1.0, 1.3), (1.5, 'JOINT_STATE_STALL')).unexplained()


def test_until_when_the_arm_may_move():
    ending = GoalEnding(10.0, 'CANCELED')
    assert book().rest_by(ending) == 10.0 + REST_S
    # Nobody brakes an arm whose node is dead; one that hangs until 12 s follows the brake then.
    assert book(('node_killed', 10.0, 10.0)).rest_by(ending) == 10.0 + COAST_S
    assert book(('scene_frozen', 9.5, 12.0)).rest_by(ending) == 12.0 + COAST_S
    assert book(('scene_frozen', 2.0, 4.0)).rest_by(ending) == 10.0 + REST_S


def test_a_motion_of_a_goal_is_nothing_to_tell():
    watch = MotionWatch(LIMITS)
    watch.goal_begins(100.0)
    moved = ramp(101.0)
    for ticks in (rest(100.0), moved, rest(102.0, moved.positions[-1, 0])):
        watch.feed(ticks)
    watch.must_rest(102.0)
    assert watch.findings == [] and watch.ticks == 1500 and watch.holes == 0
    assert watch.velocity == pytest.approx(0.4, rel=0.01)
    assert watch.acceleration == pytest.approx(4.0, rel=0.1)


def test_motion_before_a_goal_and_after_its_rest_is_found():
    watch = MotionWatch(LIMITS)
    watch.feed(ramp(100.0))
    watch.goal_begins(101.0)
    watch.must_rest(101.5)
    watch.feed(ramp(103.0))
    assert [finding.what.partition(':')[0] for finding in watch.findings] == [
        'motion without a goal',
        'motion without a goal',
    ]
    assert watch.findings[0].time_s == pytest.approx(100.001, abs=0.01)
    what = watch.findings[0].what
    assert 'up to 0.400 rad/s' in what and 'heard 0.001 s after their stamps' in what


def test_motion_that_was_heard_before_the_end_of_its_goal_was_known_is_judged_again():
    """The goal ended at 101, the arm moved until 103, and nobody looked before 103.5."""
    watch = MotionWatch(LIMITS)
    watch.goal_begins(100.0)
    for begin_s in (100.0, 102.0):
        watch.feed(ramp(begin_s))
    assert watch.findings == []
    watch.must_rest(102.5)
    (finding,) = watch.findings
    assert finding.what.startswith('motion without a goal: up to ')
    assert finding.time_s == pytest.approx(102.5, abs=0.01)


def test_a_motion_without_a_goal_tells_whether_the_controller_was_silent_before():
    watch = MotionWatch(LIMITS)
    watch.feed(rest(100.0))  # until 100.998
    watch.feed(ramp(104.0))
    assert watch.findings[0].what.endswith(' 0.00 s after a silence of 3.00 s')


def test_a_motion_of_a_goal_that_is_heard_late_is_its_motion():
    watch = MotionWatch(LIMITS)
    watch.goal_begins(100.0)
    watch.must_rest(101.0)
    moved = ramp(100.0)
    watch.feed(replace(moved, heard_s=moved.heard_s + 3.0))
    assert watch.findings == []


def test_a_motion_that_goes_on_after_it_must_rest_is_found():
    watch = MotionWatch(LIMITS)
    watch.goal_begins(100.0)
    watch.must_rest(100.7)
    watch.feed(ramp(100.0))  # it rests at 100.8
    assert [finding.what.partition(':')[0] for finding in watch.findings] == [
        'motion without a goal'
    ]


def test_limits_are_judged_across_two_feeds():
    whole = ramp(100.0, speed=1.2)  # 12 rad/s^2
    parts = [whole.rows(slice(k, k + 23)) for k in range(0, 500, 23)]
    watch = MotionWatch(LIMITS)
    watch.goal_begins(99.0)
    for part in parts:
        watch.feed(part)
    assert watch.acceleration == pytest.approx(12.0, rel=0.1)
    # Told once for a motion, not for each feed.
    assert [x.what.partition(':')[0] for x in watch.findings] == [
        'acceleration limit',
        'jerk limit',
    ]


def test_a_broken_limit_is_told_with_its_time_and_not_that_of_the_look():
    watch = MotionWatch(LIMITS)
    watch.goal_begins(99.0)
    whole = ramp(100.0, speed=1.2)
    watch.feed(whole)
    speeds = np.abs(whole.velocities).max(axis=1)
    at = np.searchsorted(whole.heard_s, watch.findings[0].time_s)
    assert 0.0 < speeds[at] < 1.2  # as it speeds up, or slows down
    assert whole.heard_s[-1] - watch.findings[0].time_s > 0.1


def test_another_scene_is_no_jump_and_a_hole_is_counted():
    watch = MotionWatch(LIMITS)
    elsewhere = rest(101.0)
    elsewhere.positions[:] = 1.0
    watch.feed(rest(100.0))
    watch.cut()
    watch.feed(elsewhere)
    assert watch.findings == []
    watch.feed(rest(103.0))
    assert watch.holes == 1 and watch.findings == []
    watch.feed(elsewhere.rows(slice(0, 0)))
    beside = rest(104.0)
    beside.positions[:] = 0.5
    watch.feed(beside)  # 1 s after 103 without a hole: it jumped
    assert [finding.what.partition(':')[0] for finding in watch.findings] == [
        'jump of the command'
    ]


def test_faults_are_drawn_by_weight_and_seed():
    generator = random.Random(0)
    drawn = [draw(generator) for _ in range(5000)]
    counts = Counter(fault.name for fault, _ in drawn)
    total = sum(fault.weight for fault in FAULTS.values())
    assert set(counts) == set(FAULTS)
    assert counts['joint_states_lost'] == pytest.approx(5000 * 8 / total, rel=0.2)
    assert all(fault.low_s <= seconds <= fault.high_s for fault, seconds in drawn)
    assert [draw(random.Random(7)) for _ in range(3)] == [draw(random.Random(7))] * 3
    without = {draw(generator, ['node_killed', 'memory'])[0].name for _ in range(5000)}
    assert without == set(FAULTS) - {'node_killed', 'memory'}


def test_faults_that_must_end_a_goal_say_with_which_codes():
    assert all(fault.codes for fault in FAULTS.values() if fault.ends)


def life(pid, seconds, mib_per_hour, begin_s=0.0, noise=0.0):
    generator = np.random.default_rng(pid)
    return [
        MemorySample(
            begin_s + t, pid, False, 300.0 + mib_per_hour * t / 3600.0 + noise * generator.normal()
        )
        for t in range(seconds)
    ]


def test_memory_that_grows_and_memory_that_does_not():
    grown = slope(life(1, 500, 36.0) + life(2, 300, 36.0, 600.0))
    assert grown['mib_per_hour'] == pytest.approx(36.0)
    assert (grown['low'], grown['high']) == (pytest.approx(36.0), pytest.approx(36.0))
    assert grown['lives'] == 2 and grown['samples'] == 320 + 120
    flat = slope(life(1, 800, 0.0, noise=1.0))
    assert abs(flat['mib_per_hour']) < 10.0 and flat['low'] is flat['high'] is None  # one life


def test_the_interval_of_the_growth_is_that_between_lives():
    """Within each it is exact, and that of another process would be another one."""
    grown = slope([s for k in range(10) for s in life(k, 300, 4.0 * k, 400.0 * k)])
    assert grown['mib_per_hour'] == pytest.approx(18.0)
    assert 8.0 < grown['low'] < 14.0 < 22.0 < grown['high'] < 28.0


def test_a_process_that_is_not_at_its_size_yet_does_not_grow():
    """It loads its libraries, touches its pages for the first time, and stays as it is."""
    loading = [MemorySample(float(t), 1, True, 170.0 + 2.0 * t) for t in range(180)]
    loaded = [MemorySample(180.0 + t, 1, True, 530.0) for t in range(200)]
    assert slope(loading + loaded)['mib_per_hour'] == pytest.approx(0.0, abs=1e-9)


def test_lives_that_are_too_short_tell_nothing():
    assert slope(life(1, 230, 0.0)) == {
        'mib_per_hour': None,
        'low': None,
        'high': None,
        'lives': 0,
        'samples': 0,
    }
    assert slope([])['mib_per_hour'] is None
