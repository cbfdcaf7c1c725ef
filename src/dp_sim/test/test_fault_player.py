# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Faults begin, end by themselves, and are refused where somebody else plays the part."""

from types import SimpleNamespace

from dp_sim.faults import RobotCondition
import pytest

pytest.importorskip('rclpy')

from dp_sim.fault_player import FaultPlayer

VALUES = {'fault': '', 'fault_s': 0.0, 'speed_slider': 100.0}
SECOND = 10**9


class Node:
    """Sets parameters as rclpy does: first everybody is asked, then told."""

    def __init__(self):
        self.warnings = []

    def add_on_set_parameters_callback(self, callback):
        self._check = callback

    def add_post_set_parameters_callback(self, callback):
        self._set = callback

    def get_logger(self):
        return SimpleNamespace(warning=self.warnings.append)

    def set(self, **values):
        rows = [SimpleNamespace(name=name, value=value) for name, value in values.items()]
        result = self._check(rows)
        if result.successful:
            self._set(rows)
        return result


def player(values=VALUES, *, is_stand_in=True):
    node, loop = Node(), SimpleNamespace(now_ns=5 * SECOND, condition=None)
    hearers = [SimpleNamespace(fault=None), SimpleNamespace(fault=None)]
    faults = FaultPlayer(node, loop, hearers, values, is_stand_in=is_stand_in)
    return node, loop, hearers, faults


def test_everybody_hears_of_a_fault_and_of_its_end():
    node, loop, hearers, _ = player()
    assert loop.condition == RobotCondition() and {each.fault for each in hearers} == {''}
    assert node.set(fault='program_stops').successful
    assert not loop.condition.program_running
    assert {each.fault for each in hearers} == {'program_stops'}
    assert node.set(fault='').successful
    assert loop.condition == RobotCondition() and {each.fault for each in hearers} == {''}
    assert node.warnings == ["playing the fault 'program_stops'"]


def test_a_fault_ends_after_its_time_and_the_slider_is_where_it_was():
    node, loop, hearers, faults = player()
    node.set(speed_slider=80.0, fault_s=2.0)
    node.set(fault='speed_slider_10')
    assert loop.condition.speed_scaling == 0.1
    faults.tick(7 * SECOND - 1)
    assert hearers[0].fault == 'speed_slider_10'
    faults.tick(7 * SECOND)
    assert hearers[0].fault == '' and loop.condition.speed_scaling == 0.8


def test_the_slider_moves_during_a_fault_without_prolonging_it():
    node, loop, _, faults = player()
    node.set(fault_s=2.0)
    node.set(fault='joint_held')
    loop.now_ns += SECOND
    node.set(speed_slider=30.0)
    assert loop.condition == RobotCondition(speed_scaling=0.3, held_joint=2)
    faults.tick(7 * SECOND)
    assert loop.condition == RobotCondition(speed_scaling=0.3)


def test_a_fault_lasts_as_long_when_the_clock_is_set_back():
    node, loop, hearers, faults = player()
    node.set(fault_s=2.0)
    node.set(fault='joint_held')
    loop.now_ns -= 4 * SECOND
    faults.shift(-4 * SECOND)
    faults.tick(3 * SECOND - 1)
    assert hearers[0].fault == 'joint_held'
    faults.tick(3 * SECOND)
    assert hearers[0].fault == ''


def test_what_cannot_be_played_is_refused_and_changes_nothing():
    node, loop, _, _ = player(is_stand_in=False)
    for values in ({'fault': 'controller_inactive'}, {'fault': 'smoke'}, {'speed_slider': 50.0}):
        result = node.set(**values)
        assert not result.successful and str(next(iter(values.values()))) in result.reason
    assert loop.condition == RobotCondition()
    with pytest.raises(ValueError, match='program_stops'):
        player({**VALUES, 'fault': 'program_stops'}, is_stand_in=False)
