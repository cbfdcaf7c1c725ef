# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.action_space import ActionSpace
from dp_core.contract import ActionGroup
from dp_core.tool_plane import joint_solver
from dp_core.tool_plane import JointPositions
import numpy as np
import pytest
from robot_samples import ur5e
from robot_samples import UR5E_JOINTS

START = np.array([0.0, -1.9, 2.2, -1.87, -np.pi / 2, 0.0])  # the tool is near (0.47, 0.13)
PLANE = ActionGroup(
    'arm', 'tool_plane', ('x', 'y'), UR5E_JOINTS, 'jtc', 'base_link', 'tool0', 0.2, latency_s=0.03
)
GRIP = ActionGroup('grip', 'joint_position', ('g',), ('finger',), 'jtc2', latency_s=0.1)


def both():
    return ActionSpace([PLANE, GRIP], [joint_solver(PLANE, ur5e()), JointPositions()])


def test_names_kinds_and_latencies_in_the_order_of_the_contract():
    space = both()
    assert space.joint_names == (*UR5E_JOINTS, 'finger')
    assert [part.kind for part in space.layout] == ['linear'] * 3
    assert space.joint_latency_ns == (*[30_000_000] * 6, 100_000_000)
    assert space.number_latency_ns == (30_000_000, 30_000_000, 100_000_000)


def test_actions_become_joints_and_joints_become_actions():
    actions = np.array([[0.47, 0.13, 0.5], [0.48, 0.12, 0.6]])
    joints = both().joints(actions, np.array([*START, 0.0]))
    assert joints.shape == (2, 7)
    assert both().actions(joints) == pytest.approx(actions, abs=1e-6)
