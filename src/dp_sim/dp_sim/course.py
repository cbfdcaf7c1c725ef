# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A line through corners with a speed on every leg, and how far along it the tool was sent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Course:
    """Where the tool should be, step by step."""

    def __init__(self, points: Array, speeds: Sequence[float]) -> None:
        """Start at the first of points (N, 2) [m]; `speeds` are those of the N - 1 legs [m/s]."""
        self._points = np.asarray(points, dtype=np.float64)
        self._speeds = tuple(speeds)
        self._lengths = np.linalg.norm(np.diff(self._points, axis=0), axis=1)  # (N - 1,)
        self._ends = np.cumsum(self._lengths)
        self._done = 0.0  # [m]

    def advance(self, duration_s: float) -> Array:
        """Next target (2,) [m]."""
        left = duration_s
        while left > 1e-9 and not self.is_finished:
            leg = int(np.searchsorted(self._ends, self._done + 1e-9, side='right'))
            leg = min(leg, len(self._ends) - 1)
            step = min(self._speeds[leg] * left, self._ends[leg] - self._done)
            self._done += step
            left -= step / self._speeds[leg]
        return self.target

    @property
    def is_finished(self) -> bool:
        """Whether the tool was sent to the last point."""
        return bool(self._done >= self._ends[-1] - 1e-9)

    @property
    def done_on_last_leg(self) -> float:
        """How far the tool was sent along the last leg [m]; 0 before it."""
        return max(0.0, self._done - float(self._ends[-1] - self._lengths[-1]))

    @property
    def target(self) -> Array:
        """Where the tool was sent last (2,) [m]."""
        leg = min(int(np.searchsorted(self._ends, self._done, side='left')), len(self._ends) - 1)
        part = (self._done - self._ends[leg] + self._lengths[leg]) / max(self._lengths[leg], 1e-9)
        way = self._points[leg + 1] - self._points[leg]
        return np.asarray(self._points[leg] + part * way)
