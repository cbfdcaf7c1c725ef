# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Executor none: plans and tells (`~/action_chunk`), and moves nothing."""

from __future__ import annotations

from collections.abc import Callable

from dp_core.motion import Trajectory


class DryRun:
    """Sends nothing, so that a policy can be watched while a person moves the arm."""

    arrival_ns = 0
    moves_arm = False
    is_once = False

    def begin(self) -> None:
        """Begin a run."""

    def prepare(self, trajectory: Trajectory) -> Callable[[], None]:
        """Keep it to ourselves."""
        return lambda: None

    def why_deaf(self) -> str:
        """Nobody has to listen."""
        return ''

    def why_refused(self) -> str:
        """Nobody can refuse."""
        return ''

    def close(self) -> None:
        """There is nothing to free."""
