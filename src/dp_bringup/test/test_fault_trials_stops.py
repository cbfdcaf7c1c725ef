# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The series of stops: its plan, its figures, and a short one over ROS."""

from collections import Counter
import json

import pytest

pytest.importorskip('dp_msgs.msg')

from dp_bringup.fault_trials import stops
from dp_bringup.fault_trials.motion import Track
from dp_bringup.fault_trials.operator import PARAMETERS
from dp_bringup.fault_trials.record import TrialError
from dp_bringup.fault_trials.run import EarlyEndError
from dp_bringup.fault_trials.stop_plan import BLOCK
from dp_bringup.fault_trials.stop_plan import plan_stops
from dp_bringup.fault_trials.stop_plan import stopping_faults
from dp_bringup.fault_trials.stop_report import summarize
from dp_bringup.fault_trials.stop_report import table
from dp_bringup.fault_trials.stop_trial import way_of_tool
from dp_core.errors import ConfigError
import numpy as np


def record(number, milliseconds, **values):
    return {
        'number': number,
        'hold': 'call:0.1',
        'kind': 'cancel',
        'within_hold': True,
        'outcome': 'CANCELED',
        'reason': '',
        'as_expected': True,
        **dict.fromkeys(('answer_s', 'brake_s', 'result_s', 'rest_s'), milliseconds * 1e-3),
        'way_m': 0.02,
        'speed': 0.3,
        'velocity': 0.5,
        'acceleration': 4.0,
        'jerk': 90.0,
        'violations': [],
        'lag_s': 0.001,
        'load': 1.0,
        **values,
    }


def test_a_series_gives_every_hold_its_turn_and_tries_faults_last():
    plans = plan_stops(('', 'loop:0.1'), 50, 2, 'call:0.1', 0)
    counts = Counter((plan.hold, plan.kind) for plan in plans)
    for hold in ('', 'loop:0.1'):
        assert counts[hold, 'cancel'] == counts[hold, 'stop'] == 50
    assert {plan.hold for plan in plans[: 4 * BLOCK]} == {'', 'loop:0.1'}
    faults = plans[200:]
    assert Counter(plan.kind for plan in faults) == dict.fromkeys(stopping_faults(), 2)
    assert {plan.hold for plan in faults} == {'call:0.1'}
    assert [plan.number for plan in plans] == list(range(len(plans)))
    assert plans == plan_stops(('', 'loop:0.1'), 50, 2, 'call:0.1', 0)


def test_faults_that_stop_the_arm():
    faults = stopping_faults()
    assert {'joint_states_nan', 'deactivate', 'emergency_stop', 'policy_killed'} <= set(faults)
    assert not {'cancel', 'joint_states_gap', 'node_killed', 'camera_stop'} & set(faults)


def test_numbers_and_holds_that_are_not_valid():
    with pytest.raises(ConfigError, match='trials is 0 and faults 0'):
        plan_stops(('',), 0, 0, '', 0)
    with pytest.raises(ConfigError, match="hold is 'call:x', valid"):
        stops.parse_hold('call:x')
    assert stops.parse_hold('').name == 'plain'


def test_percentiles_and_targets():
    (row,) = summarize([record(n, n + 1) for n in range(100)])
    assert row['answer_s'] == {'p50': 0.0505, 'p95': 0.095, 'p99': 0.099, 'max': 0.1}
    assert row['met'] == {'answer': False, 'brake': False}
    (row,) = summarize([record(n, 20) for n in range(100)])
    assert row['met'] == {'answer': True, 'brake': True}
    assert (row['trials'], row['within_hold'], row['as_expected']) == (100, 100, 100)


def test_requests_with_all_holds_together():
    rows = summarize([record(0, 10), record(1, 30, hold='loop:0.1'), record(2, 5, kind='stop')])
    assert [(row['hold'], row['kind'], row['trials']) for row in rows] == [
        ('call:0.1', 'cancel', 1),
        ('loop:0.1', 'cancel', 1),
        ('call:0.1', 'stop', 1),
        ('any of these', 'cancel', 2),
    ]
    assert rows[-1]['answer_s']['max'] == 0.03


def test_a_fault_has_no_answer_and_a_failed_trial_no_figures():
    failed = {
        'number': 1,
        'hold': '',
        'kind': 'stop',
        'outcome': 'NOT_DONE',
        'reason': 'silence',
        'as_expected': False,
    }
    fault = record(2, 30, kind='joint_states_nan', answer_s=None, violations=['jerk limit'])
    rows = summarize([record(0, 10), failed, fault])
    assert [row['kind'] for row in rows] == ['cancel', 'stop', 'joint_states_nan']
    assert rows[1]['answer_s'] is None and rows[1]['met']['brake'] is False
    assert rows[2]['violations'] == ['2: jerk limit']
    lines = table(rows).splitlines()
    assert lines[2].startswith('| call:0.1 | cancel | 1, 1 | 10.0, 10.0, 10.0, 10.0 |')
    assert '| not beyond its own work | stop | 1, 0 |  |' in lines[3]
    assert 'NOT_DONE: silence' in stops.line(failed, 3)
    assert 'brake 30.0 ms, rest 30.0 ms, 20.0 mm, jerk limit' in stops.line(fault, 3)


def test_way_of_the_tool():
    class Straight:
        def forward(self, q):
            pose = np.eye(4)
            pose[0, 3] = q[0]
            return pose

    q = np.concatenate([np.linspace(0.0, 1.0, 51), np.linspace(1.0, 0.5, 50)])[:, None]
    track = Track(np.arange(101.0), q, np.zeros_like(q))
    assert way_of_tool(track, Straight()) == pytest.approx(1.5, abs=0.02)


@pytest.fixture
def tried(monkeypatch):
    """What was tried; a stack without processes."""
    tried = []

    class NoStack:
        client = None

        def __init__(self, *_, **parameters):
            tried.append(parameters)
            self.client = self
            self.is_running = lambda name: True
            self.restore = self.wait_services = lambda: None
            self.stop = lambda name: tried.append('stop')

        def __exit__(self, *_):
            tried.append('end')

        def reset_scene(self, seed):
            tried.append('scene')

    class DoneTrial:
        fails = []
        track = Track(np.zeros(1), np.zeros((1, 1)), np.zeros((1, 1)))

        def __init__(self, stack, plan, file, generator):
            self._plan = plan

        def run(self, chain):
            if self.fails:
                raise self.fails.pop()
            tried.append(f'{self._plan.hold} {self._plan.kind}')
            return {**record(0, 5), **vars(self._plan)}

    monkeypatch.setattr(stops.sys, 'setswitchinterval', lambda seconds: None)
    monkeypatch.setattr(stops, 'TrialStack', NoStack)
    monkeypatch.setattr(stops, 'StopTrial', DoneTrial)
    return tried, DoneTrial


def run(folder, *words):
    output = folder / 'stops.json'
    holds = ['--trials', '1', '--faults', '0', '--holds', '', 'loop:0.1']
    code = stops.main([*holds, '--output', str(output), *words])
    return code, json.loads(output.read_text()) if output.exists() else None


def test_the_node_begins_anew_with_another_hold(tmp_path, tried):
    pytest.importorskip('matplotlib')
    code, summary = run(tmp_path)
    assert (code, summary['trials_done']) == (0, 4)
    assert tried[0][0] == {**PARAMETERS, 'policy_process': True}
    assert tried[0].count('stop') == 1 and tried[0][-1] == 'end'
    assert 1_000 < (tmp_path / 'stops.png').stat().st_size < 200_000
    assert '| loop:0.1 | stop | 1, 1 |' in (tmp_path / 'stops.md').read_text()
    tried[0].clear()
    run(tmp_path)  # the series is done
    assert tried[0] == []


def test_a_goal_that_ended_early_gets_another_scene(tmp_path, tried):
    tried[1].fails = [EarlyEndError('solved')]
    run(tmp_path, '--limit-s', '1000')
    assert tried[0][1:3] == ['scene', 'scene']


def test_a_trial_that_cannot_be_done_is_told(tmp_path, tried, capsys):
    tried[1].fails = [TrialError('silence')]
    code, summary = run(tmp_path)
    assert summary['rows'][0]['outcomes'].get('NOT_DONE') == 1
    told = capsys.readouterr().out
    assert code == 1 and 'NOT_DONE: silence' in told
    kind = summary['rows'][0]['kind']
    assert f'missed: no answer to plain {kind}; no brake to plain {kind}; unexpected: 1' in told


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({}, 'missed: nothing'),
        ({'answer_s': 0.0201}, 'missed: answer to plain {kind} p99 20.1 > 20 ms'),
        ({'brake_s': 0.0601}, 'missed: brake to plain {kind} p99 60.1 > 50 ms'),
        ({'outcome': 'SUCCESS', 'as_expected': False}, 'missed: unexpected: 1 {kind}'),
        ({'violations': ['jerk limit']}, 'missed: beyond a limit: 1 {kind}'),
    ],
)
def test_what_was_missed_is_told_and_an_error(tmp_path, tried, capsys, values, words):
    plans = plan_stops(('',), 1, 0, '', 0)
    done = [record(plan.number, 5, hold='', kind=plan.kind) for plan in plans]
    done[0].update(values)
    (tmp_path / 'stops.jsonl').write_text(''.join(json.dumps(each) + '\n' for each in done))
    code, _ = run(tmp_path, '--holds', '')
    assert tried[0] == [] and code == (1 if values else 0)
    assert words.format(kind=plans[0].kind) in capsys.readouterr().out.splitlines()


def test_a_fault_has_no_answer_and_its_own_time_until_the_brake():
    rows = [
        record(0, 30, kind='joint_states_nan', answer_s=None),
        record(1, 590, kind='block_pose_stop', answer_s=None),
    ]
    assert stops.missed_targets(summarize(rows)) == []
    rows = [record(0, 101, kind='joint_states_nan', answer_s=None)]
    assert stops.missed_targets(summarize(rows)) == [
        'brake to call:0.1 joint_states_nan max 101.0 > 100 ms'
    ]


@pytest.mark.ros
def test_two_stops_over_ros(tmp_path):
    output = tmp_path / 'stops.json'
    words = ['--trials', '1', '--faults', '0', '--holds', 'call:0.1', '--output', str(output)]
    stops.main(words)  # a busy computer may miss the targets
    rows = {row['kind']: row for row in json.loads(output.read_text())['rows']}
    assert rows['cancel']['outcomes'] == {'CANCELED': 1}
    assert rows['stop']['outcomes'] == {'STOPPED': 1}
    assert all(row['brake_s'] and row['rest_s'] for row in rows.values())
