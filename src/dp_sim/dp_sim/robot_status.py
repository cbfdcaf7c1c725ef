# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a UR driver says about the robot beside its joints: does its program run, how fast is it.

Names, types and units are the driver's. The speed on its topic counts in percent, although its
documentation says 0 to 1; the factor between 0 and 1 is on the controller's own topic.
"""

from __future__ import annotations

from dp_sim.faults import RobotCondition
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from std_msgs.msg import Bool
from std_msgs.msg import Float64

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
PROGRAM_TOPIC = '/io_and_status_controller/robot_program_running'
SPEED_TOPIC = '/speed_scaling_state_broadcaster/speed_scaling'
# Stands for controller_state.speed_scaling_factor, which only control_msgs can carry.
FACTOR_TOPIC = '/joint_trajectory_controller/speed_scaling_factor'


class RobotStatus:
    """Publishes the condition of the robot; called by the physics thread only."""

    def __init__(self, node: Node, *, tells_factor: bool) -> None:
        """Create the publishers; the factor is for who stands in for the controller."""
        self._program = node.create_publisher(Bool, PROGRAM_TOPIC, LATCHED)
        self._speeds = [(node.create_publisher(Float64, SPEED_TOPIC, 10), 100.0)]
        if tells_factor:
            self._speeds.append((node.create_publisher(Float64, FACTOR_TOPIC, 10), 1.0))
        self._told: RobotCondition | None = None

    def publish(self, condition: RobotCondition, *, again: bool) -> None:
        """Tell what has changed, and the speed `again` though it has not."""
        told, self._told = self._told, condition
        if told is None or told.program_running != condition.program_running:
            self._program.publish(Bool(data=condition.program_running))
        if again or told is None or told.speed_scaling != condition.speed_scaling:
            for publisher, full in self._speeds:
                publisher.publish(Float64(data=full * condition.speed_scaling))
