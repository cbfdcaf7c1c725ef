# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What moves the arm, as the physics loop sees it: a stand-in of a controller, or joint states."""

from __future__ import annotations

from typing import Any
from typing import Protocol

from dp_sim.scene_state import Array
from dp_sim.trajectory_rules import Judgement


class ArmController(Protocol):
    """Called by the physics loop only, but for `receive`, which any thread may call."""

    accepted: int
    rejected: int
    scaling: float  # of the speed, as the robot tells it [1]

    @property
    def ran_out(self) -> bool:
        """Whether nothing is left to follow."""

    @property
    def time_from_start_ns(self) -> int:
        """Time of the last tick since the start of its trajectory [ns]."""

    @property
    def reference(self) -> Array:
        """Desired state of the last tick, (3, joints): [rad], [rad/s], [rad/s2]."""

    def activate(self, time_ns: int, positions: Array) -> None:
        """Hold these positions [rad]."""

    def deactivate(self) -> None:
        """Leave the arm where it was commanded to be last, at rest."""

    def receive(self, message: Any, now_ns: int) -> Judgement:
        """Judge a message of the controller's kind; an accepted one counts from the next tick."""

    def update(
        self, time_ns: int, period_ns: int, positions: Array, velocities: Array | None
    ) -> Array:
        """Run one tick and return the command, (3, joints)."""
