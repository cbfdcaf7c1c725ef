# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What is watched whatever moves the arm: who may forbid it, and whether the arm follows."""

from __future__ import annotations

import time

from dp_core.feedback import Source
from dp_core.following import Following
from dp_core.following import FollowingSettings
from dp_policy_node.controller_input import ControllerInput
from dp_policy_node.episode import Code
from dp_policy_node.episode import CODES
from dp_policy_node.episode import Ending
from dp_policy_node.safety_inputs import SafetyInputs
from dp_policy_node.settings import Settings
from dp_policy_node.trajectory_output import TrajectoryOutput
import numpy as np
from numpy.typing import NDArray


class ArmWatch:
    """Watches one motion; asked at a fixed rate."""

    def __init__(
        self,
        controllers: ControllerInput,
        output: TrajectoryOutput,
        safety: SafetyInputs,
        settings: Settings,
    ):
        """Begin with the motion."""
        self._controllers, self._output = controllers, output
        self._safety = safety
        self._settings = settings
        self._following = Following(
            output.joint_names,
            FollowingSettings(settings.tracking_tolerance, settings.min_speed_scaling),
        )
        self._now_ns = 0  # of the last look, on the ROS clock [ns]
        # (J,) where the arm stands although it is commanded to move [rad]; None while it follows.
        self.stands_at: NDArray[np.float64] | None = None

    def check_signals(self) -> Ending | None:
        """Return which signal of operator or robot forbids motion, or None."""
        verdict = self._safety.check()
        return None if verdict is None else Ending(CODES[verdict.fault], verdict.reason)

    def note_slowed(self) -> None:
        """Take the arm as standing: it moves by a fifth of what our model thinks, or not at all.

        The brake waits in the controller, and would throw the arm back as it runs freely again.
        """
        feedback = self._output.feedback(self._now_ns)
        if feedback is not None and feedback.source is Source.JOINT_STATES:
            self.stands_at = feedback.measured

    def check_following(self, now_ns: int, *, is_catching_up: bool = False) -> Ending | None:
        """Return why the motion does not reach the arm, or None.

        Args:
            now_ns: the ROS clock [ns].
            is_catching_up: what has arrived may not have been read yet.
        """
        self._now_ns = now_ns
        why = self._output.why_deaf() or self._output.why_refused()
        if self._output.moves_arm and not is_catching_up:
            why = why or self._controllers.why_lost(self._settings.stall_timeout)
        if why:
            return Ending(Code.CONTROLLER, why)
        feedback = self._output.feedback(now_ns)
        if feedback is None or not self._output.moves_arm:
            return None
        command = self._output.command_at(feedback.stamp_ns)
        if command is None:
            return None
        verdict = self._following.check(feedback, command, time.monotonic_ns())
        # Where a controller tells its reference, a brake begins there.
        is_blind = feedback.source is Source.JOINT_STATES
        self.stands_at = feedback.measured if self._following.stands and is_blind else None
        return None if verdict is None else Ending(CODES[verdict.fault], verdict.reason)
