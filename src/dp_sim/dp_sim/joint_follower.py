# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The ROS face of a real ros2_control: its joint states in, the way to a start out."""

from __future__ import annotations

from collections.abc import Callable
import math
import time

from dp_core.errors import KinematicsError
from dp_core.kinematics import KinematicChain
from dp_sim.convert import nanoseconds
from dp_sim.scene_state import Array
from dp_sim.start_motion import legs
import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.task import Future
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory
from trajectory_msgs.msg import JointTrajectoryPoint

TOLERANCE = 1e-3  # of every joint at the start [rad]
STILL = 1e-2  # of every joint that stands [rad/s]
PATIENCE_S = 1.0  # after the end of a trajectory
WATCH_PERIOD_S = 0.05
ATTEMPTS = 2  # the controller takes trajectories best effort: one may be lost
NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class JointFollower:
    """Hears `/joint_states`; moves the arm through `/joint_trajectory_controller`."""

    def __init__(
        self,
        node: Node,
        joints: tuple[str, ...],
        chain: KinematicChain,
        hear: Callable[[int, Array, Array], None],
    ) -> None:
        """Hand joint states, in the order of `joints`, to `hear`."""
        self._node = node
        self._joints = joints
        self._chain = chain
        self._hear = hear
        self._positions: Array | None = None
        self._is_still = False
        # Where to, when the trajectory ends there [s], and who waits for it.
        self._arrival: tuple[Array, float, Future] | None = None
        self._commands = node.create_publisher(
            JointTrajectory, '/joint_trajectory_controller/joint_trajectory', 1
        )
        node.create_subscription(JointState, '/joint_states', self._on_joints, NEWEST)
        node.create_timer(WATCH_PERIOD_S, self._watch)

    async def move_to(self, goal: Array) -> str:
        """Move the arm to positions (joints,) [rad]; return '' or why it is not there."""
        for _ in range(ATTEMPTS):
            if self._positions is None or not self._commands.get_subscription_count():
                return 'the controller is not there: no /joint_states, or nobody to command'
            if self._is_still and self._is_near(goal):
                return ''
            try:
                timed = legs(self._chain, self._positions, goal)
            except KinematicsError as error:
                return f'no way to the start: {error}'
            self._commands.publish(self._message(timed))
            arrived: Future = Future(executor=self._node.executor)
            self._arrival = (goal, time.monotonic() + timed[-1][0], arrived)
            if await arrived:
                return ''
        return 'the arm did not come to its start; is joint_trajectory_controller active?'

    def _message(self, timed: list[tuple[float, Array]]) -> JointTrajectory:
        message = JointTrajectory(joint_names=list(self._joints))
        for seconds, positions in timed:
            point = JointTrajectoryPoint(
                positions=positions.tolist(), velocities=[0.0] * len(positions)
            )
            part, whole = math.modf(seconds)
            point.time_from_start.sec = int(whole)
            point.time_from_start.nanosec = int(part * 1e9)
            message.points.append(point)
        return message

    def _on_joints(self, message: JointState) -> None:
        column = {name: k for k, name in enumerate(message.name)}
        if any(name not in column for name in self._joints):
            return  # of another part of the robot
        order = [column[name] for name in self._joints]
        positions = np.array(message.position)[order]
        velocities = np.array(message.velocity)[order] if message.velocity else 0.0 * positions
        self._positions = positions
        self._is_still = bool(np.abs(velocities).max() < STILL)
        self._hear(nanoseconds(message.header.stamp), positions, velocities)

    def _watch(self) -> None:
        if self._arrival is None:
            return
        goal, end_s, arrived = self._arrival
        late_s = time.monotonic() - end_s
        if late_s < 0.0:
            return  # the way may begin near the goal
        near = self._is_near(goal)
        if near or late_s > PATIENCE_S:
            self._arrival = None
            arrived.set_result(near)

    def _is_near(self, goal: Array) -> bool:
        return self._positions is not None and bool(
            np.abs(self._positions - goal).max() < TOLERANCE
        )
