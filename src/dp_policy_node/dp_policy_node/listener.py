# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Subscriptions that have a thread to themselves.

An executor of rclpy makes tasks and wait sets anew for every message: 0.18 ms each, 0.12 ms of it
with the interpreter's lock, which the policy needs meanwhile. A thread that only waits for
subscriptions and takes from them, as `rclpy.wait_for_message` does, needs 0.05 ms.
"""

from __future__ import annotations

from collections.abc import Callable
import threading
import traceback
from typing import Any

from dp_core.errors import DpError
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy
from rclpy.qos import HistoryPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.subscription import Subscription

Handler = Callable[[Any, int], None]
# Of what is sent once.
RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
# Of a topic whose publisher keeps its last value, as robots tell their state.
LATCHED = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
# How soon the thread sees that it shall end [ns].
POLL_NS = 100_000_000
# What a thread has no answer to is told again after this time [s].
THROTTLE_S = 5.0
# rclpy 9.1 never frees that service of a node: 190 KiB for each activation.
NO_TYPE_SERVICE = Parameter('start_type_description_service', value=False)
FAILURES = (
    DpError, RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError,
    AssertionError, MemoryError, OSError,
)  # fmt: skip


class Listener:
    """A helper node with subscriptions only, served by its own thread."""

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
            parameter_overrides=[NO_TYPE_SERVICE],
        )
        self._handlers: dict[tuple[str, type], list[Handler]] = {}
        self._latched: set[tuple[str, type]] = set()
        self._raw: set[tuple[str, type]] = set()
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)

    def add(self, topic: str, kind: type, handler: Handler, *, latched: bool = False) -> None:
        """Call ``handler(message, now_ns)`` for each message.

        A topic is subscribed once. Where its last value counts (``latched``) it is subscribed in
        every way that some publisher offers: a value that was sent before we came is had from who
        keeps it, and one that is sent once is sent again if it is lost. It may come three times.
        """
        name = self._owner.resolve_topic_name(topic)
        self._handlers.setdefault((name, kind), []).append(handler)
        if latched:
            self._latched.add((name, kind))

    def add_raw(self, topic: str, kind: type, handler: Handler) -> None:
        """Call ``handler(bytes, now_ns)``, for a topic that is read now and then only."""
        self._raw.add((self._owner.resolve_topic_name(topic), kind))
        self.add(topic, kind, handler)

    def start(self) -> None:
        """Subscribe and listen."""
        no_events = SubscriptionEventCallbacks(use_default_callbacks=False)
        for (topic, kind), handlers in self._handlers.items():
            call = self._dispatcher(handlers)
            is_raw = (topic, kind) in self._raw
            is_latched = (topic, kind) in self._latched
            for qos in (self._qos, RELIABLE, LATCHED) if is_latched else (self._qos,):
                self._node.create_subscription(
                    kind, topic, call, qos, event_callbacks=no_events, raw=is_raw
                )
        if self._handlers:
            self._thread.start()

    @property
    def is_deaf(self) -> bool:
        """Whether the thread has ended though it should listen."""
        began = self._thread.ident is not None
        return began and not self._thread.is_alive() and not self._closing

    def close(self) -> None:
        """Unsubscribe and end the thread."""
        self._closing = True
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        self._node.destroy_node()

    def _dispatcher(self, handlers: list[Handler]) -> Callable[[Any], None]:
        def dispatch(message: Any) -> None:
            now_ns = self._owner.get_clock().now().nanoseconds
            for handler in handlers:
                handler(message, now_ns)

        return dispatch

    def _serve(self) -> None:
        subscriptions = list(self._node.subscriptions)
        context = self._node.context
        wait_set = rclpy_implementation.WaitSet(len(subscriptions), 0, 0, 0, 0, 0, context.handle)
        while not self._closing and context.ok():
            wait_set.clear_entities()
            for subscription in subscriptions:
                wait_set.add_subscription(subscription.handle)
            wait_set.wait(POLL_NS)
            ready = wait_set.get_ready_entities('subscription')
            for subscription in subscriptions:
                if subscription.handle.pointer in ready:
                    try:
                        _take(subscription)
                    except FAILURES:  # of one message: the next one must be heard
                        self._owner.get_logger().error(
                            f'{subscription.topic_name}: {traceback.format_exc()}',
                            throttle_duration_sec=THROTTLE_S,
                        )


def _take(subscription: Subscription) -> None:
    taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
    if taken is not None:
        subscription.callback(taken[0])
