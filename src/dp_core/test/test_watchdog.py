# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""When a goal ends for safety: each fault at its own time, and nothing else."""

from dp_core.errors import ConfigError
from dp_core.watchdog import Fault
from dp_core.watchdog import Watchdog
from dp_core.watchdog import WatchdogSettings
import pytest

MS = 1_000_000
T0 = 1_700_000_000_000 * MS


class Run:
    """A watchdog that is asked every 20 ms; stamps in milliseconds after T0."""

    def __init__(self, **settings):
        self.dog = Watchdog(WatchdogSettings(**settings))
        self.steady = 5_000 * MS

    def at(self, ms, window=None, joints=None, steady_ms=20, why=''):
        self.steady += steady_ms * MS
        stamps = [T0 + v * MS if v is not None else None for v in (window, joints)]
        return self.dog.check(T0 + ms * MS, self.steady, *stamps, why)

    def first_fault(self, until, window=None, joints=None):
        """First fault while time runs; streams stop at the given times (None: never)."""
        for ms in range(0, until, 20):
            seen = [ms if stop is None else min(ms, stop) for stop in (window, joints)]
            verdict = self.at(ms, *seen)
            if verdict is not None:
                return ms, verdict
        return None


def test_a_healthy_run_has_no_fault():
    assert Run().first_fault(5000) is None


@pytest.mark.parametrize('gap', [300, 500])
def test_a_short_stall_is_bridged(gap):
    run = Run()
    for ms in range(0, 2000, 20):
        newest = 1000 if 1000 <= ms <= 1000 + gap else ms
        assert run.at(ms, newest, newest) is None


def test_a_long_stall_of_observations_is_a_fault_with_its_cause():
    run = Run()
    assert run.at(500, 0, 500, why="'front' is late") is None
    verdict = run.at(520, 0, 520, why="'front' is late")
    assert verdict.fault is Fault.OBSERVATION_STALL
    assert 'a complete observation stopped 0.520 s ago, allowed are 0.5 s' in verdict.reason
    assert verdict.reason.endswith("'front' is late")


def test_a_long_stall_of_joint_states_is_named_first():
    ms, verdict = Run().first_fault(5000, window=1000, joints=1000)
    assert (ms, verdict.fault) == (1520, Fault.JOINT_STATE_STALL)


def test_what_never_arrived_is_a_fault():
    verdict = Run().at(0, None, 0, why="no sample yet of ['front']")
    assert verdict.fault is Fault.OBSERVATION_STALL
    assert verdict.reason == "a complete observation never arrived; no sample yet of ['front']"
    assert Run().at(0, 0, None).fault is Fault.JOINT_STATE_STALL


@pytest.mark.parametrize('jump', [-1, -3_600_000, 271, 3_600_000])
def test_a_clock_that_jumps_is_a_fault(jump):
    run = Run()
    assert run.at(0, 0, 0) is None
    verdict = run.at(jump, jump, jump)
    assert verdict.fault is Fault.CLOCK_JUMP
    assert f'the ROS clock moved by {jump / 1000:.3f} s while 0.020 s passed' in verdict.reason


def test_jitter_of_the_clock_is_no_fault():
    run = Run()
    assert run.at(0, 0, 0) is None
    assert run.at(269, 269, 269) is None


def test_a_clock_that_was_read_before_a_hold_up_may_catch_up():
    run = Run()
    assert run.at(0, 0, 0) is None
    assert run.at(20, 20, 20, steady_ms=320) is None  # held up between the clocks, for 0.3 s
    assert run.at(340, 340, 340) is None


@pytest.mark.parametrize('later', [1, 2])
def test_a_hold_up_does_not_excuse_a_jump(later):
    run = Run()
    assert run.at(0, 0, 0) is None
    assert run.at(20, 20, 20, steady_ms=320) is None
    for check in range(1, later):
        assert run.at(20 + 20 * check, 20, 20) is None
    jump = 20 * later + (571 if later == 1 else 271)
    assert run.at(jump, jump, jump).fault is Fault.CLOCK_JUMP


def test_a_slow_simulation_is_no_fault():
    run = Run()
    for ms in range(0, 2000, 2):
        assert run.at(ms, ms, ms) is None  # a tenth of real time


def test_a_simulation_may_pause_but_not_for_ever():
    run = Run()
    assert run.at(100, 100, 100) is None
    for _ in range(150):  # 3 s
        assert run.at(100, 100, 100) is None
    verdict = run.at(100, 100, 100)
    assert verdict.fault is Fault.CLOCK_JUMP
    assert 'has stood still for 3.020 s; is the simulator alive?' in verdict.reason


def test_a_pause_that_ended_is_forgotten():
    run = Run()
    for start in (100, 200, 300):
        for _ in range(140):
            assert run.at(start, start, start) is None


@pytest.mark.parametrize('name', ['stall_timeout_s', 'clock_jump_s', 'clock_stopped_s'])
def test_settings_must_be_positive(name):
    for value in (0.0, -1.0, float('nan')):
        with pytest.raises(ConfigError, match=f'{name} is {value}, valid: a positive number'):
            WatchdogSettings(**{name: value})
