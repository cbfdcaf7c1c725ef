# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A lamp in a corner of every picture that is switched by a topic, to time the cameras by."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

import numpy as np
from numpy.typing import NDArray

# Switchings that are remembered; older ones are in no picture any more.
MEMORY = 100
# Side of the lamp, as a part of the picture's.
SIZE = 0.15
BRIGHT, DARK = 255, 0


class Marker:
    """The lamp; nothing is in the picture until it has been switched for the first time."""

    def __init__(self) -> None:
        """Make a lamp that nobody uses."""
        self._switchings: deque[tuple[int, bool]] = deque(maxlen=MEMORY)

    def switch(self, time_ns: int, on: bool) -> None:
        """Switch it at a simulated time [ns]."""
        self._switchings.append((time_ns, on))

    def forget(self) -> None:
        """Forget when it was switched: times from now on are those of another clock."""
        self._switchings.clear()

    def paint(self, image: NDArray[np.uint8], time_ns: int) -> None:
        """Put the lamp as it was at a time into a picture (H, W, 3)."""
        switchings = list(self._switchings)
        before = bisect_right(switchings, time_ns, key=lambda each: each[0])
        if before:
            height, width = (max(1, round(SIZE * side)) for side in image.shape[:2])
            image[:height, :width] = BRIGHT if switchings[before - 1][1] else DARK
