# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A goal over ROS through controllers other than the default one, and what it made of the arm."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

from dp_bringup.ros_domain import free_domain
from dp_bringup.run_local import LocalStack
from dp_bringup.stacks import Ur5Pusht

pytestmark = [pytest.mark.ros, pytest.mark.timeout(180)]
GOAL = [sys.executable, '-m', 'dp_policy_node.execute', '--timeout', '4', '--wait-server', '90']


class Run:
    """One goal of four seconds; begins and ends with the processes."""

    def __init__(self, folder, nodes, options=()):
        environment = {
            **os.environ,
            'ROS_DOMAIN_ID': str(free_domain()),
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        }
        with LocalStack(nodes, folder, environment):
            self.answer = subprocess.run(
                [*GOAL, *options], env=environment, capture_output=True, text=True, check=False
            )
        self.node_log = (folder / 'policy_node.log').read_text()
        logs = list(folder.glob('*.npz'))
        self.scene = np.load(logs[0]) if logs else None

    @property
    def said(self):
        return self.answer.stdout + self.answer.stderr

    def during_goal(self, name):
        """Rows of the scene's log from the begin of the goal on, and their times."""
        times_s = self.scene['time_s']
        kept = times_s >= self.scene['goal_begin_s'][0]
        return times_s[kept], self.scene[name][kept]


def nodes(folder, **arguments):
    return Ur5Pusht(policy='state', log_dir=str(folder), seed=3, **arguments).nodes()


def require_motion(run):
    """The goal ran until its time was over, and the arm moved and came to rest."""
    assert 'TIMEOUT' in run.said, run.said + run.node_log
    _, positions = run.during_goal('measured_positions')
    assert np.ptp(positions, axis=0).max() > 0.02
    _, speeds = run.during_goal('command_velocities')
    assert not speeds[-1].any()
    assert not np.isnan(positions).any()


def test_a_goal_runs_through_the_forward_position_controller(tmp_path):
    run = Run(tmp_path, nodes(tmp_path, controller='forward_position'))
    require_motion(run)
    assert run.scene['message_accepted'].sum() > 400  # positions, 250 times a second
    times_s, commands = run.during_goal('command_positions')
    speed = np.abs(np.diff(commands, axis=0)).max(axis=1) / np.diff(times_s)
    assert speed.max() < 3.2  # no step: the joints may do pi rad/s


def dangerous(folder):
    """The stack with a controller that starts each message from the measured state."""
    sim, node = nodes(folder)
    (file,) = sim.parameter_files
    text = file.read_text()
    changed = text.replace(
        'interpolate_from_desired_state: true', 'interpolate_from_desired_state: false'
    )
    assert changed != text
    unsafe = folder / 'controllers.yaml'
    unsafe.write_text(changed)
    return dataclasses.replace(sim, parameter_files=(unsafe,)), node


def test_the_dangerous_parameter_is_refused(tmp_path):
    sim, node = dangerous(tmp_path)
    run = Run(tmp_path, [sim, node], ['--wait-server', '20'])
    assert run.answer.returncode == 3, run.said
    assert 'every chunk would restart from the measured, lagging state' in run.node_log


def test_where_it_is_allowed_plans_begin_at_the_measured_arm(tmp_path):
    """Each chunk steps back by the lag of the arm, and by no more."""
    sim, node = dangerous(tmp_path)
    allowed = {**node.parameters, 'allow_unsafe_controller': True}
    run = Run(tmp_path, [sim, dataclasses.replace(node, parameters=allowed)])
    require_motion(run)
    assert 'expect a jerk at every chunk' in run.node_log
    assert run.scene['message_accepted'].all() and len(run.scene['message_accepted']) >= 4
    _, commands = run.during_goal('command_positions')
    _, measured = run.during_goal('measured_positions')
    lag = np.abs(commands - measured).max()
    assert np.abs(np.diff(commands, axis=0)).max() < lag + 0.02
    assert lag < 0.1
