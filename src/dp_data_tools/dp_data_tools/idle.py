# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Where a recorded robot moves: which rows are worth an episode, and where one ends.

A policy that is shown much standing still learns to stand still. A robot is at rest at a row when
none of its numbers (actions and joint positions) moves faster than a threshold to the rows beside.
"""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.errors import ConfigError
import numpy as np
from numpy.typing import NDArray

REPORTED_S = 1.0  # rest within an episode that is told


@dataclass(frozen=True)
class IdleRules:
    """What is rest, and what is done about it.

    Attributes:
        speed: fastest that a number moves at rest [its unit / s]; 0 takes nothing for rest.
        keep_s: rest that stays before the first and after the last motion [s].
        split_s: a longer rest ends an episode, and motion begins the next [s]; 0 for never.
    """

    speed: float = 0.01
    keep_s: float = 0.5
    split_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ('speed', 'keep_s', 'split_s'):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise ConfigError(f'{name} is {value!r}, valid: 0 or more')
        if self.split_s and self.split_s < 2 * self.keep_s:
            raise ConfigError(
                f'split_s is {self.split_s!r}, valid: at least twice keep_s ({self.keep_s!r}), '
                'the rest that both episodes keep'
            )


def moving_rows(numbers: NDArray[np.floating], dt_s: float, speed: float) -> NDArray[np.bool_]:
    """Which rows move (T,).

    Args:
        numbers: (T, N).
        dt_s: time between rows [s].
        speed: see `IdleRules`.
    """
    if not speed:
        return np.ones(len(numbers), dtype=np.bool_)
    fast = (np.abs(np.diff(numbers, axis=0)) > speed * dt_s).any(axis=1)  # (T - 1,)
    return np.concatenate([[False], fast]) | np.concatenate([fast, [False]])


def runs_of(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and end (exclusive) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def worthy_rows(moving: NDArray[np.bool_], dt_s: float, rules: IdleRules) -> list[tuple[int, int]]:
    """First and end (exclusive) of the episodes; none where nothing moves."""
    found: list[tuple[int, int]] = []
    longest = round(rules.split_s / dt_s) if rules.split_s else len(moving)
    for first, end in runs_of(moving):
        if found and first - found[-1][1] <= longest:
            found[-1] = (found[-1][0], end)
        else:
            found.append((first, end))
    keep = round(rules.keep_s / dt_s)
    return [(max(0, first - keep), min(len(moving), end + keep)) for first, end in found]


def long_rests(moving: NDArray[np.bool_], dt_s: float) -> list[tuple[int, int]]:
    """Rests of at least REPORTED_S."""
    return [(a, b) for a, b in runs_of(~moving) if (b - a) * dt_s >= REPORTED_S - 1e-9]
