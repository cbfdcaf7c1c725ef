# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import threading

from dp_core.errors import ConfigError
from dp_core.errors import ContractError
import pytest

rclpy = pytest.importorskip('rclpy')

from dp_policy_node.controller_check import check_controllers  # noqa: E402
from dp_policy_node.controller_check import judge_forward  # noqa: E402
from dp_policy_node.controller_check import judge_trajectory  # noqa: E402
from dp_policy_node.settings import Settings  # noqa: E402
from rcl_interfaces.msg import ParameterDescriptor  # noqa: E402
from rclpy.context import Context  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
import three_joints  # noqa: E402

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


@pytest.mark.ros
@pytest.mark.parametrize('knows', [True, False])
def test_a_controller_must_know_what_its_parameter_file_gives_it(knows):
    """The controller of Humble is given the new name, declares it, and heeds only the old one."""
    context = Context()
    rclpy.init(context=context)
    node = Node('asks', context=context)
    controller = Node('arm_controller', context=context)
    controller.declare_parameter('joints', list(three_joints.JOINTS))
    name = 'interpolate_from_desired_state'
    described = ParameterDescriptor(description='where a trajectory begins')
    controller.declare_parameter(name, True, described if knows else ParameterDescriptor())
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    executor.add_node(controller)
    thread = threading.Thread(target=executor.spin)
    thread.start()
    try:
        if knows:
            assert not check_controllers(node, [GROUP], Settings())
        else:
            with pytest.raises(ConfigError, match='open_loop_control where it does not know'):
                check_controllers(node, [GROUP], Settings())
            controller.declare_parameter('open_loop_control', True)
            assert not check_controllers(node, [GROUP], Settings())
    finally:
        executor.shutdown()
        thread.join()
        node.destroy_node()
        controller.destroy_node()
        rclpy.shutdown(context=context)
