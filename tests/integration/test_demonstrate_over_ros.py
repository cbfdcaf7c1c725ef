# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The simulated cell as a robot: the operator teleoperates, the recorder records, it converts."""

from pathlib import Path
import signal
import subprocess
import sys

from dp_core.replay_buffer import load_dataset
from dp_data_tools.cli import main
from dp_data_tools.recording.bag_metadata import read_metadata
import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

pytestmark = pytest.mark.ros
CONTRACT = Path(__file__).parents[2] / 'src/dp_bringup/config/ur5e_pusht/contract_state.yaml'


def run(*command):
    return subprocess.Popen([sys.executable, '-m', *command], stderr=subprocess.PIPE, text=True)


def test_demonstrations_are_recorded_through_ros_and_converted(tmp_path):
    files = ['--contract', str(CONTRACT), '--action-topic', '/tool_target']
    demos, output = tmp_path / 'demos', tmp_path / 'dataset'
    others = [
        run('dp_sim.sim_node', '--ros-args', '-p', 'starts:=demonstration'),
        run('dp_sim.teleoperation_node', '--ros-args', '-p', 'disturbance:=0.003'),
        run('dp_data_tools.cli', 'record', str(demos), *files, '--min-free-mib', '0'),
    ]
    # Drives against the T cut the episode, so that there are pieces long before it is solved.
    settings = ('seed:=3', 'burst_every:=4.0', 'time_limit:=12.0')
    words = [word for setting in settings for word in ('-p', setting)]
    operator = run('dp_sim.operator_node', '--ros-args', *words)
    try:
        said = operator.communicate(timeout=100)[1]
        assert operator.returncode == 0, said
    finally:
        for process in (operator, *others):
            process.send_signal(signal.SIGINT)
        errors = [process.communicate(timeout=30)[1] for process in others]
    bags = sorted(demos.iterdir())
    assert bags, errors
    counts = {
        each['topic_metadata']['name']: each['message_count']
        for each in read_metadata(bags[0])['topics_with_message_count']
    }
    assert counts['/tool_target'] >= 20
    assert counts['/block_pose'] > 5 * counts['/tool_target']
    assert main(['convert', *map(str, bags), *files, '--output', str(output)]) == 0
    _, buffer = load_dataset(output)
    tool, action = buffer.data['tool'], buffer.data['action']
    ends = buffer.episode_ends
    # The arm is where it was sent 0.1 s before, but for the disturbance and the load.
    for begin, end in zip([0, *ends[:-1]], ends):
        off = np.linalg.norm(tool[begin + 2 : end] - action[begin + 1 : end - 1], axis=1)
        assert np.median(off) < 0.012
