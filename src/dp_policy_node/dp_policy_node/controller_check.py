# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Before anything moves: the robot's description, and controllers that fit the contract."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import threading
from typing import Any

from dp_core.contract import ActionGroup
from dp_core.errors import ConfigError
from dp_core.errors import ContractError
from dp_policy_node.settings import Settings
from rcl_interfaces.srv import DescribeParameters
from rcl_interfaces.srv import GetParameters
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.client import Client
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from std_msgs.msg import String

JOINTS = 'joints'
FROM_DESIRED = 'interpolate_from_desired_state'
OPEN_LOOP = 'open_loop_control'  # its old name, gone since Kilted
INTERFACE = 'interface_name'  # of a forward_command_controller
NAMES = (JOINTS, FROM_DESIRED, OPEN_LOOP, INTERFACE)
ASKED = 3  # times, within the timeout


def wait_for_description(node: Node, topic: str, timeout_s: float) -> str:
    """Wait for the latched URDF; raises ConfigError when nobody publishes it in time."""
    received = threading.Event()
    texts: list[str] = []

    def receive(message: String) -> None:
        texts.append(message.data)
        received.set()

    # No event handlers: rclpy cannot take them away again while another thread spins the node.
    subscription = node.create_subscription(
        String,
        topic,
        receive,
        QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL),
        callback_group=MutuallyExclusiveCallbackGroup(),
        event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
    )
    try:
        if not received.wait(timeout_s):
            raise ConfigError(
                f'no robot description on {subscription.topic_name!r} within {timeout_s:g} s; '
                'start robot_state_publisher or the simulation'
            )
        return texts[0]
    finally:
        node.destroy_subscription(subscription)


def check_controllers(node: Node, groups: Sequence[ActionGroup], settings: Settings) -> bool:
    """Ask every controller for its parameters and judge them by what the executor needs.

    Returns:
        Whether what is sent continues from the measured state, as no controller should do.

    Raises:
        ConfigError: a controller does not answer, or would move the arm dangerously.
        ContractError: its joints are not those of the contract.
    """
    if settings.executor == 'none':
        return True
    judge = judge_forward if settings.executor == 'forward_position' else judge_trajectory
    from_measured = False
    for group in groups:
        values = _parameters(node, group.controller, settings.startup_timeout)
        if judge(group, values, allow_unsafe=settings.allow_unsafe_controller):
            from_measured = True
            node.get_logger().warning(
                f'controller {group.controller!r} has {FROM_DESIRED} false, allowed by '
                'allow_unsafe_controller: expect a jerk at every chunk'
            )
    return from_measured


def judge_trajectory(group: ActionGroup, values: Mapping[str, Any], *, allow_unsafe: bool) -> bool:
    """Compare a joint_trajectory_controller with the contract; see `check_controllers`."""
    joints = values.get(JOINTS) or []
    if set(joints) != set(group.joints):
        raise ContractError(
            f'controller {group.controller!r} moves the joints {list(joints)}, action group '
            f'{group.name!r} of the contract commands {list(group.joints)}'
        )
    if values.get(FROM_DESIRED) or values.get(OPEN_LOOP):
        return False
    if not allow_unsafe:
        raise ConfigError(
            f'controller {group.controller!r} has {FROM_DESIRED} '
            f'{values.get(FROM_DESIRED)}: every chunk would restart from the measured, lagging '
            f'state and jerk the arm; set it to true in the controller, or {OPEN_LOOP} where it '
            'does not know that name, as on Humble (or allow_unsafe_controller on this node)'
        )
    return True


def judge_forward(group: ActionGroup, values: Mapping[str, Any], *, allow_unsafe: bool) -> bool:
    """Compare a forward_command_controller with the contract; see `check_controllers`.

    Its messages are bare numbers: the order of the joints counts.
    """
    joints, interface = list(values.get(JOINTS) or []), values.get(INTERFACE)
    if joints != list(group.joints):
        raise ContractError(
            f'controller {group.controller!r} takes numbers for the joints {joints}, action group '
            f'{group.name!r} of the contract sends {list(group.joints)}; order counts'
        )
    if interface not in (None, '', 'position'):
        raise ConfigError(
            f'controller {group.controller!r} commands {interface!r}, valid: position'
        )
    return False


def _parameters(node: Node, controller: str, timeout_s: float) -> dict[str, Any]:
    """Ask for NAMES one by one: a question with one unknown name is not answered at all."""
    client = node.create_client(
        GetParameters,
        f'{controller}/get_parameters',
        callback_group=MutuallyExclusiveCallbackGroup(),
    )
    try:
        if client.wait_for_service(timeout_s):
            answers = {name: _ask(client, name, timeout_s) for name in NAMES}
            if None not in answers.values():
                known = {name: values[0] for name, values in answers.items() if values}
                if known.get(FROM_DESIRED) and not _is_own(node, controller, timeout_s):
                    del known[FROM_DESIRED]
                return known
        raise ConfigError(
            f'controller {controller!r} does not answer on {client.srv_name!r} within '
            f'{timeout_s:g} s; is it loaded?'
        )
    finally:
        node.destroy_client(client)


def _is_own(node: Node, controller: str, timeout_s: float) -> bool:
    """Whether a controller that has FROM_DESIRED knows it too.

    Controllers declare whatever a parameter file gives them, and tell it when they are asked: so
    does the joint_trajectory_controller of Humble, which then starts from the measured state. Its
    own parameters it describes.
    """
    client = node.create_client(
        DescribeParameters,
        f'{controller}/describe_parameters',
        callback_group=MutuallyExclusiveCallbackGroup(),
    )
    try:
        request = DescribeParameters.Request(names=[FROM_DESIRED])
        answer = _answer(client, request, timeout_s) if client.wait_for_service(1.0) else None
        return answer is None or any(each.description for each in answer.descriptors)
    finally:
        node.destroy_client(client)


def _ask(client: Client, name: str, timeout_s: float) -> list[Any] | None:
    """Return the value in a list, which is empty where the name is unknown; None: no answer."""
    answer = _answer(client, GetParameters.Request(names=[name]), timeout_s)
    return answer and [parameter_value_to_python(value) for value in answer.values]


def _answer(client: Client, request: Any, timeout_s: float) -> Any:
    """Return the answer of a service; None for none.

    It is asked more than once: a service just discovered may not know yet whom to answer.
    """
    for _ in range(ASKED):
        answered = threading.Event()
        future = client.call_async(request)
        future.add_done_callback(lambda _, answered=answered: answered.set())
        if answered.wait(timeout_s / ASKED):
            return future.result()
        client.remove_pending_request(future)
    return None
