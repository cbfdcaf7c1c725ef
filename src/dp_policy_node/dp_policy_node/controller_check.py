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
from rcl_interfaces.srv import GetParameters
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from std_msgs.msg import String

JOINTS = 'joints'
FROM_DESIRED = 'interpolate_from_desired_state'


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


def check_controllers(
    node: Node, groups: Sequence[ActionGroup], timeout_s: float, *, allow_unsafe: bool
) -> None:
    """Ask every controller for its parameters and judge them.

    Raises:
        ConfigError: a controller does not answer, or would move the arm dangerously.
        ContractError: its joints are not those of the contract.
    """
    for group in groups:
        values = _parameters(node, group.controller, [JOINTS, FROM_DESIRED], timeout_s)
        judge_controller(group, values, allow_unsafe=allow_unsafe)
        if not values.get(FROM_DESIRED):
            node.get_logger().warning(
                f'controller {group.controller!r} has {FROM_DESIRED} false, allowed by '
                'allow_unsafe_controller: expect a jerk at every chunk'
            )


def judge_controller(group: ActionGroup, values: Mapping[str, Any], *, allow_unsafe: bool) -> None:
    """Compare a controller's parameters with the contract; see `check_controllers`."""
    joints = values.get(JOINTS) or []
    if set(joints) != set(group.joints):
        raise ContractError(
            f'controller {group.controller!r} moves the joints {list(joints)}, action group '
            f'{group.name!r} of the contract commands {list(group.joints)}'
        )
    if not values.get(FROM_DESIRED) and not allow_unsafe:
        raise ConfigError(
            f'controller {group.controller!r} has {FROM_DESIRED} '
            f'{values.get(FROM_DESIRED)}: every chunk would restart from the measured, lagging '
            f'state and jerk the arm; set it to true in the controller (or '
            'allow_unsafe_controller on this node)'
        )


def _parameters(
    node: Node, controller: str, names: Sequence[str], timeout_s: float
) -> dict[str, Any]:
    client = node.create_client(
        GetParameters,
        f'{controller}/get_parameters',
        callback_group=MutuallyExclusiveCallbackGroup(),
    )
    answered = threading.Event()
    try:
        if client.wait_for_service(timeout_s):
            future = client.call_async(GetParameters.Request(names=list(names)))
            future.add_done_callback(lambda _: answered.set())
            if answered.wait(timeout_s):
                values = [parameter_value_to_python(value) for value in future.result().values]
                return dict(zip(names, values))
        raise ConfigError(
            f'controller {controller!r} does not answer on {client.srv_name!r} within '
            f'{timeout_s:g} s; is it loaded?'
        )
    finally:
        node.destroy_client(client)
