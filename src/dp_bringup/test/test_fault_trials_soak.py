# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A soak of a stack without processes, its report, and a short one over ROS."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip('dp_msgs.msg')

from dp_bringup.fault_trials import act
from dp_bringup.fault_trials import soak
from dp_bringup.fault_trials import soak_memory
from dp_bringup.fault_trials import soak_run
from dp_bringup.fault_trials.motion import Ticks
from dp_bringup.fault_trials.soak_book import Finding
from dp_bringup.fault_trials.soak_memory import MemorySample
from dp_bringup.fault_trials.soak_plan import FAULTS
from dp_bringup.fault_trials.soak_report import page
from dp_bringup.fault_trials.soak_report import plot_soak
from dp_bringup.fault_trials.soak_report import summarize
from dp_msgs.action import ExecutePolicy
from fault_world import World
import numpy as np

NOTHING = Ticks(np.zeros(0), np.zeros(0), np.zeros((0, 1)), np.zeros((0, 1)))


class SoakWorld(World):
    """A world whose reference is not heard, and which may die and be started anew."""

    pids = {'policy_node': 0}
    late = ()

    def take(self):
        return NOTHING

    def stop(self, name):
        self.calls.append(f'stop {name}')

    def start_beside(self, name, words):
        self.calls.append(name)
        return SimpleNamespace(stop=lambda escalation: self.calls.append('hog ends'))


class Orders:
    """Stands for the file that orders holds."""

    def __init__(self):
        self.names = []

    def order(self, hold):
        self.names.append(hold.name)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Nothing is worth waiting for in a world without time."""
    for name in ('GAP_S', 'LINGER_S'):
        monkeypatch.setattr(soak_run, name, (0.0, 0.0))
    monkeypatch.setattr(soak_run, 'REACTION_S', 0.05)
    monkeypatch.setattr(soak_run, 'POLL_S', 0.001)
    monkeypatch.setattr(act.time, 'sleep', lambda seconds: None)


def play(monkeypatch, world, name, goals=1):
    """Run goals, each with the same fault; returns the soak and what was ordered."""
    monkeypatch.setattr(soak_run, 'draw', lambda *_: (FAULTS[name], 0.0))
    orders = Orders()
    run = soak_run.Soak(world, orders, 0, lambda line: None)
    run.run(lambda: len(run.book.endings) + run.troubles >= goals)
    return run, orders.names


def test_a_fault_that_ends_the_goal_explains_it(monkeypatch):
    run, _ = play(
        monkeypatch, SoakWorld(ExecutePolicy.Result.INVALID_OBSERVATION), 'block_pose_nan'
    )
    assert run.goals == 1 and run.findings == [] and run.troubles == 0
    assert [ending.code for ending in run.book.endings] == ['INVALID_OBSERVATION']
    assert run.book.unexplained() == []
    assert [entry['event'] for entry in run.log] == ['fault', 'ending']


def test_another_code_is_unexplained(monkeypatch):
    run, _ = play(monkeypatch, SoakWorld(ExecutePolicy.Result.INTERNAL), 'block_pose_nan')
    assert [ending.code for ending in run.book.unexplained()] == ['INTERNAL']
    assert run.log[-1]['by'] is None


def test_a_fault_that_nobody_notices_is_found_and_the_goal_cancelled(monkeypatch):
    run, _ = play(monkeypatch, SoakWorld(), 'block_pose_nan')
    assert [finding.what for finding in run.findings] == [
        'block_pose_nan did not end the goal within 0.05 s'
    ]
    assert [ending.code for ending in run.book.endings] == ['CANCELED']
    assert run.book.unexplained() == []  # we have cancelled it


def test_a_node_that_dies_tells_nothing(monkeypatch):
    run, _ = play(monkeypatch, SoakWorld(), 'node_killed')
    assert [ending.code for ending in run.book.endings] == ['DIED']
    assert run.book.unexplained() == [] and run.goals == 1


def test_slow_predictions_are_ordered_and_end(monkeypatch):
    world = SoakWorld(ExecutePolicy.Result.OVERRUN)
    monkeypatch.setattr(
        Orders, 'order', lambda self, hold: (self.names.append(hold.name), world._end(world.code))
    )
    run, names = play(monkeypatch, world, 'slow_call')
    assert names == ['call_300ms', 'plain', 'plain']
    assert run.book.explanation(run.book.endings[0]) == 'slow_call'


def test_a_stack_that_does_not_answer_is_begun_anew(monkeypatch):
    world = SoakWorld(ExecutePolicy.Result.STOPPED)
    answers = [soak_run.TrialError('silence')]

    def restore():
        if answers:
            raise answers.pop()

    world.restore = restore
    run, _ = play(monkeypatch, world, 'stop', goals=2)
    assert run.troubles == 1 and run.goals == 1
    assert world.calls[:2] == ['stop policy_node', 'stop sim_node']


def test_summary_page_and_picture(monkeypatch, tmp_path):
    pytest.importorskip('matplotlib')
    run, _ = play(monkeypatch, SoakWorld(ExecutePolicy.Result.INTERNAL), 'block_pose_nan')
    samples = [MemorySample(float(t), 1, False, 300.0) for t in range(400)]
    summary = summarize(run, samples)
    assert (summary['found'], summary['goals'], summary['limit_violations']) == (1, 1, 0)
    assert summary['endings'] == {'unexplained': {'INTERNAL': 1}}
    assert summary['memory']['policy_node']['mib_per_hour'] == 0.0
    assert summary['memory']['policy_node']['lives_s_mib'][0][1] == [10.0, 300.0]
    assert summary['memory']['policy_process']['mib_per_hour'] is None
    text = page({**summary, 'command': 'x', 'minutes': 1.0, 'seed': 0}, 'soak')
    assert '| endings that no fault explains | 1 |' in text
    assert '| block_pose_nan | 1 |  |' in text and '| unexplained |  | INTERNAL 1 |' in text
    plot_soak(tmp_path / 'soak.png', run.log, samples, 0.0)
    assert 1_000 < (tmp_path / 'soak.png').stat().st_size < 200_000


@pytest.mark.parametrize(
    ('fault', 'code', 'hung'),
    [('scene_frozen', 'JOINT_STATE_STALL', 1), ('block_pose_nan', 'INVALID_OBSERVATION', 0)],
)
def test_limits_broken_about_a_hung_robot_are_told_apart(monkeypatch, fault, code, hung):
    run, _ = play(monkeypatch, SoakWorld(getattr(ExecutePolicy.Result, code)), fault)
    run._find_at(Finding(run.book.faults[0].end_s, 'jerk limit: up to 138 rad/s^3'))
    summary = summarize(run, [])
    assert summary['limit_violations'] == 1
    assert summary['limit_violations_robot_hung'] == hung


def test_memory_of_this_process_and_its_shared_files(monkeypatch, tmp_path):
    assert os.getpid() in soak_memory.family(os.getpid())
    assert 5.0 < soak_memory.resident_mib(os.getpid()) < 50_000.0
    assert soak_memory.family(2**22 + 1) == [] and soak_memory.resident_mib(2**22 + 1) == 0.0
    assert soak_memory.shared_files(2**22 + 1) == set()
    record = soak_memory.MemoryRecord(dict, 'policy_node')
    left = tmp_path / 'segment'
    left.write_text('')
    record._files = {str(left), str(tmp_path / 'gone')}
    record.close()
    assert record.remove_files() == [str(left)] and not left.exists()


@pytest.mark.ros
def test_half_a_minute_over_ros(tmp_path):
    output = tmp_path / 'soak.json'
    before = {path.name for path in Path('/proc').iterdir() if path.name.isdigit()}
    soak.main(['--minutes', '0.5', '--output', str(output)])
    summary = json.loads(output.read_text())
    assert summary['motions_without_goal'] == 0 and summary['ticks'] > 1000
    assert sum(summary['faults'].values()) >= 1
    assert output.with_suffix('.md').exists() and output.with_suffix('.png').exists()
    children = soak_memory.family(os.getpid())[1:]
    assert not {str(pid) for pid in children} - before
