# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Scores with their intervals, as all Push-T claims draw them."""

from collections.abc import Sequence
from typing import Any


def draw_scores(
    axes: Any, x: Sequence[float], rows: Sequence[dict[str, Any]], label: str, style: str = 'o-'
) -> None:
    """Draw the mean score of each row and its 95 % interval."""
    means = [row['score_mean'] for row in rows]
    below = [m - row['score_ci95'][0] for m, row in zip(means, rows, strict=True)]
    above = [row['score_ci95'][1] - m for m, row in zip(means, rows, strict=True)]
    axes.errorbar(x, means, (below, above), fmt=style, capsize=3, label=label)
    axes.set_ylabel('score, mean and 95 % interval')
    axes.set_ylim(0.0, 1.02)
