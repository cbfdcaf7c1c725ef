# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Executor forward_position: the node itself samples the motion, on ``<controller>/commands``.

For a forward_command_controller, which hands positions to the hardware as they come. There is no
interpolation behind it and no compensation of a robot's speed scaling: where the robot is slowed
down, the command runs away from it, and the watchdog ends the goal. If this process dies, the last
position is held at once, with the jerk that this means.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import partial
import threading
import time

from dp_core.contract import ActionGroup
from dp_core.motion import Trajectory
from dp_policy_node.jtc_topic import command_publisher
from dp_policy_node.jtc_topic import why_nobody_subscribes
from rclpy.node import Node
from scipy.interpolate import CubicHermiteSpline
from std_msgs.msg import Float64MultiArray

# The end of a motion is repeated for so long: one of these messages will arrive [s].
HOLD_S = 0.5
# Longest wait for the end of a brake before the thread ends [s].
BRAKE_S = 2.0
# A simulated clock that parts from the steady one by more than this between two samples has
# jumped; the motion goes on by the steady one until the watchdog has braked it [ns].
JUMP_NS = 50_000_000


class ForwardPosition:
    """Publishes the position of now, again and again, from a thread of its own."""

    arrival_ns = 0
    moves_arm = True
    is_once = False

    def __init__(self, node: Node, groups: tuple[ActionGroup, ...], rate_hz: float):
        """Create the publishers and start the thread."""
        self._node = node
        self._clock = node.get_clock()
        self._groups = groups
        self._period_s = 1.0 / rate_hz
        self._publishers = [
            command_publisher(node, Float64MultiArray, f'{group.controller}/commands')
            for group in groups
        ]
        self._lock = threading.Lock()
        self._motion: tuple[Trajectory, CubicHermiteSpline] | None = None
        self._ahead_ns = 0  # of the ROS clock before the steady one
        self._wake, self._closing = threading.Event(), False
        self._thread = threading.Thread(target=self._stream, name='forward', daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """Begin a run."""

    def prepare(self, trajectory: Trajectory) -> Callable[[], None]:
        """Return what lets this motion be followed."""
        # Read now: the clock may be set before the motion is followed.
        ahead_ns = self._clock.now().nanoseconds - time.monotonic_ns()
        return partial(self._follow, trajectory, trajectory.curve(), ahead_ns)

    def _follow(self, trajectory: Trajectory, curve: CubicHermiteSpline, ahead_ns: int) -> None:
        with self._lock:
            self._motion = trajectory, curve
            if self._clock.ros_time_is_active:  # which goes at a pace of its own
                ahead_ns = self._clock.now().nanoseconds - time.monotonic_ns()
            self._ahead_ns = ahead_ns
        self._wake.set()

    def why_deaf(self) -> str:
        """Return which controller has not subscribed."""
        return why_nobody_subscribes(self._groups, self._publishers)

    def why_refused(self) -> str:
        """A topic cannot tell."""
        return ''

    def close(self) -> None:
        """See what moves to its end; end the thread and remove the publishers."""
        end_s = time.monotonic() + BRAKE_S
        while self._is_moving() and time.monotonic() < end_s:
            time.sleep(self._period_s)
        self._closing = True
        self._wake.set()
        self._thread.join(timeout=2.0)
        while self._publishers:
            self._node.destroy_publisher(self._publishers.pop())

    def _is_moving(self) -> bool:
        with self._lock:
            if self._motion is None:
                return False
            trajectory, curve = self._motion
            return bool((self._now_ns() - trajectory.start_ns) * 1e-9 < curve.x[-1])

    def _stream(self) -> None:
        next_s = time.monotonic()
        while not self._closing:
            if not self._publish():
                self._wake.wait()
                next_s = time.monotonic()
                continue
            next_s = max(next_s + self._period_s, time.monotonic() - self._period_s)
            time.sleep(max(0.0, next_s - time.monotonic()))

    def _publish(self) -> bool:
        """Publish the position of this moment; False when there is none to publish."""
        with self._lock:
            if self._motion is None:
                self._wake.clear()
                return False
            trajectory, curve = self._motion
            elapsed_s = (self._now_ns() - trajectory.start_ns) * 1e-9
            if elapsed_s > curve.x[-1] + HOLD_S:
                self._motion = None
        at_rest = elapsed_s >= curve.x[-1]
        position = trajectory.positions[-1] if at_rest else curve(max(0.0, elapsed_s))
        for group, publisher in zip(self._groups, self._publishers):
            columns = [trajectory.joint_names.index(joint) for joint in group.joints]
            publisher.publish(Float64MultiArray(data=array('d', position[columns].tolist())))
        return True

    def _now_ns(self) -> int:
        steady_ns = time.monotonic_ns()
        if not self._clock.ros_time_is_active:  # it may be set, and the arm shall not leap
            return steady_ns + self._ahead_ns
        ahead_ns = self._clock.now().nanoseconds - steady_ns
        if abs(ahead_ns - self._ahead_ns) < JUMP_NS:
            self._ahead_ns = ahead_ns
        return steady_ns + self._ahead_ns
