# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The controllers that we stand in for: a node each, and the controller behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import Protocol

from dp_sim import faults
from dp_sim.arm_controller import ArmController
from dp_sim.controller_node import ControllerNode
from dp_sim.controller_node import TRAJECTORY_QOS
from dp_sim.forward_position_controller import ForwardPositionController
from dp_sim.joint_trajectory_controller import JointTrajectoryController
from dp_sim.parameters import declare
from dp_sim.parameters import FORWARD
from dp_sim.scene_state import SceneState
from dp_sim.trajectory_rules import Judgement
from rclpy.node import Node
from std_msgs.msg import Float64MultiArray

THROTTLE_S = 1.0


class StandIn(Protocol):
    """The ROS face of a controller."""

    fault: str

    def connect(self, receive: Callable[[Any], Judgement]) -> None:
        """Hand messages to this function from now on."""

    def publish(self, state: SceneState, scaling: float) -> None:
        """Publish what the active controller says of a tick.

        Args:
            state: of the tick.
            scaling: of the speed [1].
        """

    def rest(self) -> None:
        """Take note that the controller is inactive."""


class ForwardNode(Node):
    """Node forward_position_controller: hears positions, and says nothing, as the real one."""

    def __init__(self) -> None:
        """Declare the real controller's parameters."""
        super().__init__('forward_position_controller')
        self.joints = tuple(declare(self, FORWARD)['joints'])
        self.fault = ''
        self._receive: Callable[[tuple[float, ...]], Judgement] | None = None
        self.create_subscription(
            Float64MultiArray, '~/commands', self._on_commands, TRAJECTORY_QOS
        )

    def connect(self, receive: Callable[[Any], Judgement]) -> None:
        """Hand positions to this function from now on."""
        self._receive = receive

    def publish(self, state: SceneState, scaling: float) -> None:
        """Say nothing."""

    def rest(self) -> None:
        """Say nothing."""

    def _on_commands(self, message: Float64MultiArray) -> None:
        if self._receive is None or faults.controller_is_deaf(self.fault):
            return
        judgement = self._receive(tuple(message.data))
        if judgement.log:
            self.get_logger().error(judgement.log, throttle_duration_sec=THROTTLE_S)


def make_stand_in(kind: str, joints: tuple[str, ...]) -> tuple[Node, ArmController]:
    """Return the node of a controller, a `StandIn`, and the controller.

    Args:
        kind: 'stand_in' for joint_trajectory_controller, or 'forward_position'.
        joints: those of the scene.

    Raises:
        ValueError: the node's parameter names other joints.
    """
    node: Any
    controller: Any
    if kind == 'forward_position':
        node = ForwardNode()
        named, controller = node.joints, ForwardPositionController(joints)
    else:
        node = ControllerNode()
        named = node.controller_parameters.joints
        controller = JointTrajectoryController(node.controller_parameters)
        node.events = controller.progress.events
    if named != joints:
        raise ValueError(f'joints of {node.get_name()} are {named}; the scene has {joints}')
    return node, controller
