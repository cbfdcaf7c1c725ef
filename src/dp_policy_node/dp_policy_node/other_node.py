# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the policy node says to a program that moves its arm: two cannot; its stop is for all."""

from __future__ import annotations

from dp_msgs.msg import PolicyStatus
from rclpy.node import Node

_WHY_NOT = {
    PolicyStatus.EXECUTING: 'the policy node executes a goal: two cannot command one arm',
    PolicyStatus.STOPPED: 'the policy node is stopped: call its ~/reset first',
}


class OtherNode:
    """Listens to the status of a policy node, if there is one."""

    def __init__(self, node: Node, name: str) -> None:
        """Listen as `node` to the policy node of this name."""
        self._node, self._topic = node, f'{name}/status'
        self._state: int | None = None
        self._heard = node.create_subscription(PolicyStatus, self._topic, self._on_status, 1)

    def close(self) -> None:
        """Listen no more."""
        self._node.destroy_subscription(self._heard)

    def why_not(self) -> str:
        """Return why nobody else may move the arm, or ''; asked all the time while it moves."""
        return '' if self._state is None else _WHY_NOT.get(self._state, '')

    def why_not_begin(self) -> str:
        """Return why no motion may begin, or ''."""
        if self._state is None and self._node.count_publishers(self._topic):
            return f'the policy node is there, but nothing was heard on {self._topic!r}'
        return self.why_not()

    def _on_status(self, message: PolicyStatus) -> None:
        self._state = message.state
