# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Where a hand wants the tool: taps and sticks -> a target no faster than a hand may be."""

from __future__ import annotations

from dp_sim import scene
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SPEED = 0.12  # of the target [m/s]
TAP_M = 0.01  # a tap moves the tool so far
BACKLOG_M = 0.03  # most that taps may wait: a key that repeats stops soon after it is released
DEAD_ZONE = 0.1  # of a stick


class HandTarget:
    """The target of the tool; `follow` comes first."""

    def __init__(self) -> None:
        """Know no place yet."""
        self._target: Array | None = None
        self._ahead = np.zeros(2)  # from taps, still to go [m]
        self._stick = np.zeros(2)

    @property
    def target(self) -> Array | None:
        """Where the tool should be (2,) [m]; None before the first `follow`."""
        return self._target

    @property
    def is_leaning(self) -> bool:
        """Whether the stick is out of its middle."""
        return bool(self._stick.any())

    def follow(self, tool: Array) -> None:
        """Begin where the tool is (2,) [m]."""
        self._target = np.array(tool, dtype=np.float64)
        self._ahead = np.zeros(2)

    def tap(self, direction: Array) -> None:
        """Go a little in a direction (2,), on top of what is still to go."""
        ahead = self._ahead + TAP_M * np.asarray(direction, dtype=np.float64)
        self._ahead = ahead * min(1.0, BACKLOG_M / max(float(np.linalg.norm(ahead)), 1e-9))

    def lean(self, stick: Array) -> None:
        """Go on with a stick's speed, (2,) in -1 to 1, until it says otherwise."""
        stick = np.clip(np.asarray(stick, dtype=np.float64), -1.0, 1.0)
        size = float(np.linalg.norm(stick))
        share = max(0.0, min(size, 1.0) - DEAD_ZONE) / (1.0 - DEAD_ZONE)
        self._stick = stick / max(size, 1e-9) * share

    def advance(self, duration_s: float) -> Array | None:
        """Return the target (2,) [m] after so much time; None where nothing is known yet."""
        if self._target is None:
            return None
        way = SPEED * duration_s
        step = self._stick * way
        left = max(0.0, way - float(np.linalg.norm(step)))
        ahead = float(np.linalg.norm(self._ahead))
        tapped = self._ahead * min(1.0, left / max(ahead, 1e-9))
        self._ahead = self._ahead - tapped
        self._target = scene.clamp_tool(self._target + step + tapped)
        return self._target
