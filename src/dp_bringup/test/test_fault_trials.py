# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The command: a series that can be interrupted, and a short one over ROS."""

import json

import pytest

pytest.importorskip('dp_msgs.msg')

from dp_bringup.fault_trials import bench
from dp_bringup.fault_trials.motion import Track
from dp_bringup.fault_trials.plan import plan_trials
from dp_bringup.fault_trials.record import TrialError
from dp_bringup.fault_trials.run import EarlyEndError
from dp_core.errors import ConfigError
import numpy as np

PLANS = plan_trials(2, 0, ('cancel', 'camera_stop'))


class NoStack:
    """Stands for the processes."""

    def __init__(self, name, logs, **parameters):
        self.name = name

    def __exit__(self, *_):
        pass


@pytest.fixture
def tried(monkeypatch):
    """What was tried, as (stack, number, seed of the scene); every trial succeeds."""
    tried = []

    class DoneTrial:
        def __init__(self, stack, plan):
            self._stack, self._plan = stack, plan

        def run(self, seed):
            tried.append((self._stack.name, self._plan.number, seed))
            return {**bench.failed(self._plan, ''), 'outcome': 'CANCELED'}

    monkeypatch.setattr(bench, 'TrialStack', NoStack)
    monkeypatch.setattr(bench, 'Trial', DoneTrial)
    return tried


def run(folder, *words):
    output = folder / 'faults.json'
    code = bench.main(
        ['--trials', '2', '--only', 'cancel', 'camera_stop', '--output', str(output), *words]
    )
    path = folder / 'faults.jsonl'
    lines = path.read_text().splitlines() if path.exists() else []
    return code, [json.loads(line) for line in lines]


def test_a_series_goes_on_where_it_was_interrupted(tmp_path, tried):
    lines = [json.dumps(bench.failed(plan, '')) + '\n' for plan in PLANS[:3]]
    (tmp_path / 'faults.jsonl').write_text(''.join(lines))
    _, records = run(tmp_path)
    assert tried == [('camera', 3, PLANS[3].scene_seed)]
    assert [record['number'] for record in records] == [0, 1, 2, 3]
    assert json.loads((tmp_path / 'faults.json').read_text())['trials_done'] == 4


def test_no_trial_begins_after_the_limit(tmp_path, tried):
    _, records = run(tmp_path, '--limit-s', '1e-9')
    assert tried == [] and records == []


def test_trials_of_another_series_are_left_alone(tmp_path, capsys):
    record = {**bench.failed(PLANS[0], ''), 'kind': 'stop'}
    path = tmp_path / 'faults.jsonl'
    path.write_text(json.dumps(record) + '\n')
    with pytest.raises(ConfigError, match='of another series'):
        bench.read_records(path, PLANS)
    code, _ = run(tmp_path)
    assert code == 1 and 'another series' in capsys.readouterr().err


def test_a_goal_that_ended_too_early_is_tried_with_another_start(tmp_path, tried, monkeypatch):
    seeds = []

    class EarlyTrial(bench.Trial):
        def run(self, seed):
            seeds.append(seed)
            if len(seeds) < 3:
                raise EarlyEndError('solved')
            return super().run(seed)

    monkeypatch.setattr(bench, 'Trial', EarlyTrial)
    _, records = run(tmp_path)
    assert seeds[:3] == [PLANS[0].scene_seed + k for k in range(3)]
    assert [record['attempts'] for record in records] == [3, 1, 1, 1]


def test_a_motion_that_broke_a_limit_is_kept(tmp_path, tried, monkeypatch):
    class BrokenTrial(bench.Trial):
        track = Track(np.arange(3.0), np.ones((3, 1)), np.zeros((3, 1)))

        def run(self, seed):
            broken = ['velocity limit'] if self._plan.number == 2 else []
            return {**super().run(seed), 'violations': broken}

    monkeypatch.setattr(bench, 'Trial', BrokenTrial)
    code, _ = run(tmp_path)
    assert code == 1
    assert [path.name for path in tmp_path.glob('faults.logs/*')] == ['motion_2.npz']
    assert np.load(tmp_path / 'faults.logs' / 'motion_2.npz')['times_s'].tolist() == [0, 1, 2]


def test_a_trial_that_cannot_be_done_is_told_and_the_next_one_follows(
    tmp_path, tried, monkeypatch, capsys
):
    class DeadTrial(bench.Trial):
        def run(self, seed):
            if self._plan.number == 0:
                raise TrialError('the stack is silent')
            return super().run(seed)

    monkeypatch.setattr(bench, 'Trial', DeadTrial)
    code, records = run(tmp_path)
    assert (code, len(records)) == (1, 4)
    assert (records[0]['outcome'], records[0]['as_expected']) == ('NOT_DONE', False)
    assert 'UNEXPECTED (the stack is silent)' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({}, 'missed: nothing'),
        ({'late': ['reaction']}, 'missed: late: 3 camera_stop'),
        (
            {'violations': ['jerk limit'], 'late': ['rest']},
            'missed: beyond a limit: 3 camera_stop; late: 3 camera_stop',
        ),
        ({'as_expected': False}, 'missed: unexpected: 3 camera_stop'),
    ],
)
def test_what_was_missed_is_told_and_an_error(tmp_path, tried, capsys, values, words):
    done = [{**bench.failed(plan, ''), 'as_expected': True, 'late': []} for plan in PLANS]
    done[2].update(values)
    (tmp_path / 'faults.jsonl').write_text(''.join(json.dumps(r) + '\n' for r in done))
    code, _ = run(tmp_path)
    assert tried == [] and code == (1 if values else 0)
    assert words in capsys.readouterr().out.splitlines()


def test_a_trial_in_one_line():
    record = {
        **bench.failed(PLANS[0], ''),
        'outcome': 'CANCELED',
        'as_expected': True,
        'detection_s': 0.0123,
        'rest_s': 0.1,
        'late': ['rest'],
    }
    assert (
        bench.line(record, 200).split()
        == (
            '1/200 cancel CANCELED brake after 0.012 s, rest after 0.100 s, as expected; late rest'
        ).split()
    )


@pytest.mark.ros
def test_three_trials_over_ros(tmp_path):
    output = tmp_path / 'faults.json'
    kinds = ('cancel', 'joint_states_nan', 'joint_states_gap')
    bench.main(['--trials', '1', '--only', *kinds, '--output', str(output)])
    records = [json.loads(x) for x in output.with_suffix('.jsonl').read_text().splitlines()]
    assert {record['kind']: record['outcome'] for record in records} == {
        'cancel': 'CANCELED',
        'joint_states_nan': 'INVALID_OBSERVATION',
        'joint_states_gap': 'GOES_ON',
    }
    for record in records:
        assert record['as_expected'], record
        assert 0.0 < record['velocity'] < 3.14
        assert 'motion without a goal' not in record['violations']
