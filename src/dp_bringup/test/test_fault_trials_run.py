# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a trial records of a world that can be worked out by hand."""

import dataclasses

import pytest

pytest.importorskip('dp_msgs.msg')

from dp_bringup.fault_trials import act
from dp_bringup.fault_trials import run
from dp_bringup.fault_trials.plan import KINDS
from dp_bringup.fault_trials.plan import TrialPlan
from dp_bringup.fault_trials.record import Sent
from dp_bringup.fault_trials.record import TrialError
from dp_bringup.fault_trials.record import wait
from dp_core.errors import ConfigError
from dp_msgs.action import ExecutePolicy
from fault_world import World
import numpy as np

Result = ExecutePolicy.Result


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Nothing is worth waiting for in a world without time."""
    monkeypatch.setattr(run, 'REACTION_S', 0.2)
    monkeypatch.setattr(run, 'WATCHED_S', 0.0)
    monkeypatch.setattr(act, 'FROZEN_S', 0.001)


def trial(world, kind):
    return run.Trial(world, TrialPlan(0, 'state', kind, 42, 1.0)).run(42)


def test_a_fault_that_stops_the_arm():
    world = World(Result.INVALID_OBSERVATION)
    record = trial(world, 'joint_states_nan')
    assert (record['outcome'], record['reason']) == ('INVALID_OBSERVATION', 'because')
    assert 0.0 <= record['detection_s'] < 0.1 and 0.0 <= record['result_s'] < 0.1
    assert record['rest_s'] == pytest.approx(0.12)  # braked after 0.02 s, in 0.1 s
    assert record['velocity'] == pytest.approx(0.4)
    assert record['acceleration'] == pytest.approx(4.0)
    assert record['violations'] == [] and record['late'] == []
    assert (record['refused'], record['refusal'], record['recovered']) == (True, 'why', True)
    assert (record['late_ticks'], record['lag_s']) == (2, 0.003)
    assert record['as_expected']
    assert world.calls[:5] == ['restore', 'services', 42, 'joint_states_nan', 'restore']


def test_an_operator_who_acts_and_a_robot_that_halts_by_itself():
    world = World(Result.EMERGENCY_STOP)
    assert trial(world, 'emergency_stop')['as_expected']
    assert world.calls[3] == 'press'
    world = World(Result.ROBOT_PROGRAM)
    world.limits = dataclasses.replace(world.limits, acceleration=np.full(1, 1.0))
    assert trial(world, 'program_stops')['violations'] == []  # 4 rad/s^2 of its own
    world.code = Result.INVALID_OBSERVATION
    assert trial(world, 'joint_states_nan')['violations'] == ['acceleration limit']


def test_a_goal_that_goes_on_is_cancelled_in_the_end():
    world = World()
    record = trial(world, 'joint_states_shuffled')
    assert (record['outcome'], record['as_expected']) == ('GOES_ON', True)
    assert (record['detection_s'], record['rest_s'], record['refused']) == (None, None, None)
    assert world.calls[3:5] == ['joint_states_shuffled', 'cancel']


def test_a_goal_that_goes_on_where_it_should_end_is_not_as_expected():
    record = trial(World(), 'joint_states_nan')
    assert (record['outcome'], record['as_expected']) == ('UNNOTICED', False)


def test_another_reason_than_the_right_one_is_not_as_expected():
    record = trial(World(Result.INTERNAL), 'joint_states_nan')
    assert (record['outcome'], record['as_expected']) == ('INTERNAL', False)


def test_a_goal_that_is_accepted_while_the_fault_lasts_is_not_as_expected():
    record = trial(World(Result.INVALID_OBSERVATION, refuses=False), 'joint_states_nan')
    assert (record['refused'], record['as_expected']) == (False, False)


def test_a_late_reaction_is_told():
    world = World(Result.INVALID_OBSERVATION)
    world.brake_s = 0.4
    assert trial(world, 'joint_states_nan')['late'] == ['rest']


def test_a_node_that_dies_tells_nothing():
    world = World()
    record = trial(world, 'node_killed')
    assert (record['outcome'], record['as_expected']) == ('DIED', True)
    assert 'policy_node SIGKILL' in world.calls


def test_a_goal_that_has_ended_before_its_fault_is_no_trial():
    with pytest.raises(run.EarlyEndError, match='ended before the fault'):
        trial(World(solves=True), 'joint_states_nan')


def test_a_goal_of_dp_execute_is_judged_by_the_status():
    world = World(Result.CANCELED)
    world.signal = lambda name, number: world._end(world.code)
    world.status.state = world.status.BRAKING
    record = trial(world, 'client_interrupted')
    assert (record['outcome'], record['reason'], record['result_s']) == ('CANCELED', 'why', None)
    assert 'dp_execute' in world.calls


@pytest.mark.parametrize(
    ('kind', 'calls'),
    [
        ('joint_states_gap', ['joint_states_stop']),
        ('cancel', ['cancel']),
        ('stop', ['stop']),
        ('deactivate', [4]),
        ('node_killed', ['policy_node SIGKILL']),
        ('client_interrupted', ['dp_execute SIGINT']),
    ],
)
def test_how_faults_are_brought_about(kind, calls):
    world = World()
    act.inject(world, KINDS[kind])
    assert world.calls == calls


def test_a_frozen_process_is_thawed_again(monkeypatch):
    monkeypatch.setattr(act.time, 'sleep', lambda seconds: None)
    world = World()
    act.inject(world, KINDS['node_frozen'])
    assert world.calls == ['policy_node SIGSTOP', 'policy_node SIGCONT']


def test_a_second_goal_must_be_refused():
    world = World()
    with pytest.raises(TrialError, match='second goal was accepted'):
        act.inject(world, KINDS['second_goal'])
    world.fault = True
    act.inject(world, KINDS['second_goal'])


def test_every_kind_has_a_verb_that_is_known():
    for kind in KINDS.values():
        assert kind.verb in ('scene', 'call', 'operator', 'signal', 'client', 'pause', 'starve')
    unknown = KINDS['cancel'].__class__('x', 'state', 1, 'kick', '', 0.0, (), 0.0, False, '')
    with pytest.raises(ConfigError, match="verb 'kick'"):
        act.inject(World(), unknown)


def test_the_node_is_activated_again():
    world = World()
    act.clear(world, KINDS['deactivate'])
    assert world.calls == ['restore', 3]


@pytest.mark.parametrize(
    ('times_s', 'is_brake'),
    [
        ((0.1, 0.15), True),
        ((0.1, 0.12285, 0.17285), True),
        ((0.109545, 0.156492, 0.173246, 0.223246), True),
        ((0.1, 0.15, 0.2, 0.25), False),
        ((0.1, 0.15, 0.2, 0.25, 0.3), False),
    ],
)
def test_brakes_and_chunks_by_their_points(times_s, is_brake):
    assert Sent(0.0, 0, times_s, True).is_brake == is_brake


def test_waiting_in_vain_says_for_what():
    assert wait(lambda: 7, 'a number') == 7
    with pytest.raises(TrialError, match='waited 0.02 s in vain for rain'):
        wait(lambda: None, 'rain', 0.02)
