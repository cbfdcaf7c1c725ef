# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Pacing on a clock that the test moves."""

from dp_sim.pacing import Pacer
from dp_sim.pacing import RealtimeMeter
import pytest


class Clock:
    """A clock that only sleeping (or the test) moves."""

    def __init__(self):
        self.now = 100.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def test_steps_are_due_at_the_step_time():
    clock = Clock()
    pacer = Pacer(0.002, 1.0, clock, clock.sleep)
    for _ in range(501):
        pacer.wait()
    assert clock.now == pytest.approx(101.0)


def test_factor_two_runs_twice_as_fast():
    clock = Clock()
    pacer = Pacer(0.002, 2.0, clock, clock.sleep)
    for _ in range(501):
        pacer.wait()
    assert clock.now == pytest.approx(100.5)


def test_after_a_stall_steps_run_without_pause_until_caught_up():
    clock = Clock()
    pacer = Pacer(0.002, 1.0, clock, clock.sleep)
    pacer.wait()
    clock.now += 0.1
    clock.slept.clear()
    for _ in range(50):
        pacer.wait()
    assert clock.slept == [] and pacer.worst_s == pytest.approx(0.098)
    pacer.wait()
    assert len(clock.slept) == 1
    assert pacer.late_steps == 44  # due at 2 ms to 88 ms, begun at 100 ms


def test_a_step_is_behind_since_it_was_due():
    clock = Clock()
    pacer = Pacer(0.002, 1.0, clock, clock.sleep)
    pacer.wait()
    pacer.wait()
    assert pacer.behind() == pytest.approx(0.0)
    clock.now += 0.3
    assert pacer.behind() == pytest.approx(0.3)


def test_meter_says_simulated_over_wall_time_since_the_mark():
    clock = Clock()
    meter = RealtimeMeter(clock)
    clock.now += 5.0
    meter.mark(1_000_000_000)
    assert meter.factor(1_000_000_000) == 1.0
    clock.now += 2.0
    assert meter.factor(2_900_000_000) == pytest.approx(0.95)


def test_meter_measures_on_when_simulated_time_is_set():
    clock = Clock()
    meter = RealtimeMeter(clock)
    meter.mark(1_000_000_000)
    clock.now += 2.0
    meter.shift(60_000_000_000)
    assert meter.factor(62_900_000_000) == pytest.approx(0.95)


def test_pacer_refuses_a_factor_of_zero():
    with pytest.raises(ValueError, match='above 0'):
        Pacer(0.002, 0.0)
