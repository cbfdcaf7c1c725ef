# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for the graph: a clock that real time drives, and a node that keeps its messages."""

from dataclasses import replace
import time
from types import SimpleNamespace

from dp_core.feedback import from_joint_states
from dp_core.motion import Trajectory
from dp_policy_node import clocks
from dp_policy_node import command_model
from dp_policy_node import trajectory_output
from dp_policy_node.jtc_topic import JtcTopic
from dp_policy_node.trajectory_output import TrajectoryOutput
import numpy as np
from rclpy.serialization import deserialize_message
from rclpy.type_support import check_for_type_support
import three_joints


class SteadyClock:
    """A ROS clock that shows the steady clock."""

    ros_time_is_active = False

    def now(self):
        return SimpleNamespace(nanoseconds=time.monotonic_ns())


class SilentNode:
    """What TrajectoryOutput needs of a node; messages go to ``published``."""

    def __init__(self):
        self.published = []

    def get_clock(self):
        return SteadyClock()

    def create_publisher(self, kind, topic, qos, **_):
        check_for_type_support(kind)  # as rclpy does; it takes a while

        def publish(message):
            message = deserialize_message(message, kind) if type(message) is bytes else message
            self.published.append((topic, message))

        return SimpleNamespace(
            publish=publish,
            get_subscription_count=lambda: 1,
            topic_name=topic,
        )

    def destroy_publisher(self, publisher):
        pass


def pretend_clock(monkeypatch, output):
    """Give an output the only clock there is [ns]; it waits for nobody. Returns it in a list."""
    now = [1_000_000_000]
    pretended = SimpleNamespace(
        monotonic_ns=lambda: now[0],
        sleep=lambda seconds: now.__setitem__(0, now[0] + round(seconds * 1e9)),
    )
    for module in (trajectory_output, command_model, clocks):
        monkeypatch.setattr(module, 'time', pretended)
    output._model.clock = SimpleNamespace(
        now=lambda: SimpleNamespace(nanoseconds=now[0]), ros_time_is_active=False
    )
    return now


class MeasuredOutput(TrajectoryOutput):
    """An output to joint_trajectory_controllers whose arm is measured where a test puts it."""

    def __init__(self, node, groups, executor=None, **options):
        self.measured = np.zeros(3)
        joints = tuple(joint for group in groups for joint in group.joints)
        executor = executor or JtcTopic(node, groups)
        super().__init__(node.get_clock(), joints, executor, self.seen, **options)
        # Nobody looks after a brake but a test that does.
        self._brake_watch = SimpleNamespace(begin=lambda: None, close=lambda: None)

    def seen(self, motion, now_ns):
        return from_joint_states(now_ns, self.measured, None, motion)

    def begin(self, measured=None):
        self.measured = self.measured if measured is None else measured
        return super().begin()


def onward(motion, now_ns):
    """1 rad/s for a second, then to rest within half a second."""
    q, v, _ = motion.at(now_ns)
    one = np.ones(3)
    return Trajectory(
        now_ns, three_joints.JOINTS, q, v, np.array([1.0, 1.25, 1.5]),
        np.array([q + one, q + 1.1875 * one, q + 1.25 * one]),
        np.array([one, 0.5 * one, 0 * one]),
    )  # fmt: skip


def slowly(motion, now_ns):
    """1 rad/s from the first moment, for a second, then to rest within half a second."""
    return replace(onward(motion, now_ns), start_velocity=np.ones(3))
