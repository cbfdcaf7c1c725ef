# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Real time for a simulation: when a step is due, and how well that was kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import threading
import time


class Pacer:
    """Holds steps to the monotonic clock; after a stall, steps run without pause until caught up.

    Args:
        step_s: Simulated time of one step [s].
        factor: Simulated seconds per wall second.
        clock: Monotonic time [s].
        sleep: Waits for a number of seconds; may return early.
    """

    def __init__(
        self,
        step_s: float,
        factor: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Make the first step due now."""
        if not step_s > 0.0 or not factor > 0.0:
            raise ValueError(f'step and factor must be above 0, got {step_s} s and {factor}')
        self._wall_step_s = step_s / factor
        self._clock = clock
        self._sleep = sleep
        self._start_s = clock()
        self._steps = 0
        self.worst_s = 0.0  # largest lateness of a step [s]
        self.late_steps = 0  # steps that began more than 10 ms late

    def wait(self) -> float:
        """Wait until the next step is due; return how late it begins [s]."""
        due = self._start_s + self._steps * self._wall_step_s
        self._steps += 1
        now = self._clock()
        if now < due:
            self._sleep(due - now)
            now = self._clock()
        lateness = max(0.0, now - due)
        self.worst_s = max(self.worst_s, lateness)
        self.late_steps += lateness > 0.01
        return lateness

    def behind(self) -> float:
        """Return how long ago the newest step was due [s]."""
        return self._clock() - self._start_s - (self._steps - 1) * self._wall_step_s


class RealtimeMeter:
    """Simulated time over wall time since a mark; safe to call from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Measure from simulated time 0 until marked otherwise."""
        self._clock = clock
        self._lock = threading.Lock()
        self._mark = (0, clock())

    def mark(self, simulated_ns: int) -> None:
        """Measure from here on."""
        with self._lock:
            self._mark = (simulated_ns, self._clock())

    def shift(self, offset_ns: int) -> None:
        """Take note that simulated time is set to so much more than it was."""
        with self._lock:
            mark_ns, mark_s = self._mark
            self._mark = (mark_ns + offset_ns, mark_s)

    def factor(self, simulated_ns: int) -> float:
        """Return simulated over wall time since the mark; 1.0 in the first 0.1 s."""
        with self._lock:
            mark_ns, mark_s = self._mark
        wall_s = self._clock() - mark_s
        return 1.0 if wall_s < 0.1 else (simulated_ns - mark_ns) * 1e-9 / wall_s


@dataclass
class Schedule:
    """When the next output of one kind is due in simulated time [ns]."""

    period_ns: int
    next_ns: int = 0

    def is_due(self, now_ns: int) -> bool:
        """Return whether it is due now; then the next one is a period later."""
        if now_ns < self.next_ns:
            return False
        self.next_ns += self.period_ns
        if self.next_ns <= now_ns:
            self.next_ns = now_ns + self.period_ns
        return True
