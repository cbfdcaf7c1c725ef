# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that a contract's streams say, with the stamps that it comes with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
import threading
import time
from typing import Any

from dp_core.calibration.delay import Signal
from dp_core.calibration.recording import PICTURE
from dp_core.calibration.recording import small_picture
from dp_core.contract import Stream
from dp_core.decode import decode
from dp_core.errors import ObservationError
from dp_policy_node.convert import robot_state
from dp_policy_node.convert import RobotState
from dp_policy_node.listener import Listener
from dp_policy_node.observation_input import message_type
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import JointState

Array = NDArray[np.float64]


class Recorder:
    """Listens to joint states, pictures and poses; keeps all of them between two moments."""

    def __init__(
        self, node: Node, streams: Sequence[Stream], joints: tuple[str, ...], joint_topic: str
    ):
        """Listen to pictures and poses of ``streams``, and to ``joints`` on ``joint_topic``."""
        self._joints = joints
        self._topic = joint_topic
        self._lock = threading.Lock()
        self._rows: dict[str, list[tuple[int, Array]]] = {}
        self._state: RobotState | None = None
        self._heard_s: dict[str, float] = {}
        self._complaints: dict[str, str] = {}
        self._listeners = [Listener(node, 'numbers', depth=100), Listener(node, 'images', depth=5)]
        self._listeners[0].add(joint_topic, JointState, self._on_joints)
        self.streams = tuple(s for s in streams if s.kind in ('image', 'pose'))
        for stream in self.streams:
            raw = replace(stream, latency_s=0.0)
            if stream.kind == 'image':
                raw = replace(raw, size=PICTURE)
            listener = self._listeners[stream.kind == 'image']
            listener.add(stream.topic, message_type(stream), partial(self._on_sample, raw))
        for listener in self._listeners:
            listener.start()

    def close(self) -> None:
        """Listen no more."""
        for listener in self._listeners:
            listener.close()

    def silent(self) -> list[str]:
        """What has not been heard yet, or not been understood, in words."""
        wanted = [('joint states', self._topic), *((s.name, s.topic) for s in self.streams)]
        return [
            f'{name} ({topic}): {self._complaints.get(topic, "no message")}'
            for name, topic in wanted
            if topic not in self._heard_s
        ]

    @property
    def state(self) -> RobotState | None:
        """The newest joint states."""
        return self._state

    @property
    def joint_silence_s(self) -> float:
        """Time since joint states arrived, on the steady clock [s]."""
        return time.monotonic() - self._heard_s.get(self._topic, 0.0)

    def begin(self) -> None:
        """Forget what was recorded, and record from here on."""
        with self._lock:
            self._rows = {}

    def positions(self) -> Array:
        """Joint positions (N, J) recorded so far [rad]."""
        with self._lock:
            rows = list(self._rows.get('', ()))
        return np.array([row for _, row in rows]).reshape(len(rows), len(self._joints))

    def end(self, origin_ns: int) -> tuple[Signal, dict[str, Signal]]:
        """Return what was recorded: joint positions (N, J), and each stream that was heard.

        Args:
            origin_ns: instant that the times of the signals count from [ns].
        """
        with self._lock:
            rows, self._rows = self._rows, {}
        signals = {name: _signal(samples, origin_ns) for name, samples in rows.items()}
        empty = Signal(np.empty(0), np.empty((0, len(self._joints))))
        return signals.pop('', empty), signals

    def _on_joints(self, message: JointState, _: int) -> None:
        if set(self._joints).isdisjoint(message.name):
            return  # another device on the same topic
        try:
            state = robot_state(message, self._joints, self._topic)
        except ObservationError as error:
            self._complaints[self._topic] = str(error)
            return
        self._state = state
        self._note('', self._topic, state.stamp_ns, state.positions)

    def _on_sample(self, stream: Stream, message: Any, _: int) -> None:
        try:
            stamp_ns, value = decode(stream, message)
        except ObservationError as error:
            self._complaints[stream.topic] = str(error)
            return
        value = small_picture(value) if stream.kind == 'image' else value.astype(np.float64)
        self._note(stream.name, stream.topic, stamp_ns, value)

    def _note(self, name: str, topic: str, stamp_ns: int, value: Array) -> None:
        with self._lock:
            rows = self._rows.setdefault(name, [])
            if not rows or stamp_ns > rows[-1][0]:
                rows.append((stamp_ns, value))
        self._heard_s[topic] = time.monotonic()


def _signal(samples: list[tuple[int, Array]], origin_ns: int) -> Signal:
    times_s = np.array([(stamp_ns - origin_ns) * 1e-9 for stamp_ns, _ in samples])
    return Signal(times_s, np.stack([value for _, value in samples]).astype(np.float64))
