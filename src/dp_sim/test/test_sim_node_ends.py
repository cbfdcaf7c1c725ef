# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How the process sim_node ends when it does not come to work: interrupted, or set up wrongly."""

import random
import time

import pytest

pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

from sim_terminal import end
from sim_terminal import PATIENCE_S
from sim_terminal import start

pytestmark = pytest.mark.ros


@pytest.fixture
def domain():
    return random.randint(1, 100)


@pytest.mark.parametrize('seconds', [0.3, 2.0])
def test_ctrl_c_while_starting_leaves_nothing_behind(domain, seconds):
    process = start(domain)
    time.sleep(seconds)
    code, said = end(process)
    # Before the first line of ours has run, Python answers Ctrl-C in its own way.
    assert code == 0 or said.rstrip().endswith('KeyboardInterrupt'), said


def test_wrong_joints_end_the_node_with_one_clear_sentence(domain):
    process = start(domain, '-p', 'joint_trajectory_controller:joints:=[a, b]')
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert 'the scene has' in said and 'Traceback' not in said


@pytest.mark.parametrize('needs_cameras', [False, True])
def test_without_gl_it_ends_only_where_the_cameras_are_needed(domain, needs_cameras):
    value = f'needs_cameras:={str(needs_cameras).lower()}'
    process = start(domain, '-p', value, MUJOCO_GL='egl', __EGL_VENDOR_LIBRARY_DIRS='nowhere')
    heard = iter(process.stderr.readline, '')
    assert any('the cameras stay dark: cannot render' in line for line in heard)
    if needs_cameras:
        _, said = process.communicate(timeout=PATIENCE_S)
        assert 'needs_cameras is true: cannot render' in said and 'install libegl1' in said
        assert process.returncode == 1
    else:
        assert end(process)[0] == 0
