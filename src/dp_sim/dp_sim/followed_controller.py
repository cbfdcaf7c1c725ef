# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Where a real ros2_control moves the arm: the simulated arm does what its joint states say.

It stands in the physics loop where the stand-in of joint_trajectory_controller stands otherwise.
"""

from __future__ import annotations

from dp_sim.scene_state import Array
from dp_sim.trajectory_rules import Judgement
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import Verdict
import numpy as np

# Older joint states say where the arm is held, no longer how fast it goes [ns].
STALE_NS = 50_000_000


class FollowedController:
    """Hands on the newest joint states. Who accepts, rejects or runs out is not seen from here."""

    ran_out = False
    time_from_start_ns = 0
    scaling = 1.0  # the real one knows it by itself

    def __init__(self, n_joints: int) -> None:
        """Follow nothing yet; `activate` comes first."""
        self.accepted = self.rejected = 0
        self._held = np.zeros((3, n_joints))
        self._heard: tuple[int, Array] | None = None  # replaced as a whole: no lock is needed
        self._command = self._held

    @property
    def reference(self) -> Array:
        """What was followed in the last tick, (3, joints): [rad], [rad/s], [rad/s2]."""
        return self._command

    def activate(self, time_ns: int, positions: Array) -> None:
        """Hold these positions [rad] until something newer is heard."""
        del time_ns
        self._heard = None
        self._held = np.zeros_like(self._held)
        self._held[0] = positions
        self._command = self._held

    def deactivate(self) -> None:
        """Do nothing: the real controller is not ours to stop."""

    def receive(self, message: TrajectoryMessage, now_ns: int) -> Judgement:
        """Do nothing: the real controller judges and follows messages."""
        del message, now_ns
        return Judgement(Verdict.DROPPED_INACTIVE)

    def hear(self, stamp_ns: int, positions: Array, velocities: Array) -> None:
        """Take joint states, (joints,) [rad], [rad/s]; called by other threads."""
        state = np.zeros_like(self._held)
        state[0], state[1] = positions, velocities
        self._heard = (stamp_ns, state)

    def update(
        self, time_ns: int, period_ns: int, positions: Array, velocities: Array | None
    ) -> Array:
        """Return what the servos follow in this tick, (3, joints); the arguments as elsewhere."""
        del period_ns, positions, velocities
        heard = self._heard
        if heard is None:
            self._command = self._held
        else:
            stamp_ns, self._command = heard
            if time_ns - stamp_ns > STALE_NS:
                self._command = self._command.copy()
                self._command[1:] = 0.0
        return self._command
