# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

from dp_bringup import stacks
from dp_bringup.real_controller import bench
from dp_bringup.stacks import NodeSpec

LOG = """[INFO] [1.0] [controller_manager]: update rate is 500 Hz
[WARN] [2.0] [controller_manager]: Overrun might occur
[ERROR] [3.0] [joint_trajectory_controller]: Time between points 0 and 1 is not strictly increasing
[FATAL] [4.0] [controller_manager]: no more
"""


def test_only_errors_of_the_log_count(tmp_path):
    (tmp_path / 'manager.log').write_text(LOG)
    nodes = [
        NodeSpec('dp_sim', 'sim_node', 'scene'),
        NodeSpec('controller_manager', 'ros2_control_node', 'manager'),
    ]
    lines = LOG.splitlines()
    assert bench.controller_errors(tmp_path, nodes) == (lines[2], lines[3])


def test_without_ros2_control_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(stacks, '_is_installed', lambda package: False)
    assert bench.main(['--output', str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert 'ros-$ROS_DISTRO-ros2-control ros-$ROS_DISTRO-ros2-controllers' in said


def test_a_duration_that_makes_no_sense_is_refused(tmp_path, capsys):
    assert bench.main(['--minutes', '0', '--output', str(tmp_path)]) == 1
    assert 'valid: 0.1 to 600' in capsys.readouterr().err
