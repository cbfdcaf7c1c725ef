# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.errors import ConfigError
from dp_core.errors import ContractError
import pytest

pytest.importorskip('rclpy')

from dp_policy_node.controller_check import judge_forward
from dp_policy_node.controller_check import judge_trajectory
import three_joints

GROUP = three_joints.contract().actions[0]
GOOD = {'joints': list(three_joints.JOINTS), 'interpolate_from_desired_state': True}


def test_same_joints_in_any_order_are_fine():
    judge_trajectory(GROUP, GOOD, allow_unsafe=False)
    judge_trajectory(GROUP, {**GOOD, 'joints': GOOD['joints'][::-1]}, allow_unsafe=False)


@pytest.mark.parametrize('joints', [None, [], ['base_joint'], [*three_joints.JOINTS, 'gripper']])
def test_other_joints_are_named(joints):
    with pytest.raises(ContractError, match='elbow_joint'):
        judge_trajectory(GROUP, {**GOOD, 'joints': joints}, allow_unsafe=True)


@pytest.mark.parametrize('value', [False, None])
def test_starting_from_the_measured_state_must_be_allowed(value):
    values = {**GOOD, 'interpolate_from_desired_state': value}
    with pytest.raises(ConfigError, match='allow_unsafe_controller'):
        judge_trajectory(GROUP, values, allow_unsafe=False)
    assert judge_trajectory(GROUP, values, allow_unsafe=True)


def test_the_old_name_of_that_parameter_is_as_good():
    values = {**GOOD, 'interpolate_from_desired_state': None, 'open_loop_control': True}
    assert not judge_trajectory(GROUP, values, allow_unsafe=False)


FORWARD = {'joints': list(three_joints.JOINTS), 'interface_name': 'position'}


def test_bare_numbers_must_come_in_the_order_of_the_controller():
    judge_forward(GROUP, FORWARD, allow_unsafe=False)
    with pytest.raises(ContractError, match='order counts'):
        judge_forward(GROUP, {**FORWARD, 'joints': FORWARD['joints'][::-1]}, allow_unsafe=True)


def test_a_forward_controller_must_command_positions():
    judge_forward(GROUP, {**FORWARD, 'interface_name': None}, allow_unsafe=False)
    with pytest.raises(ConfigError, match="'velocity', valid: position"):
        judge_forward(GROUP, {**FORWARD, 'interface_name': 'velocity'}, allow_unsafe=True)
