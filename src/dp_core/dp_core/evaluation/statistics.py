# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Intervals that belong to every reported number."""

from collections.abc import Sequence
import math
from typing import Any

from dp_core.errors import ConfigError
import numpy as np


def bootstrap_mean_interval(
    values: Sequence[float], level: float = 0.95, draws: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of `values`."""
    if not values:
        raise ConfigError('an interval needs at least one value, got none')
    sample = np.asarray(values, dtype=np.float64)
    rows = np.random.default_rng(seed).integers(len(sample), size=(draws, len(sample)))
    means = sample[rows].mean(axis=1)
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(means, [tail, 100.0 - tail])
    return float(low), float(high)


def paired_difference(first: Sequence[float], second: Sequence[float]) -> dict[str, Any]:
    """Return mean and 95 % bootstrap interval of first - second, value by value."""
    differences = np.subtract(first, second).tolist()
    low, high = bootstrap_mean_interval(differences)
    return {'mean': float(np.mean(differences)), 'ci95': [low, high]}


def wilson_interval(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson score interval of a success rate (z = 1.96 for 95 %)."""
    if not 0 <= successes <= trials or trials < 1:
        raise ConfigError(f'{successes} successes of {trials} trials are not a rate')
    rate = successes / trials
    denominator = 1.0 + z * z / trials
    centre = (rate + z * z / (2 * trials)) / denominator
    half = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials**2)) / denominator
    return max(0.0, centre - half), min(1.0, centre + half)
