# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Delay lines give back what was noted so many ticks ago."""

from dp_sim.latency import DelayLine
from dp_sim.latency import Latencies
import pytest


def test_without_ticks_a_line_gives_back_at_once():
    line = DelayLine(0)
    assert [line.push(value) for value in 'abc'] == ['a', 'b', 'c']


def test_a_line_is_so_many_ticks_late_and_begins_with_the_oldest_value_it_knows():
    line = DelayLine(2)
    assert [line.push(value) for value in 'abcde'] == ['a', 'a', 'a', 'b', 'c']
    assert [line.ago(ticks) for ticks in range(4)] == ['e', 'd', 'c', 'c']
    line.clear()
    assert line.push('f') == line.ago(2) == 'f'


@pytest.mark.parametrize(
    'wrong', [{'command_s': -0.1}, {'joint_state_s': 1.5}, {'camera_s': (0.0, 2.0)}]
)
def test_a_latency_is_no_longer_than_a_second(wrong):
    with pytest.raises(ValueError, match=f'{next(iter(wrong))} is .*, valid: 0 to 1 s'):
        Latencies(**wrong)
