# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Trajectories -> controllers, and our model of what the controllers command now.

One lock and one number make it certain that no chunk can follow a brake: every run holds the
epoch it began with, and a brake ends that epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import threading
import time

from dp_core.braking import brake
from dp_core.contract import ActionGroup
from dp_core.motion import CommandedMotion
from dp_core.motion import MotionState
from dp_core.motion import Trajectory
from dp_policy_node.convert import trajectory_message
import numpy as np
from numpy.typing import NDArray
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from rclpy.qos import HistoryPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from trajectory_msgs.msg import JointTrajectory

Array = NDArray[np.float64]
Plan = Callable[[CommandedMotion, int], Trajectory]
# Measured joints this far from a finished command mean that someone else moved the arm [rad].
MOVED_RAD = 0.01
# A message begins where the controller will be when it has it: this long from now [ns].
ARRIVAL_NS = 5_000_000


class TrajectoryOutput:
    """Publishes one JointTrajectory per action group, all from one trajectory."""

    def __init__(self, node: Node, groups: tuple[ActionGroup, ...]):
        """Create the publishers ``<controller>/joint_trajectory``."""
        self._clock = node.get_clock()
        self._node = node
        self._groups = groups
        self.joint_names = tuple(joint for group in groups for joint in group.joints)
        qos = QoSProfile(
            depth=1, history=HistoryPolicy.KEEP_LAST, reliability=ReliabilityPolicy.RELIABLE
        )
        self._publishers = [
            node.create_publisher(
                JointTrajectory,
                f'{group.controller}/joint_trajectory',
                qos,
                event_callbacks=PublisherEventCallbacks(use_default_callbacks=False),
            )
            for group in groups
        ]
        self._lock = threading.Lock()
        self._epoch = 0
        self._motion: CommandedMotion | None = None
        self._sent = 0, 0  # begin of the last trajectory on the ROS clock, and on the steady clock

    def close(self) -> None:
        """Remove the publishers; nothing can be sent any more."""
        with self._lock:
            self._epoch += 1
            for publisher in self._publishers:
                self._node.destroy_publisher(publisher)
            self._publishers.clear()

    def silent_controllers(self) -> list[str]:
        """Controllers of which nobody listens to our trajectories."""
        return [
            group.controller
            for group, publisher in zip(self._groups, self._publishers)
            if publisher.get_subscription_count() == 0
        ]

    def begin(self, measured: Array) -> int:
        """Begin a run and return its epoch; runs that began before can send no more.

        The motion continues from what was commanded. Only where nothing was, or where the arm
        rests somewhere else, as after a reset of a scene, it starts from ``measured`` (J,) [rad].
        """
        with self._lock:
            self._epoch += 1
            now_ns = self._clock.now().nanoseconds
            if self._motion is None or (
                now_ns >= self._motion.end_ns
                and np.abs(self._motion.at(now_ns).position - measured).max() > MOVED_RAD
            ):
                self._motion = CommandedMotion(measured)
            return self._epoch

    def is_current(self, epoch: int) -> bool:
        """Whether the run that began with ``epoch`` may still send."""
        return epoch == self._epoch

    def send(self, epoch: int, plan: Plan) -> Trajectory | None:
        """Plan from what is commanded when the message arrives, and publish; None after a brake.

        Raises:
            TrajectoryError: from ``plan``, or the result is not safe to send; nothing was sent.
        """
        with self._lock:
            if epoch != self._epoch or self._motion is None:
                return None
            trajectory = plan(self._motion, self._clock.now().nanoseconds + ARRIVAL_NS)
            self._publish(trajectory)
            return trajectory

    def brake(
        self,
        max_acceleration: float,
        epoch: int | None = None,
        before_jump: tuple[int, int] | None = None,
        last_seen: Array | None = None,
    ) -> Trajectory | None:
        """Come to rest and end the epoch; None when the arm rests already.

        Args:
            max_acceleration: of every joint [rad/s^2].
            epoch: brake only this run, and leave a newer one alone; None brakes whatever moves.
            before_jump: ROS and steady clock [ns] before the ROS clock jumped: the arm has not
                jumped with it. None when it has not.
            last_seen: (J,) where a robot that has fallen silent was seen last [rad]; None while
                it is heard. It may hang, and follow the brake only when it wakes up; so the brake
                is slow, or none where the motion ends as soon.
        """
        with self._lock:
            if epoch is not None and epoch != self._epoch:
                return None
            self._epoch += 1
            now_ns = self._clock.now().nanoseconds
            state_ns = now_ns
            if before_jump is not None:
                # What was sent later than that tells by itself where its own clock was.
                ros_ns, steady_ns = max(before_jump, self._sent, key=lambda pair: pair[1])
                state_ns = ros_ns + time.monotonic_ns() - steady_ns
            if self._motion is None or state_ns >= self._motion.end_ns:
                return None
            begin_ns = state_ns + ARRIVAL_NS
            trajectory = brake(
                self._motion, self.joint_names, begin_ns, max_acceleration, last_seen
            )
            if last_seen is not None and trajectory.end_ns >= self._motion.end_ns:
                return None  # what was sent comes to rest sooner by itself
            trajectory = replace(trajectory, start_ns=now_ns + ARRIVAL_NS)
            self._publish(trajectory)
            return trajectory

    def command_at(self, time_ns: int) -> MotionState | None:
        """Commanded state of the J joints; None before a run."""
        with self._lock:
            return None if self._motion is None else self._motion.at(time_ns)

    @property
    def end_ns(self) -> int:
        """Time at which what was sent comes to rest; 0 when nothing was sent [ns]."""
        with self._lock:
            return 0 if self._motion is None else self._motion.end_ns

    def is_moving(self, now_ns: int) -> bool:
        """Whether the last trajectory has not ended yet."""
        return now_ns < self.end_ns

    def _publish(self, trajectory: Trajectory) -> None:
        messages = [trajectory_message(trajectory, group.joints) for group in self._groups]
        for publisher, message in zip(self._publishers, messages):
            publisher.publish(message)
        self._sent = trajectory.start_ns, time.monotonic_ns()
        if self._motion is not None:
            self._motion.follow(trajectory)
