# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The ROS face of the stand-in: node joint_trajectory_controller with its topic and parameters."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable

from dp_sim import control_messages
from dp_sim import faults
from dp_sim.convert import from_ros
from dp_sim.convert import to_time
from dp_sim.parameters import CONSTRAINTS
from dp_sim.parameters import CONTROLLER
from dp_sim.parameters import declare
from dp_sim.parameters import JOINT_CONSTRAINTS
from dp_sim.parameters import of_joint
from dp_sim.scene_state import SceneState
from dp_sim.tolerances import Tolerances
from dp_sim.trajectory_rules import ControllerParameters
from dp_sim.trajectory_rules import Judgement
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import Verdict
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

# What the real subscription offers on Fast DDS: best effort, volatile, the newest message.
TRAJECTORY_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class ControllerNode(Node):
    """Hears trajectories, says what it follows.

    `~/reference` stands for `~/controller_state`, which needs control_msgs; see
    control_messages.py.
    """

    def __init__(self) -> None:
        """Declare the real controller's parameters."""
        super().__init__('joint_trajectory_controller')
        self.controller_parameters = _declare(self)
        self.fault = ''
        self.events: deque[str] = deque()  # lines for the log, of the controller
        self._receive: Callable[[TrajectoryMessage], Judgement] | None = None
        joints = self.controller_parameters.joints
        self._reference = JointState(name=list(joints))
        self._publisher = self.create_publisher(JointState, '~/reference', 10)
        self.create_subscription(
            JointTrajectory, '~/joint_trajectory', self._on_trajectory, TRAJECTORY_QOS
        )
        types = control_messages.load()
        self._control: control_messages.ControlMessages | None = None
        if types is not None:
            self._control = control_messages.ControlMessages(
                self,
                types,
                joints,
                Tolerances.of_parameters(self.controller_parameters),
                self._offer,
            )

    def connect(self, receive: Callable[[TrajectoryMessage], Judgement]) -> None:
        """Hand trajectories to this function from now on."""
        self._receive = receive

    def publish(self, state: SceneState, scaling: float) -> None:
        """Publish a tick of the active controller; see `stand_in.StandIn`."""
        message = self._reference
        message.header.stamp = to_time(state.stamp_ns)
        message.position = array('d', state.reference[0].tobytes())
        message.velocity = array('d', state.reference[1].tobytes())
        self._publisher.publish(message)
        if self._control is not None:
            self._control.tell(state, scaling)
        while self.events:
            self.get_logger().error(self.events.popleft())

    def rest(self) -> None:
        """Say nothing: the controller is inactive."""
        if self._control is not None:
            self._control.rest()

    def destroy_node(self) -> None:
        """Remove the action server with the node."""
        if self._control is not None:
            self._control.close()
        super().destroy_node()

    def _on_trajectory(self, message: JointTrajectory) -> None:
        self._offer(from_ros(message))

    def _offer(self, message: TrajectoryMessage) -> bool:
        """Hand a trajectory over; return whether it was accepted."""
        if self._receive is None or faults.controller_is_deaf(self.fault):
            return False
        judgement = self._receive(message)
        if judgement.verdict is Verdict.PROCESS_DIED:
            self.get_logger().fatal(judgement.log)
        elif judgement.log:
            self.get_logger().error(judgement.log)
        return judgement.verdict is Verdict.ACCEPTED


def _declare(node: Node) -> ControllerParameters:
    """Declare the controller's parameters, those of each joint last."""
    values = declare(node, CONTROLLER)
    values['update_rate_hz'] = values.pop('update_rate')
    joints = values['joints']
    of_each = [declare(node, of_joint(joint, JOINT_CONSTRAINTS)) for joint in joints]
    fields = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    constraints = declare(node, CONSTRAINTS)
    return ControllerParameters(
        **fields,
        path_tolerances=tuple(
            row[f'constraints.{joint}.trajectory'] for joint, row in zip(joints, of_each)
        ),
        goal_tolerances=tuple(
            row[f'constraints.{joint}.goal'] for joint, row in zip(joints, of_each)
        ),
        goal_time=constraints['constraints.goal_time'],
        stopped_velocity_tolerance=constraints['constraints.stopped_velocity_tolerance'],
    )
