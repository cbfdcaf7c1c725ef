# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Watches for the end of an episode as on the paper's real robot (§ Real World Push-T).

There the tool goes to an end zone once the T is placed, and what counts is how the T lies then.
"""

from __future__ import annotations

from dp_sim import scene
import numpy as np
from numpy.typing import NDArray


class Retreat:
    """Follows the tool and the T from the start of an episode."""

    def __init__(self) -> None:
        """Begin an episode."""
        self._was_placed = False
        self._in_zone_s = 0.0

    def follow(self, tool: NDArray[np.float64], coverage: float, elapsed_s: float) -> None:
        """Take in where the tool (2,) [m] and the T are after `elapsed_s` more."""
        self._was_placed |= coverage >= scene.SUCCESS_COVERAGE
        self._in_zone_s = self._in_zone_s + elapsed_s if scene.in_end_zone(tool) else 0.0

    @property
    def has_rested(self) -> bool:
        """Whether the tool has been in the end zone for long enough."""
        return self._in_zone_s > scene.END_ZONE_DWELL_S - 1e-6

    @property
    def is_over(self) -> bool:
        """Whether the T was placed at some time, and the tool has since come to rest."""
        return self._was_placed and self.has_rested


def report(coverage: float, has_rested: bool) -> dict[str, float]:
    """Return the figures of an end: coverage, IoU, tool back (1 or 0), and T placed as well."""
    return {
        'final_coverage': coverage,
        'final_iou': scene.iou(coverage),
        'retreated': float(has_rested),
        'retreated_and_placed': float(has_rested and coverage >= scene.SUCCESS_COVERAGE),
    }
