# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for forward_command_controller with the interface position, without ROS.

It hands the newest positions to the arm as they come: no interpolation, no limit, no speed
scaling, and nothing that ends: the last position is held. One thing is gentler than in the real
one: a message of the wrong length is refused, where the real controller takes it and fails at
every tick from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
import math

from dp_sim.scene_state import Array
from dp_sim.trajectory_rules import Judgement
from dp_sim.trajectory_rules import Verdict
import numpy as np

# Commands that stay away for longer than this have run out [ns].
STALE_NS = 50_000_000


class ForwardPositionController:
    """Takes positions from any thread and yields the newest ones at each tick."""

    time_from_start_ns = 0
    scaling = 1.0  # set by others, and of no effect, as with the real one

    def __init__(self, joints: tuple[str, ...]) -> None:
        """Start inactive."""
        self.accepted = self.rejected = 0
        self._joints = joints
        self._active = False
        self._newest: tuple[int, Array] | None = None  # replaced as a whole: no lock is needed
        self._command = np.zeros((3, len(joints)))
        self._time_ns = 0

    @property
    def ran_out(self) -> bool:
        """Whether the stream of commands has stopped."""
        newest = self._newest
        return newest is None or abs(self._time_ns - newest[0]) > STALE_NS

    @property
    def reference(self) -> Array:
        """The command of the last tick, (3, joints): [rad], [rad/s], [rad/s2]."""
        return self._command

    def activate(self, time_ns: int, positions: Array) -> None:
        """Hold these positions [rad]; what was commanded before is forgotten."""
        self._newest = None
        self._time_ns = time_ns
        self._command = np.zeros_like(self._command)
        self._command[0] = positions
        self._active = True

    def deactivate(self) -> None:
        """Halt where commanded last; messages are dropped until the next activation."""
        self._active = False
        self._newest = None

    def receive(self, message: Sequence[float], now_ns: int) -> Judgement:
        """Judge positions [rad], in the order of the joints; accepted ones hold at once."""
        log = self._why_not(message)
        if log:
            self.rejected += 1
            return Judgement(Verdict.REJECTED, log)
        if not self._active:
            return Judgement(Verdict.DROPPED_INACTIVE)
        self._newest = now_ns, np.array(message, dtype=float)
        self.accepted += 1
        return Judgement(Verdict.ACCEPTED)

    def update(
        self, time_ns: int, period_ns: int, positions: Array, velocities: Array | None
    ) -> Array:
        """Return what the servos follow in this tick, (3, joints), at rest."""
        del period_ns, positions, velocities
        self._time_ns = time_ns
        newest = self._newest
        if newest is not None:
            self._command = np.zeros_like(self._command)
            self._command[0] = newest[1]
        return self._command

    def _why_not(self, message: Sequence[float]) -> str:
        if not all(map(math.isfinite, message)):
            return 'Non-finite value received. Dropping message'
        if len(message) != len(self._joints):
            return (
                f'command size ({len(message)}) does not match number of interfaces '
                f'({len(self._joints)})'
            )
        return ''
