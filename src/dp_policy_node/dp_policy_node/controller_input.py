# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Newest facts about controllers and arm: controller_state, or joint states and our own model.

A controller tells its state at each of its ticks, 500 times a second for a UR. A message is kept
as it came and read only when somebody asks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
import math
import time
from typing import Any

from dp_core.action_group import ActionGroup
from dp_core.errors import ObservationError
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import from_controller_state
from dp_core.feedback import from_joint_states
from dp_core.feedback import from_model
from dp_core.motion import CommandedMotion
from dp_policy_node.control_messages import controller_state_type
from dp_policy_node.control_messages import is_installed
from dp_policy_node.convert import RobotState
from dp_policy_node.listener import Listener
from rclpy.serialization import deserialize_message

# A controller that was heard, and has been silent for so long, is not asked any more [s].
FRESH_S = 0.1
# A state so old when it comes, at best of so many within so long, was stamped by a clock that is
# behind, or heard by a computer without time: a plan would begin where the arm was [s], [1], [s].
OLD_S, OLD_COUNT, OLD_SPAN_S = 0.02, 5, 1.0


class ControllerInput:
    """Hears the controllers of all action groups, where they speak and are understood."""

    def __init__(
        self,
        groups: tuple[ActionGroup, ...],
        joint_names: tuple[str, ...],
        robot_state: Callable[[], RobotState | None],
        mode: str = 'auto',
        unheard_s: Callable[[], float] = lambda: 0.0,
    ):
        """Prepare; nothing arrives before `listen`.

        Args:
            groups: whose controllers to hear.
            joint_names: joints of all groups.
            robot_state: the newest joint states.
            mode: 'auto' hears controller_state where control_msgs is installed, 'required'
                wants it, 'off' does without.
            unheard_s: how long no joint state has arrived [s].

        Raises:
            ConfigError: it is required, and control_msgs is not installed.
        """
        self._joint_names = joint_names
        self._robot_state, self._unheard_s = robot_state, unheard_s
        self._topics = [f'{group.controller}/controller_state' for group in groups]
        self._is_required = mode == 'required'
        heard = self._is_required or (mode == 'auto' and is_installed())
        self._type: Any = controller_state_type() if heard else None
        self.complaint = ''  # about the newest messages
        # By topic: arrival on the steady clock [s] and the ROS clock [ns], message.
        self._newest: dict[str, tuple[float, int, bytes]] = {}
        # By topic: arrival [s] and age [s] of the messages that were read.
        self._ages: dict[str, deque[tuple[float, float]]] = {}
        self._tells_speed: set[str] = set()  # topics

    def listen(self, numbers: Listener) -> None:
        """Register with the listener of numbers."""
        for topic in self._topics if self._type is not None else ():
            numbers.add_raw(topic, self._type, partial(self._hear, topic))

    def forget(self) -> None:
        """Forget what was heard: nothing arrives any more."""
        self._newest.clear()
        self._ages.clear()

    def newest(self, motion: CommandedMotion | None, now_ns: int) -> ControllerFeedback | None:
        """Return the best that is known; None when neither arm nor command is known."""
        self.complaint = ''
        if self._is_fresh():
            try:
                messages = self._messages()
                self._require_young()
                return from_controller_state(messages, self._joint_names)
            except ObservationError as error:
                self.complaint = str(error)
            except RuntimeError as error:  # of another version; it must not keep a brake back
                self.complaint = f'what the controllers tell cannot be read: {error}'
        state = self._robot_state()
        if state is not None:
            told = from_joint_states(state.stamp_ns, state.positions, state.velocities, motion)
            return replace(told, unheard_s=self._unheard_s())
        return None if motion is None else from_model(motion, now_ns)

    def why_lost(self, timeout_s: float) -> str:
        """Return what is wrong with what the controllers tell, or fail to tell; '' for nothing."""
        if self.complaint:
            return self.complaint
        arrivals = list(self._newest.items())
        for topic, (arrival_s, *_) in arrivals:
            silent_s = time.monotonic() - arrival_s
            if silent_s > timeout_s:
                return (
                    f'{topic!r} has been silent for {silent_s:.2f} s: the controller is inactive'
                )
        silent = [topic for topic in self._topics if topic not in self._newest]
        return f'nothing was heard on {silent[0]!r} yet' if self._is_required and silent else ''

    def _hear(self, topic: str, message: bytes, now_ns: int) -> None:
        self._newest[topic] = time.monotonic(), now_ns, message

    def _is_fresh(self) -> bool:
        arrivals = [arrival_s for arrival_s, *_ in list(self._newest.values())]
        return bool(arrivals) and time.monotonic() - min(arrivals) < FRESH_S

    def _messages(self) -> dict[str, Any]:
        messages = {}
        for topic, (arrival_s, now_ns, message) in list(self._newest.items()):
            messages[topic] = self._read(topic, message)
            stamp = messages[topic].header.stamp
            age_s = (now_ns - stamp.sec * 1_000_000_000 - stamp.nanosec) * 1e-9
            ages = self._ages.setdefault(topic, deque(maxlen=200))
            if not ages or ages[-1][0] != arrival_s:
                ages.append((arrival_s, age_s))
        return messages

    def _read(self, topic: str, content: bytes) -> Any:
        message = deserialize_message(content, self._type)
        # The controller of Jazzy has the field and never fills it: who has told nothing but 0
        # does not run at 0 % of its speed. Humble's has none.
        if getattr(message, 'speed_scaling_factor', 0.0) > 0.0:
            self._tells_speed.add(topic)
        elif topic not in self._tells_speed and hasattr(message, 'speed_scaling_factor'):
            message.speed_scaling_factor = math.nan
        return message

    def _require_young(self) -> None:
        """Raise ObservationError where a controller's messages are old when they come."""
        since_s = time.monotonic() - OLD_SPAN_S
        for topic, ages in list(self._ages.items()):
            recent = [age_s for arrival_s, age_s in list(ages) if arrival_s >= since_s]
            if len(recent) >= OLD_COUNT and min(recent) > OLD_S:
                raise ObservationError(
                    f'{topic!r} is {min(recent):.3f} s old when it comes, valid: {OLD_S} s; '
                    'synchronise the clocks of the two computers (chrony), or free this one'
                )
