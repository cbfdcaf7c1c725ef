# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Subscriptions that have a thread to themselves.

rclpy builds its wait set anew for every event, from everything a node owns. On a node with an
action server, life cycle and parameter services, sensors at 125 Hz would cost half a core; on a
node of their own, a tenth.
"""

from __future__ import annotations

from collections.abc import Callable
import threading
from typing import Any

from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import HistoryPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy

Handler = Callable[[Any, int], None]


class Listener:
    """A helper node with subscriptions only, spun by its own thread."""

    def __init__(self, owner: Node, name: str, depth: int):
        """Create the helper ``<owner>_<name>``; topics and clock are those of ``owner``.

        Args:
            owner: node whose name space, remappings and clock hold.
            name: suffix of the helper's name.
            depth: messages kept per subscription.
        """
        self._owner = owner
        self._qos = QoSProfile(
            depth=depth, history=HistoryPolicy.KEEP_LAST, reliability=ReliabilityPolicy.BEST_EFFORT
        )
        self._node = Node(
            f'{owner.get_name()}_{name}',
            namespace=owner.get_namespace(),
            context=owner.context,
            use_global_arguments=False,
            enable_rosout=False,
            start_parameter_services=False,
        )
        self._handlers: dict[tuple[str, type], list[Handler]] = {}
        self._executor = SingleThreadedExecutor(context=owner.context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, name=name, daemon=True)

    def add(self, topic: str, kind: type, handler: Handler) -> None:
        """Call ``handler(message, now_ns)`` for each message; each topic is subscribed once."""
        name = self._owner.resolve_topic_name(topic)
        self._handlers.setdefault((name, kind), []).append(handler)

    def start(self) -> None:
        """Subscribe and spin."""
        for (topic, kind), handlers in self._handlers.items():
            self._node.create_subscription(kind, topic, self._dispatcher(handlers), self._qos)
        self._thread.start()

    def close(self) -> None:
        """Unsubscribe and end the thread."""
        self._executor.shutdown(timeout_sec=1.0)
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        self._node.destroy_node()

    def _dispatcher(self, handlers: list[Handler]) -> Callable[[Any], None]:
        def dispatch(message: Any) -> None:
            now_ns = self._owner.get_clock().now().nanoseconds
            for handler in handlers:
                handler(message, now_ns)

        return dispatch

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            pass  # the process is ending
