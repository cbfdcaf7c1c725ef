# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Every signal that must allow motion: what it forbids, at once or after a while."""

import math

from dp_core.errors import ConfigError
from dp_core.interlock import Interlocks
from dp_core.interlock import InterlockSettings
from dp_core.interlock import Kind
from dp_core.watchdog import Fault
from hypothesis import given
from hypothesis import strategies as st
import pytest

MS = 1_000_000
SETTINGS = InterlockSettings()


class Signal:
    """One signal alone, with a clock in milliseconds."""

    def __init__(self, kind, settings=SETTINGS):
        self.kind = kind
        self.locks = Interlocks([(kind, 'topic')], settings)

    def hear(self, value, ms=0):
        return self.locks.hear(self.kind, 'topic', value, ms * MS)

    def check(self, ms=0):
        return self.locks.check(ms * MS)


GOOD = {
    Kind.EMERGENCY_STOP: 0.0,
    Kind.DEADMAN: 1.0,
    Kind.PROGRAM_RUNNING: 1.0,
    Kind.SAFETY_MODE: 2.0,
    Kind.ROBOT_MODE: 7.0,
    Kind.SPEED_SCALING: 1.0,
}


@pytest.mark.parametrize(
    ('kind', 'value', 'fault', 'words'),
    [
        (Kind.EMERGENCY_STOP, 1, Fault.EMERGENCY_STOP, 'is pressed'),
        (Kind.DEADMAN, 0, Fault.DEADMAN, 'was let go'),
        (Kind.PROGRAM_RUNNING, 0, Fault.ROBOT_PROGRAM, 'does not run'),
        (Kind.SAFETY_MODE, 3, Fault.SAFETY_MODE, '3 (protective stop)'),
        (Kind.SAFETY_MODE, 0, Fault.SAFETY_MODE, '0 (unknown)'),
        (Kind.ROBOT_MODE, 5, Fault.ROBOT_PROGRAM, 'is 5'),
        (Kind.ROBOT_MODE, -1, Fault.ROBOT_PROGRAM, 'is -1'),
    ],
)
def test_a_bad_value_ends_a_goal_as_it_is_heard_and_a_good_one_allows_the_next(
    kind, value, fault, words
):
    signal = Signal(kind)
    verdict = signal.hear(value)
    assert verdict.fault is fault
    assert words in verdict.reason and 'topic' in verdict.reason
    assert signal.check() == verdict
    assert signal.hear(GOOD[kind]) is None
    assert signal.check() is None


@pytest.mark.parametrize(
    ('mode', 'name'),
    [
        (1, ''), (2, ''), (3, 'protective stop'), (4, 'recovery'), (5, 'safeguard stop'),
        (6, 'emergency stop of the system'), (7, 'emergency stop of the robot'),
        (8, 'violation'), (9, 'fault'), (10, 'unknown'), (11, 'unknown'),
        (12, 'safeguard stop in automatic mode'), (13, 'three position enabling stop'),
    ],
)  # fmt: skip
def test_of_all_safety_modes_normal_and_reduced_allow_motion(mode, name):
    """By the numbers of ur_dashboard_msgs/SafetyMode."""
    verdict = Signal(Kind.SAFETY_MODE).hear(mode)
    if not name:
        assert verdict is None
        return
    assert verdict.fault is Fault.SAFETY_MODE
    assert verdict.reason == f"the safety mode of the robot is {mode} ({name}) on 'topic'"


@pytest.mark.parametrize('kind', Kind)
def test_nothing_moves_before_a_signal_was_heard(kind):
    signal = Signal(kind)
    assert 'nothing was heard' in signal.check().reason
    assert signal.hear(GOOD[kind]) is None
    assert signal.check() is None


def test_a_deadman_switch_must_be_heard_again_and_again():
    signal = Signal(Kind.DEADMAN)
    assert signal.hear(1, ms=0) is None
    assert signal.check(ms=500) is None
    verdict = signal.check(ms=510)
    assert verdict.fault is Fault.DEADMAN
    assert 'silent for 0.51 s, allowed are 0.5 s' in verdict.reason
    assert signal.hear(1, ms=520) is None


def test_an_emergency_stop_may_have_to_be_heard_again_and_again():
    signal = Signal(Kind.EMERGENCY_STOP, InterlockSettings(emergency_stop_timeout_s=0.3))
    assert signal.hear(0, ms=0) is None
    assert signal.check(ms=290) is None
    verdict = signal.check(ms=310)
    assert verdict.fault is Fault.EMERGENCY_STOP
    assert 'emergency stop on' in verdict.reason
    assert 'silent for 0.31 s, allowed are 0.3 s' in verdict.reason
    assert signal.hear(0, ms=320) is None
    assert signal.check(ms=400) is None
    assert 'is pressed' in signal.hear(1, ms=410).reason
    assert 'is pressed' in signal.check(ms=5_000).reason  # that is worse than its silence


@pytest.mark.parametrize('kind', [k for k in Kind if k is not Kind.DEADMAN])
def test_the_other_signals_are_told_once_and_then_hold(kind):
    signal = Signal(kind)
    signal.hear(GOOD[kind])
    assert signal.check(ms=3_600_000) is None


def test_a_robot_may_be_slow_for_a_moment_but_not_for_long():
    signal = Signal(Kind.SPEED_SCALING)
    assert signal.hear(0.1, ms=0) is None
    assert signal.hear(0.15, ms=100) is None
    assert signal.check(ms=199) is None
    verdict = signal.check(ms=200)
    assert verdict.fault is Fault.SPEED_SCALING
    assert 'runs at 15 % of the commanded speed, min_speed_scaling is 20 %' in verdict.reason
    assert signal.hear(0.2, ms=300) is None  # the minimum itself is allowed
    assert signal.hear(0.1, ms=400) is None  # and the time begins anew
    assert signal.check(ms=599) is None


def test_a_speed_that_is_no_number_is_slow():
    signal = Signal(Kind.SPEED_SCALING)
    assert signal.hear(math.nan, ms=0) is None
    assert signal.check(ms=200).fault is Fault.SPEED_SCALING


@pytest.mark.parametrize('value', [0.0, 0.01])
def test_a_minimum_of_zero_allows_any_speed(value):
    signal = Signal(Kind.SPEED_SCALING, InterlockSettings(min_speed_scaling=0.0))
    signal.hear(value, ms=0)
    assert signal.check(ms=10_000) is None


def test_of_several_arms_any_one_stops_all():
    locks = Interlocks([(Kind.PROGRAM_RUNNING, 'left'), (Kind.PROGRAM_RUNNING, 'right')], SETTINGS)
    locks.hear(Kind.PROGRAM_RUNNING, 'left', 1, 0)
    assert 'right' in locks.check(0).reason
    locks.hear(Kind.PROGRAM_RUNNING, 'right', 1, 0)
    assert locks.check(0) is None
    assert 'left' in locks.hear(Kind.PROGRAM_RUNNING, 'left', 0, 0).reason


def test_values_are_told_by_name_and_the_slowest_arm_counts():
    locks = Interlocks([(Kind.SPEED_SCALING, 'left'), (Kind.SPEED_SCALING, 'right')], SETTINGS)
    assert math.isnan(locks.speed_scaling)
    locks.hear(Kind.SPEED_SCALING, 'left', 0.5, 0)
    locks.hear(Kind.SPEED_SCALING, 'right', 0.8, 0)
    assert locks.speed_scaling == 0.5
    assert locks.values() == {'speed scaling left': 0.5, 'speed scaling right': 0.8}


@given(st.lists(st.tuples(st.sampled_from([0, 1]), st.integers(0, 400)), max_size=30))
def test_no_stop_of_a_program_is_missed(heard):
    """However short a stop was, some verdict told it; and the last value decides what follows."""
    signal = Signal(Kind.PROGRAM_RUNNING)
    signal.hear(1)
    ms, told = 0, 0
    for value, wait_ms in heard:
        ms += wait_ms
        told += signal.hear(value, ms) is not None
    assert told == sum(value == 0 for value, _ in heard)
    assert (signal.check(ms) is None) is (not heard or heard[-1][0] == 1)


@pytest.mark.parametrize(
    'values',
    [
        {'deadman_timeout_s': 0.0},
        {'min_speed_scaling': 1.1},
        {'min_speed_scaling': -0.1},
        {'emergency_stop_timeout_s': -0.1},
        {'emergency_stop_timeout_s': math.nan},
    ],
)
def test_settings_name_what_is_valid(values):
    with pytest.raises(ConfigError, match=f'{next(iter(values))} is .*valid'):
        InterlockSettings(**values)
