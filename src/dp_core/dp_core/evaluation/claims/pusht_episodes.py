# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Episodes of one condition, kept on disk for the claims that follow."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields
from pathlib import Path
from typing import Any

from dp_core.evaluation.statistics import bootstrap_mean_interval
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rollouts:
    """Episodes of one condition: E of them, of at most T steps.

    Attributes:
        scores: (E,) in [0, 1].
        steps: (E,) policy steps taken.
        paths: (E, T + 1, 2) agent [px], NaN after the end.
        best: (E, T + 1) largest score so far, NaN after the end.
    """

    scores: NDArray[np.float64]
    steps: NDArray[np.int64]
    paths: NDArray[np.float32]
    best: NDArray[np.float64]

    def rows(self, numbers: list[int]) -> Rollouts:
        """Return the episodes with these numbers, counted from 0."""
        return Rollouts(*(values[numbers] for values in vars(self).values()))

    def joined(self, more: Rollouts) -> Rollouts:
        """Return these episodes and others behind them."""
        both = zip(vars(self).values(), vars(more).values(), strict=True)
        return Rollouts(*(np.concatenate(pair) for pair in both))

    def figures(self) -> dict[str, Any]:
        """Scores with their interval, as plain data."""
        return {
            'score_mean': float(self.scores.mean()),
            'score_ci95': list(bootstrap_mean_interval(self.scores.tolist())),
            'scores': [round(float(x), 6) for x in self.scores],
            'steps_mean': float(self.steps.mean()),
        }


def padded(rows: list[NDArray[Any]], length: int) -> NDArray[Any]:
    """Stack rows (n, ...) with NaN behind them, up to `length`."""
    stacked = np.full((len(rows), length, *rows[0].shape[1:]), np.nan, rows[0].dtype)
    for k, row in enumerate(rows):
        stacked[k, : len(row)] = row
    return stacked


def read(file: Path, key: str) -> tuple[list[int], Rollouts | None]:
    """Return seeds and episodes on disk, none where they are of other weights or settings."""
    if file.exists():
        with np.load(file, allow_pickle=False) as stored:
            if str(stored['key']) == key:
                names = [f.name for f in fields(Rollouts)]
                return stored['seeds'].tolist(), Rollouts(*(stored[name] for name in names))
    return [], None


def write(file: Path, key: str, seeds: list[int], kept: Rollouts) -> None:
    """Keep episodes with what they depend on, in one rename."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix('.partial.npz')
    np.savez_compressed(partial, key=key, seeds=seeds, **vars(kept))
    partial.replace(file)
