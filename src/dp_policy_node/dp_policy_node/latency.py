# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How long predictions take: what was measured lately, and what to expect of the next one."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
import threading

import numpy as np

KEPT = 100
# Beside the prediction itself: waking the thread, building the window [s].
MARGIN_S = 0.005


class LatencyRecord:
    """Times of the last predictions; warm-up times stand in until there are some."""

    def __init__(self, warmup_s: Sequence[float]):
        """Begin with times measured at configure [s]."""
        self._warmup_s = tuple(warmup_s)
        self._times_s: deque[float] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def add(self, time_s: float) -> None:
        """Record one prediction [s]."""
        with self._lock:
            self._times_s.append(time_s)

    def percentile(self, percent: float) -> float:
        """Percentile of the recorded predictions [s]; 0.0 before the first."""
        with self._lock:
            times = list(self._times_s)
        return float(np.percentile(times, percent)) if times else 0.0

    def worst_s(self) -> float:
        """Time that nearly every prediction keeps: the 95th percentile and a margin [s]."""
        return self._known(95) + MARGIN_S

    def expected_s(self) -> float:
        """Time ahead of a take-over at which the next prediction begins: median and margin [s].

        A chunk that is ready late takes over late, by as little as its prediction was slow, and
        the one before goes on meanwhile. To begin by the slowest of predictions would make the
        observation behind every chunk older instead.
        """
        return self._known(50) + MARGIN_S

    def _known(self, percent: float) -> float:
        with self._lock:
            times = list(self._times_s)
        if len(times) < 10:
            times += self._warmup_s
        return float(np.percentile(times, percent)) if times else 0.0
