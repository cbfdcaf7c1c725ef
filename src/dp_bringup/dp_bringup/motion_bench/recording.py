# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What happened in one episode, tick by tick, from the controller's side."""

from __future__ import annotations

from dataclasses import dataclass

from dp_bringup.real_controller.trace import Trace
from dp_core.chunk import ActionChunk
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TakeOver:
    """A chunk began to be followed.

    Attributes:
        chunk: what the policy wanted.
        stamp_ns: tick at which the controller had its first message [ns].
        tick: number of that tick.
    """

    chunk: ActionChunk
    stamp_ns: int
    tick: int


class Recording:
    """Grows by a row per tick. J joints."""

    def __init__(self, seed: int, rows: int, joints: int, period_ns: int) -> None:
        """Room for `rows` ticks of a controller with a period [ns]."""
        self.seed = seed
        self.period_ns = period_ns
        self.take_overs: list[TakeOver] = []
        self.accepted = self.rejected = self.late_ticks = self.expired = 0
        self.best_score = 0.0
        self.fault = ''
        self._ticks = 0
        self._begin_ns = 0
        self._starts = np.zeros(rows, np.int64)
        self._references = np.zeros((rows, 2, joints))

    @property
    def is_full(self) -> bool:
        """Whether the last row is written."""
        return self._ticks == len(self._starts)

    @property
    def duration_s(self) -> float:
        """Time that has passed [s]."""
        return self._ticks * self.period_ns * 1e-9

    def tick(self, stamp_ns: int, start_ns: int, reference: Array, ran_out: bool) -> None:
        """Write a row.

        Args:
            stamp_ns: of the tick [ns].
            start_ns: of the trajectory that is followed [ns].
            reference: (3, J) of the controller [rad], [rad/s], [rad/s^2].
            ran_out: whether that trajectory has ended.
        """
        if not self._ticks:
            self._begin_ns = stamp_ns
        self._starts[self._ticks] = start_ns
        self._references[self._ticks] = reference[:2]
        self.late_ticks += ran_out and self.accepted > 0
        self._ticks += 1

    def count(self, accepted: bool) -> None:
        """Count a message."""
        self.accepted += accepted
        self.rejected += not accepted

    def take_over(self, chunk: ActionChunk, stamp_ns: int) -> None:
        """Note that the next tick follows a new chunk."""
        self.take_overs.append(TakeOver(chunk, stamp_ns, self._ticks))

    def score(self, score: float) -> None:
        """Note how well the task is done now, in [0, 1]."""
        self.best_score = max(self.best_score, score)

    def trace(self) -> Trace:
        """Return the reference of every tick."""
        rows = slice(0, self._ticks)
        stamps = self._begin_ns + self.period_ns * np.arange(self._ticks, dtype=np.int64)
        positions, velocities = self._references[rows].transpose(1, 0, 2)
        return Trace(stamps, self._starts[rows], positions, velocities)
