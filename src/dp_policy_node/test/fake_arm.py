# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stands for robot and controller: follows trajectories exactly, and can misbehave on request."""

import math
import threading
import time

import numpy as np
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from scipy.interpolate import CubicHermiteSpline
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from std_msgs.msg import String
from three_joints import CONTROLLER
from three_joints import JOINTS
from three_joints import urdf
from trajectory_msgs.msg import JointTrajectory

PERIOD_S = 0.01


class FakeArm(Node):
    """A node named like the controller that follows each message from the state it commands.

    Attributes:
        received: messages with their arrival time on the steady clock [s].
        silent: publish no joint states.
        spoil: changes a joint state before it is published.
        inactive: ignore trajectories, as an inactive controller does.
        commands: bare positions, as a forward_command_controller takes them.
    """

    executor_type = SingleThreadedExecutor

    def __init__(self, context, from_desired=True, joints=JOINTS, limits_urdf=None):
        super().__init__(CONTROLLER, context=context)
        self.declare_parameter('interface_name', 'position')
        self.commands = []
        self.declare_parameter('joints', list(joints))
        own = ParameterDescriptor(description='a controller describes what it knows')
        self.declare_parameter('interpolate_from_desired_state', from_desired, own)
        self.received = []
        self.silent = False
        self.spoil = lambda message: message
        self.inactive = False
        self._lock = threading.Lock()
        self._start_s = 0.0
        self._curve = CubicHermiteSpline([0.0, 1.0], np.zeros((2, 3)), np.zeros((2, 3)))
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._description = self.create_publisher(String, 'robot_description', latched)
        self._description.publish(String(data=limits_urdf or urdf()))
        self._states = self.create_publisher(JointState, 'joint_states', 10)
        self.create_subscription(JointTrajectory, '~/joint_trajectory', self._receive, 1)
        self.create_subscription(Float64MultiArray, '~/commands', self._receive_command, 10)
        self.create_timer(PERIOD_S, self._publish)
        self._executor = self.executor_type(context=context)
        self._executor.add_node(self)
        threading.Thread(target=self._executor.spin, daemon=True).start()

    def close(self):
        """Leave the graph."""
        self._executor.shutdown()
        self.destroy_node()

    def state(self):
        """Positions [rad] and velocities [rad/s] now."""
        with self._lock:
            t = min(time.monotonic() - self._start_s, self._curve.x[-1])
            return self._curve(t), self._curve(t, 1)

    @property
    def is_at_rest(self):
        """Whether no joint moves."""
        return bool((np.abs(self.state()[1]) < 1e-9).all())

    def teleport(self, positions):
        """Put the arm somewhere else, at rest, as the reset of a scene does."""
        with self._lock:
            self._curve = CubicHermiteSpline([0.0, 1.0], [positions] * 2, np.zeros((2, 3)))

    def _receive(self, message):
        self.received.append((time.monotonic(), message))
        if self.inactive:
            return
        order = [message.joint_names.index(joint) for joint in JOINTS]
        q, v = self.state()
        times = [p.time_from_start.sec + p.time_from_start.nanosec * 1e-9 for p in message.points]
        with self._lock:
            self._start_s = time.monotonic()
            self._curve = CubicHermiteSpline(
                [0.0, *times],
                [q, *([p.positions[i] for i in order] for p in message.points)],
                [v, *([p.velocities[i] for i in order] for p in message.points)],
            )

    def _receive_command(self, message):
        self.commands.append(list(message.data))
        if not self.inactive:
            self.teleport(message.data)

    def _publish(self):
        if self.silent:
            return
        q, v = self.state()
        message = JointState(name=list(JOINTS), position=q.tolist(), velocity=v.tolist())
        message.header.stamp = self.get_clock().now().to_msg()
        self._states.publish(self.spoil(message))


def with_nan(message):
    """One position is not a number."""
    message.position[1] = math.nan
    return message


def without_a_joint(message):
    """The last joint is left out."""
    message.name, message.position = message.name[:-1], message.position[:-1]
    message.velocity = message.velocity[:-1]
    return message


def shuffled(message):
    """The joints come in another order."""
    message.name = message.name[::-1]
    message.position, message.velocity = message.position[::-1], message.velocity[::-1]
    return message


def from_the_future(message):
    """The stamp lies 5 s ahead."""
    message.header.stamp.sec += 5
    return message
