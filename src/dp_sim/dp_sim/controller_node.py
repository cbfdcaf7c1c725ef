# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The ROS face of the stand-in: node joint_trajectory_controller with its topic and parameters."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from builtin_interfaces.msg import Time
from dp_sim import faults
from dp_sim.parameters import CONTROLLER
from dp_sim.parameters import declare
from dp_sim.scene_state import SceneState
from dp_sim.trajectory_rules import ControllerParameters
from dp_sim.trajectory_rules import Judgement
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import TrajectoryPoint
from dp_sim.trajectory_rules import Verdict
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

# What the real subscription offers on Fast DDS: best effort, volatile, the newest message.
TRAJECTORY_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


def to_time(stamp_ns: int) -> Time:
    """Return a stamp as a message."""
    return Time(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)


def nanoseconds(time: Any) -> int:
    """Return a stamp or duration message in nanoseconds."""
    return int(time.sec) * 1_000_000_000 + int(time.nanosec)


def from_ros(message: JointTrajectory) -> TrajectoryMessage:
    """Return a trajectory message without ROS."""

    def field(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(values)

    points = tuple(
        TrajectoryPoint(
            nanoseconds(point.time_from_start),
            field(point.positions),
            field(point.velocities),
            field(point.accelerations),
            field(point.effort),
        )
        for point in message.points
    )
    stamp_ns = nanoseconds(message.header.stamp)
    return TrajectoryMessage(tuple(message.joint_names), points, stamp_ns)


class ControllerNode(Node):
    """Hears trajectories, says what it follows; `~/reference` stands for `~/controller_state`."""

    def __init__(self) -> None:
        """Declare the real controller's parameters."""
        super().__init__('joint_trajectory_controller')
        values = declare(self, CONTROLLER)
        values['update_rate_hz'] = values.pop('update_rate')
        fields = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        self.controller_parameters = ControllerParameters(**fields)
        self.fault = ''
        self._receive: Callable[[TrajectoryMessage], Judgement] | None = None
        self._reference = JointState(name=list(self.controller_parameters.joints))
        self._publisher = self.create_publisher(JointState, '~/reference', 10)
        self.create_subscription(
            JointTrajectory, '~/joint_trajectory', self._on_trajectory, TRAJECTORY_QOS
        )

    def connect(self, receive: Callable[[TrajectoryMessage], Judgement]) -> None:
        """Hand trajectories to this function from now on."""
        self._receive = receive

    def publish(self, state: SceneState) -> None:
        """Publish the desired state of a tick."""
        message = self._reference
        message.header.stamp = to_time(state.stamp_ns)
        message.position = array('d', state.reference[0].tobytes())
        message.velocity = array('d', state.reference[1].tobytes())
        self._publisher.publish(message)

    def _on_trajectory(self, message: JointTrajectory) -> None:
        if self._receive is None or faults.controller_is_deaf(self.fault):
            return
        judgement = self._receive(from_ros(message))
        if judgement.verdict is Verdict.PROCESS_DIED:
            self.get_logger().fatal(judgement.log)
        elif judgement.log:
            self.get_logger().error(judgement.log)
