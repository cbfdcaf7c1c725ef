# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Executor jtc_topic: a JointTrajectory per action group on ``<controller>/joint_trajectory``.

A topic promises nothing and a refusal is only in the controller's log, so what is sent is right
under every joint_trajectory_controller (`dp_core.trajectory`) and the arm itself is watched.
"""

from __future__ import annotations

from collections.abc import Callable

from dp_core.contract import ActionGroup
from dp_core.motion import Trajectory
from dp_policy_node.convert import trajectory_message
from rclpy.duration import Duration
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import HistoryPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.serialization import serialize_message
from trajectory_msgs.msg import JointTrajectory

# A command is for now. One that the network held back would throw the arm back to where it was:
# delivered again after an outage, it came up to 3 s late.
COMMAND_QOS = QoSProfile(
    depth=1,
    history=HistoryPolicy.KEEP_LAST,
    reliability=ReliabilityPolicy.RELIABLE,
    lifespan=Duration(seconds=0.1),
)


class JtcTopic:
    """Publishes each trajectory once."""

    arrival_ns = 1_000_000
    moves_arm = True
    is_once = True

    def __init__(self, node: Node, groups: tuple[ActionGroup, ...]):
        """Create the publishers."""
        self._node = node
        self._groups = groups
        self._publishers = [
            command_publisher(node, JointTrajectory, f'{group.controller}/joint_trajectory')
            for group in groups
        ]

    def begin(self) -> None:
        """Begin a run."""

    def prepare(self, trajectory: Trajectory) -> Callable[[], None]:
        """Return what publishes to all controllers: bytes, with nothing left to convert."""
        messages = [trajectory_message(trajectory, group.joints) for group in self._groups]
        ready = list(zip(self._publishers, map(serialize_message, messages)))

        def send() -> None:
            for publisher, message in ready:
                publisher.publish(message)

        return send

    def why_deaf(self) -> str:
        """Return which controller has not subscribed."""
        return why_nobody_subscribes(self._groups, self._publishers)

    def why_refused(self) -> str:
        """A topic cannot tell."""
        return ''

    def close(self) -> None:
        """Remove the publishers."""
        while self._publishers:
            self._node.destroy_publisher(self._publishers.pop())


def command_publisher(node: Node, kind: type, topic: str) -> Publisher:
    """Create a publisher of commands, of which only the newest counts."""
    no_events = PublisherEventCallbacks(use_default_callbacks=False)
    return node.create_publisher(kind, topic, COMMAND_QOS, event_callbacks=no_events)


def why_nobody_subscribes(groups: tuple[ActionGroup, ...], publishers: list[Publisher]) -> str:
    """Return which controller does not listen to its publisher; '' when all do."""
    for group, publisher in zip(groups, publishers):
        if publisher.get_subscription_count() == 0:
            return f'controller {group.controller!r} does not listen on {publisher.topic_name!r}'
    return ''
