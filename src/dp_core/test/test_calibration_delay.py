# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Delays that were put in are found again, through noise, jitter and losses; or refused."""

from dp_core.calibration.delay import Delay
from dp_core.calibration.delay import estimate_delay
from dp_core.calibration.delay import Search
from dp_core.calibration.delay import Signal
from dp_core.calibration.excitation import Excitation
from dp_core.calibration.lag import separate_lag
from dp_core.errors import CalibrationError
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.integrate import solve_ivp

MOTION = Excitation()
TIMES = np.arange(-1.0, 9.0, 0.002)
COMMANDED = Signal(TIMES, MOTION.offsets(np.clip(TIMES, 0.0, 8.0))[:, None])


def stamps(rate_hz, rng, jitter=0.0, lost=0.0):
    """Stamps of a sensor that is late by turns, and of which messages get lost."""
    times = np.arange(-0.8, 8.8, 1.0 / rate_hz)
    times = np.sort(times + rng.uniform(-jitter, jitter, len(times)))
    return times[rng.random(len(times)) >= lost]


def late(delay_s, rate_hz, rng, noise=0.0, jitter=0.0, lost=0.0):
    """Return joint positions that follow the command after a delay."""
    times = stamps(rate_hz, rng, jitter, lost)
    positions = COMMANDED.at(times - delay_s)
    return Signal(times, positions + rng.normal(0.0, noise, positions.shape))


@pytest.mark.parametrize('delay_s', [-0.02, 0.0, 0.031, 0.1, 0.4])
def test_a_clean_delay_is_found_to_a_tenth_of_a_millisecond(delay_s):
    found = estimate_delay(late(delay_s, 500, np.random.default_rng(0)), COMMANDED)
    assert found.delay_s == pytest.approx(delay_s, abs=1e-4)
    assert found.explained > 0.9999 and found.gain == pytest.approx(1.0, abs=1e-3)
    assert found.uncertainty_s < 2e-4


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.0, 0.3),
    st.sampled_from([60, 125, 500]),
    st.floats(0.0, 1e-3),
    st.floats(0.0, 0.3),
    st.integers(0, 1000),
)
def test_noise_jitter_and_losses_cost_less_than_five_milliseconds(
    delay_s, rate_hz, noise, lost, seed
):
    rng = np.random.default_rng(seed)
    measured = late(delay_s, rate_hz, rng, noise, 0.4 / rate_hz, lost)
    found = estimate_delay(measured, COMMANDED)
    assert found.delay_s == pytest.approx(delay_s, abs=0.005)
    assert found.delay_s == pytest.approx(delay_s, abs=6 * found.uncertainty_s + 2e-4)


def test_the_error_that_is_told_is_the_error_that_is_made():
    errors = []
    for seed in range(30):
        found = estimate_delay(late(0.05, 60, np.random.default_rng(seed), 2e-3), COMMANDED)
        errors.append((found.delay_s - 0.05) / found.uncertainty_s)
    assert 0.5 < np.sqrt(np.mean(np.square(errors))) < 2.0


def test_several_numbers_that_bend_with_the_reference_tell_its_delay():
    rng = np.random.default_rng(1)
    times = stamps(30, rng, 0.003, 0.1)
    angle = COMMANDED.at(times - 0.12)[:, 0] / 0.025
    picture = Signal(times, np.stack([np.tanh(angle + k) for k in (-1.0, 0.0, 1.0)], axis=1))
    powers = Signal(TIMES, (COMMANDED.values / 0.025) ** [1, 2, 3])
    assert estimate_delay(picture, powers).delay_s == pytest.approx(0.12, abs=0.001)


# ---- refusals


def refusal(values, reference=COMMANDED, **search):
    with pytest.raises(CalibrationError) as error:
        estimate_delay(values, reference, Search(**search))
    return str(error.value)


def test_noise_alone_is_refused():
    rng = np.random.default_rng(0)
    for values in (rng.normal(size=(5000, 1)), np.cumsum(rng.normal(size=(5000, 1)), axis=0)):
        assert 'is explained' in refusal(Signal(TIMES, values))


def test_an_arm_that_stands_is_refused():
    assert 'more than 0%' in refusal(Signal(TIMES, np.full((5000, 1), 0.7)))


def test_too_few_samples_are_refused():
    assert 'only 49 samples, valid: 50' in refusal(late(0.0, 5, np.random.default_rng(0)))


def test_a_motion_that_repeats_itself_is_refused():
    wave = Signal(TIMES, np.sin(2 * np.pi * 5.0 * TIMES)[:, None])
    assert 'repeats itself' in refusal(wave, wave, max_uncertainty_s=1.0)


def test_a_slow_motion_under_noise_is_refused():
    rng = np.random.default_rng(0)
    slow = Signal(TIMES, np.sin(0.2 * np.pi * TIMES)[:, None])
    values = slow.values + rng.normal(0.0, 0.5, slow.values.shape)
    assert 'too slow' in refusal(Signal(TIMES, values), slow, min_explained=0.1)


def test_a_delay_at_the_end_of_the_range_is_refused():
    assert 'the end of the range' in refusal(late(0.7, 125, np.random.default_rng(0)))


@pytest.mark.parametrize(
    'times, values, words',
    [
        ([0.0, 1.0], [[1.0]], 'for 2 times'),
        ([0.0, 0.0], [[1.0], [2.0]], 'do not increase'),
        ([0.0, 1.0], [[1.0], [np.nan]], 'NaN'),
    ],
)
def test_a_malformed_signal_is_refused(times, values, words):
    with pytest.raises(CalibrationError, match=words):
        Signal(np.array(times), np.array(values))


# ---- dead time and lag


def through_servo(dead_s, lag_s, noise=1e-4):
    """Return the motion of a first order servo after a dead time, by integration."""

    def pull(t, position):
        return (COMMANDED.at(np.array([t - dead_s]))[0] - position) / lag_s

    times = stamps(125, np.random.default_rng(0))
    moved = solve_ivp(pull, (-1.0, 9.0), COMMANDED.values[0], t_eval=times, max_step=0.01)
    return Signal(times, moved.y.T + np.random.default_rng(1).normal(0, noise, (len(times), 1)))


@pytest.mark.parametrize('dead_s, lag_s', [(0.03, 0.04), (0.0, 0.05), (0.1, 0.1)])
def test_dead_time_and_lag_are_told_apart(dead_s, lag_s):
    measured = through_servo(dead_s, lag_s)
    delay = estimate_delay(measured, COMMANDED)
    assert delay.delay_s == pytest.approx(dead_s + lag_s, abs=0.012)  # a fast motion lags less
    servo = separate_lag(measured, COMMANDED, delay)
    assert servo is not None
    assert servo.dead_time_s == pytest.approx(dead_s, abs=0.005)
    assert servo.lag_s == pytest.approx(lag_s, abs=0.005)


@pytest.mark.parametrize('delay_s', [0.0, 0.002, 0.05, 0.2])
def test_a_mere_delay_has_no_lag(delay_s):
    measured = late(delay_s, 125, np.random.default_rng(0), 1e-4)
    assert separate_lag(measured, COMMANDED, estimate_delay(measured, COMMANDED)) is None


def test_without_delay_there_is_nothing_to_split():
    assert separate_lag(COMMANDED, COMMANDED, Delay(-0.05, 0.0, 1.0, 1.0, 100)) is None
