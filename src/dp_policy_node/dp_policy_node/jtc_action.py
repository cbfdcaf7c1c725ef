# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Executor jtc_action: FollowJointTrajectory goals, for going to a start pose and for replay.

A controller answers a goal: a refusal, or a tolerance that was violated, comes back in its own
words. Each trajectory is a goal of its own that replaces the one before, so chunks can be sent as
well; each costs a handshake. Never beside the topic: it would replace the motion of a goal that
goes on to "succeed".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
import threading
from typing import Any

from dp_core.contract import ActionGroup
from dp_core.motion import Trajectory
from dp_policy_node.control_messages import error_words
from dp_policy_node.control_messages import follow_joint_trajectory
from dp_policy_node.control_messages import SUCCESSFUL
from dp_policy_node.convert import trajectory_message
from rclpy.action import ActionClient
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectory


class JtcAction:
    """Sends each trajectory as a goal; of several only the newest one counts."""

    arrival_ns = 6_000_000
    moves_arm = True
    is_once = True

    def __init__(
        self,
        node: Node,
        groups: tuple[ActionGroup, ...],
        on_feedback: Callable[[Any], None] | None = None,
    ):
        """Create the clients.

        Args:
            node: their owner.
            groups: whose controllers to reach.
            on_feedback: called with each feedback on the newest trajectory, from any thread.

        Raises:
            ConfigError: control_msgs is not installed.
        """
        self._action = follow_joint_trajectory()
        self._groups = groups
        self._clients = [
            ActionClient(node, self._action, f'{group.controller}/follow_joint_trajectory')
            for group in groups
        ]
        self._lock = threading.Lock()
        self._number = 0  # of the newest trajectory
        self._refusal = ''
        self._on_feedback = on_feedback
        self._results: dict[str, tuple[int, str]] = {}  # by controller: code and words

    def begin(self) -> None:
        """Forget what was refused."""
        with self._lock:
            self._number += 1
            self._refusal = ''
            self._results = {}

    def prepare(self, trajectory: Trajectory) -> Callable[[], None]:
        """Return what sends a goal to all controllers."""
        messages = [trajectory_message(trajectory, group.joints) for group in self._groups]
        return partial(self._send, messages)

    def _send(self, messages: list[JointTrajectory]) -> None:
        with self._lock:
            self._number += 1
            number = self._number
            self._results = {}
        for group, client, message in zip(self._groups, self._clients, messages):
            future = client.send_goal_async(
                self._action.Goal(trajectory=message),
                feedback_callback=partial(self._hear, number) if self._on_feedback else None,
            )
            future.add_done_callback(partial(self._on_answer, number, group.controller))

    def why_deaf(self) -> str:
        """Return which controller has no action server."""
        for group, client in zip(self._groups, self._clients):
            if not client.server_is_ready():
                return f'controller {group.controller!r} does not serve follow_joint_trajectory'
        return ''

    def why_refused(self) -> str:
        """Return what a controller said against the newest trajectory."""
        return self._refusal

    def results(self) -> dict[str, tuple[int, str]]:
        """Error code of every controller that has ended the newest trajectory, and its words."""
        with self._lock:
            return dict(self._results)

    def close(self) -> None:
        """Remove the clients."""
        while self._clients:
            self._clients.pop().destroy()

    def _on_answer(self, number: int, controller: str, future: Any) -> None:
        handle = future.result()
        if handle.accepted:
            handle.get_result_async().add_done_callback(
                partial(self._on_result, number, controller)
            )
        else:
            self._refuse(number, f'controller {controller!r} refused a trajectory; see its log')

    def _on_result(self, number: int, controller: str, future: Any) -> None:
        result = future.result().result
        with self._lock:
            if number == self._number:
                self._results[controller] = result.error_code, result.error_string
        if result.error_code != SUCCESSFUL:
            words = error_words(result.error_code, result.error_string)
            self._refuse(number, f'controller {controller!r} gave up a trajectory: {words}')

    def _hear(self, number: int, message: Any) -> None:
        if number == self._number and self._on_feedback is not None:
            self._on_feedback(message.feedback)

    def _refuse(self, number: int, reason: str) -> None:
        with self._lock:
            if number == self._number:  # an older one was replaced by us
                self._refusal = reason
