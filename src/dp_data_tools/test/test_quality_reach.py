# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What joints and tools can follow: velocities, accelerations, and what the arm made of them."""

import dataclasses

from dp_data_tools.quality.episode import METRE
from dp_data_tools.quality.episode import RADIAN
from dp_data_tools.quality.episode import Track
from dp_data_tools.quality.lag import lags_of
from dp_data_tools.quality.reach import check_obeyed
from dp_data_tools.quality.reach import check_reach
from dp_data_tools.quality.signals import even
from dp_data_tools.quality.thresholds import Thresholds
from hypothesis import assume
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from quality_samples import changed
from quality_samples import episode

LIMITS = Thresholds()
CLEAN = episode()
LAGS = lags_of([CLEAN])


def commands(values, rate_hz=50.0, unit=RADIAN):
    times_s = np.arange(len(values)) / rate_hz
    track = Track('action', ('a',), times_s, np.asarray(values, float)[:, None], unit)
    return dataclasses.replace(episode(), states=(), actions=(track,), pairs=())


@given(st.floats(0.1, 8.0), st.sampled_from([10.0, 50.0, 500.0]))
def test_a_steady_velocity_is_measured_whatever_the_rate(velocity, rate_hz):
    ramp = velocity * np.arange(round(4 * rate_hz)) / rate_hz
    found = list(check_reach(commands(ramp, rate_hz), LIMITS))
    assert bool(found) == (velocity > LIMITS.velocity_rad * 1.001)
    for finding in found:
        assert (finding.check, finding.severity) == ('velocity', 'error')
        assert finding.value == pytest.approx(velocity)


@pytest.mark.parametrize(('unit', 'limit'), [(RADIAN, 3.2), (METRE, 1.5)])
def test_units_have_limits_of_their_own(unit, limit):
    ramp = 4.0 * np.arange(100) / 50
    found = list(check_reach(commands(ramp, unit=unit), LIMITS))
    assert (found[0].threshold, found[0].unit) == (limit, f'{unit}/s')
    assert not list(check_reach(commands(ramp, unit=''), LIMITS))


def test_a_kink_is_an_acceleration():
    values = np.concatenate([np.zeros(50), 2.0 * np.arange(50) / 50])  # 2 rad/s within 20 ms
    found = list(check_reach(commands(values), LIMITS))
    assert [(f.check, f.severity) for f in found] == [('acceleration', 'warning')]
    assert found[0].value == pytest.approx(100.0)
    assert found[0].time_s == pytest.approx(0.98)


def test_the_noise_of_a_quick_encoder_is_averaged():
    step = 0.0015  # of an encoder with 4096 positions; 750 rad/s^2 from one message to the next
    noise = step * np.random.default_rng(0).integers(0, 2, 5000)
    slow = 0.5 * np.sin(np.arange(5000) / 500)
    assert not list(check_reach(commands(slow + noise, 500.0), LIMITS))


def test_quick_signals_are_averaged_over_20_ms_and_slow_ones_left():
    times_s, values, step_s = even(commands(np.arange(1000.0), 500.0).actions[0], 0)
    assert step_s == 0.02
    assert times_s[:3] == pytest.approx([0.01, 0.03, 0.05])
    assert values[1:3] == pytest.approx([15.0, 25.0])  # of 500 a second
    times_s, values, step_s = even(commands(np.arange(10.0), 10.0).actions[0], 0)
    assert step_s == pytest.approx(0.1)
    assert values == pytest.approx(np.arange(10))


def test_gaps_are_bridged_not_differentiated():
    made = commands(0.5 * np.arange(200) / 50)
    track = made.actions[0]
    kept = np.r_[0:50, 90:200]
    track = dataclasses.replace(track, times_s=track.times_s[kept], values=track.values[kept])
    found = list(check_reach(dataclasses.replace(made, actions=(track,)), LIMITS))
    assert not found


@given(st.floats(0.0, 1.2), st.floats(0.1, 2.0))
def test_a_blocked_arm_is_told_from_how_far_and_how_long_on(far, long_s):
    rows = slice(400, 400 + round(50 * long_s))
    steps = rows.stop - rows.start - 1
    assume(not 0.34 < far < 0.36 and abs(steps - 15) > 1)  # at the thresholds rounding decides

    def block(values):
        values[rows, 1] += far

    found = list(check_obeyed(changed(CLEAN, 'arm', block), LAGS, LIMITS))
    assert bool(found) == (far > 0.35 and steps > 15)
    for finding in found:
        assert finding.subject == 'action/b'
        assert finding.value == pytest.approx(far, abs=0.02)
        assert finding.spans[0][0] == pytest.approx(8.0, abs=0.05)
