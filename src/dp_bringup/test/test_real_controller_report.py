# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_bringup.real_controller.report import Recording
from dp_bringup.real_controller.report import report
from dp_bringup.real_controller.report import statistics
import numpy as np
import pytest

START_NS = 1_800_000_000_000_000_000
MS = 1_000_000


@pytest.fixture
def arrays():
    """Return one second at 500 Hz: constant speed of 1 rad/s, messages at 101, 401 and 701 ms.

    The last of them is refused. Every take-over advances the reference by one more period, and
    two ticks are missing after 500 ms. The goal lasts from 50 to 900 ms.
    """
    stamps = START_NS + 2 * MS * np.arange(500)
    starts = np.full(500, START_NS - 1000 * MS)
    positions = 0.002 * np.arange(500.0)
    for tick in (51, 201):
        starts[tick:] = stamps[tick]
        positions[tick:] += 0.002
    kept = np.delete(np.arange(500), [251, 252])
    return {
        'stamps_ns': stamps[kept],
        'starts_ns': starts[kept],
        'positions': positions[kept, None],
        'velocities': np.ones((498, 1)),
        'sent_ns': START_NS + MS * np.array([101, 401, 701]),
        'header_ns': np.zeros(3, np.int64),
        'points': np.array([2, 1, 1]),
        'times_ns': MS * np.array([50, 400, 400, 400]),
        'goals_ns': START_NS + MS * np.array([[50, 900]]),
    }


def test_messages_are_judged_by_what_the_controller_did(arrays):
    found = report(Recording.of(arrays, 0.002, ('[ERROR] no',)))['messages']
    assert (found['sent'], found['accepted'], found['rejected']) == (3, 2, 1)
    assert found['error_lines_of_the_controller'] == ['[ERROR] no']
    assert found['take_overs_by_nobody'] == 0
    assert found['from_sending_to_effect_ms']['max'] == pytest.approx(1.0)


def test_the_first_message_of_a_goal_makes_no_seam(arrays):
    found = report(Recording.of(arrays, 0.002))['seams']
    assert found['take_overs_in_motion'] == 1
    assert found['position_jump_rad']['max'] == pytest.approx(0.002)
    assert found['position_jump_beyond_own_advance_rad']['max'] == pytest.approx(0.0, abs=1e-12)
    assert found['advance_over_velocity_times_period']['p50'] == pytest.approx(2.0)
    assert found['velocity_step_over_20_ms_rad_s']['max'] == 0.0


def test_a_jump_shows_in_the_motion_at_take_overs_only(arrays):
    found = report(Recording.of(arrays, 0.002))['motion_at_100_hz']
    # Two milliradian within a grid step of 10 ms are 20 rad/s2.
    assert found['acceleration_at_take_overs_rad_s2']['max'] == pytest.approx(20.0, rel=1e-3)
    assert found['acceleration_rad_s2']['n'] == 83  # 85 samples from 50 to 890 ms


def test_late_and_missing_ticks_are_counted(arrays):
    found = report(Recording.of(arrays, 0.002))
    # The second message ends 400 ms after 402 ms; from 804 to 898 ms nothing is left to follow.
    assert found['lateness'] == {'late_ticks': 48, 'ticks_during_goals': 423}
    assert found['tick_period_ms']['missing'] == 2
    assert found['tick_period_ms']['p50'] == pytest.approx(2.0)


def test_statistics_of_nothing_are_nothing():
    assert statistics([]) == {'p50': None, 'p95': None, 'p99': None, 'max': None, 'n': 0}
