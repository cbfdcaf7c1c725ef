# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Newest facts about controllers and arm: controller_state, or joint states and our own model.

A controller tells its state at each of its ticks, 500 times a second for a UR. A message is kept
as it came and read only when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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


class ControllerInput:
    """Hears the controllers of all action groups, where they speak and are understood."""

    def __init__(
        self,
        groups: tuple[ActionGroup, ...],
        joint_names: tuple[str, ...],
        robot_state: Callable[[], RobotState | None],
        mode: str = 'auto',
    ):
        """Prepare; nothing arrives before `listen`.

        Args:
            groups: whose controllers to hear.
            joint_names: joints of all groups.
            robot_state: the newest joint states.
            mode: 'auto' hears controller_state where control_msgs is installed, 'required'
                wants it, 'off' does without.

        Raises:
            ConfigError: it is required, and control_msgs is not installed.
        """
        self._joint_names = joint_names
        self._robot_state = robot_state
        self._topics = [f'{group.controller}/controller_state' for group in groups]
        self._is_required = mode == 'required'
        heard = self._is_required or (mode == 'auto' and is_installed())
        self._type: Any = controller_state_type() if heard else None
        self.complaint = ''  # about the newest messages
        self._newest: dict[str, tuple[float, bytes]] = {}  # by topic: arrival [s], message

    def listen(self, numbers: Listener) -> None:
        """Register with the listener of numbers."""
        for topic in self._topics if self._type is not None else ():
            numbers.add_raw(topic, self._type, partial(self._hear, topic))

    def forget(self) -> None:
        """Forget what was heard: nothing arrives any more."""
        self._newest.clear()

    def newest(self, motion: CommandedMotion | None, now_ns: int) -> ControllerFeedback | None:
        """Return the best that is known; None when neither arm nor command is known."""
        self.complaint = ''
        if self._is_fresh():
            try:
                return from_controller_state(self._messages(), self._joint_names)
            except ObservationError as error:
                self.complaint = str(error)
        state = self._robot_state()
        if state is not None:
            return from_joint_states(state.stamp_ns, state.positions, state.velocities, motion)
        return None if motion is None else from_model(motion, now_ns)

    def why_lost(self, timeout_s: float) -> str:
        """Return what is wrong with what the controllers tell, or fail to tell; '' for nothing."""
        if self.complaint:
            return self.complaint
        arrivals = list(self._newest.items())
        for topic, (arrival_s, _) in arrivals:
            silent_s = time.monotonic() - arrival_s
            if silent_s > timeout_s:
                return (
                    f'{topic!r} has been silent for {silent_s:.2f} s: the controller is inactive'
                )
        silent = [topic for topic in self._topics if topic not in self._newest]
        return f'nothing was heard on {silent[0]!r} yet' if self._is_required and silent else ''

    def _hear(self, topic: str, message: bytes, now_ns: int) -> None:
        self._newest[topic] = time.monotonic(), message

    def _is_fresh(self) -> bool:
        arrivals = [arrival_s for arrival_s, _ in list(self._newest.values())]
        return bool(arrivals) and time.monotonic() - min(arrivals) < FRESH_S

    def _messages(self) -> dict[str, Any]:
        return {
            topic: deserialize_message(message, self._type)
            for topic, (_, message) in list(self._newest.items())
        }
