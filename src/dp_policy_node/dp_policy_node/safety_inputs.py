# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Topics of operator and robot -> dp_core.interlock, on a thread of their own.

They are heard from configure to the end of the process, whatever state the node is in: an
emergency stop that was pressed once must not be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
import importlib
import threading
import time
from typing import Any

from dp_core.errors import ConfigError
from dp_core.interlock import Interlocks
from dp_core.interlock import InterlockSettings
from dp_core.interlock import Kind
from dp_core.watchdog import Fault
from dp_core.watchdog import Verdict
from dp_policy_node.listener import Listener
from dp_policy_node.settings import Settings
from rclpy.node import Node
from std_msgs.msg import Bool
from std_msgs.msg import Float64

DEAF = 'the thread that hears emergency stop and robot has ended by an error; restart the node'


class SafetyInputs:
    """Hears every signal that must allow motion."""

    def __init__(self, node: Node, settings: Settings, on_fault: Callable[[Verdict], bool]):
        """Listen from now on.

        Args:
            node: owner of names and log.
            settings: its parameters, of which these topics are fixed.
            on_fault: called with each signal that forbids motion, as it is heard; returns
                whether a goal ends by it.

        Raises:
            ConfigError: a topic needs messages of a package that is not installed.
        """
        self._log = node.get_logger()
        self._on_fault = on_fault
        self._lock = threading.Lock()
        self._full_speed = settings.speed_scaling_full
        self._forbidding: set[tuple[Kind, str]] = set()
        signals = _signals(settings)
        types = {kind: _message_type(kind, topic) for kind, topic in signals}
        limits = InterlockSettings(
            settings.deadman_timeout, settings.min_speed_scaling, settings.emergency_stop_timeout
        )
        self._interlocks = Interlocks(signals, limits)
        self._listener: Listener | None = None
        if signals:
            self._listener = Listener(node, 'safety', depth=10)
            for kind, topic in signals:
                handler = partial(self._hear, kind, topic)
                latched = kind is not Kind.DEADMAN  # what it was before we came says nothing
                self._listener.add(topic, types[kind], handler, latched=latched)
            self._listener.start()
        told = ', '.join(f'the {kind.value} on {topic!r}' for kind, topic in signals)
        self._log.info(f'who may forbid motion: {told or "nobody"}')

    def check(self) -> Verdict | None:
        """Return the first signal that forbids motion now, or None."""
        if self._listener is not None and self._listener.is_deaf:
            return Verdict(Fault.EMERGENCY_STOP, DEAF)
        with self._lock:
            return self._interlocks.check(time.monotonic_ns())

    @property
    def speed_scaling(self) -> float:
        """Least fraction of the commanded speed that was told [1]; NaN when nobody tells."""
        with self._lock:
            return self._interlocks.speed_scaling

    def values(self) -> dict[str, float | None]:
        """Newest value of every signal by its name; None where it was never heard."""
        with self._lock:
            return self._interlocks.values()

    def close(self) -> None:
        """Listen no more."""
        if self._listener is not None:
            self._listener.close()

    def _hear(self, kind: Kind, topic: str, message: Any, now_ns: int) -> None:
        value = _value(kind, message) / (self._full_speed if kind is Kind.SPEED_SCALING else 1.0)
        with self._lock:
            verdict = self._interlocks.hear(kind, topic, value, time.monotonic_ns())
            is_new = (verdict is not None) != ((kind, topic) in self._forbidding)
            self._forbidding ^= {(kind, topic)} if is_new else set()
        if verdict is not None:
            ended = self._on_fault(verdict)
            if is_new and not ended:  # the end of a goal says it too
                self._log.warning(f'no goal can run: {verdict.reason}')
        elif is_new:
            self._log.info(f'the {kind.value} on {topic!r} allows motion again')


def _signals(settings: Settings) -> list[tuple[Kind, str]]:
    topics = {
        Kind.EMERGENCY_STOP: settings.emergency_stop_topics,
        Kind.SAFETY_MODE: settings.safety_mode_topics,
        Kind.ROBOT_MODE: settings.robot_mode_topics,
        Kind.PROGRAM_RUNNING: settings.program_running_topics,
        Kind.DEADMAN: settings.deadman_topics,
        Kind.SPEED_SCALING: settings.speed_scaling_topics,
    }
    return [(kind, topic) for kind, names in topics.items() for topic in names if topic]


def _message_type(kind: Kind, topic: str) -> type:
    if kind is Kind.SPEED_SCALING:
        return Float64
    if kind not in (Kind.SAFETY_MODE, Kind.ROBOT_MODE):
        return Bool
    try:
        messages = importlib.import_module('ur_dashboard_msgs.msg')
    except ImportError as error:
        raise ConfigError(
            f'{topic!r} is to tell the {kind.value}, but the package ur_dashboard_msgs is not '
            'installed; install ros-<distribution>-ur-dashboard-msgs, or leave the parameter empty'
        ) from error
    return messages.SafetyMode if kind is Kind.SAFETY_MODE else messages.RobotMode


def _value(kind: Kind, message: Any) -> float:
    return float(message.mode if kind in (Kind.SAFETY_MODE, Kind.ROBOT_MODE) else message.data)
