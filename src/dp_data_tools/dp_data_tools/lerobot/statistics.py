# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""LeRobot's statistics of a feature, of each episode and of all, in memory that does not grow.

Pictures count in parts of 255, by channel, as arrays (3, 1, 1); one in ten is looked at.
"""

from __future__ import annotations

from typing import Any

from dp_core.errors import DatasetError
import numpy as np
from numpy.typing import NDArray

QUANTILES = {'q01': 0.01, 'q10': 0.1, 'q50': 0.5, 'q90': 0.9, 'q99': 0.99}
PICTURE_EVERY = 10
# Quantiles of a longer dataset are those of as many of its rows, evenly spaced.
MOST_ROWS = 200_000
Figures = dict[str, Any]


class NumberStatistics:
    """Of a feature of numbers."""

    def __init__(self, name: str, rows: int) -> None:
        """Begin a dataset of ``rows`` rows."""
        self._name, self._every = name, -(-rows // MOST_ROWS)
        self._seen = 0
        self._kept: list[NDArray[np.float64]] = []
        self._mean = self._squares = np.float64(0.0)
        self._low, self._high = np.float64(np.inf), np.float64(-np.inf)

    def add(self, values: NDArray[Any]) -> Figures:
        """Take an episode (T, D) in; return its own statistics.

        Raises:
            DatasetError: a value is not finite.
        """
        values = values.astype(np.float64)
        bad = ~np.isfinite(values)
        if bad.any():
            row = self._seen + int(np.argmax(bad.any(axis=1)))
            raise DatasetError(
                f'{self._name!r} has {bad.sum()} values that are not finite, the first in row '
                f'{row}; `dp_data_tools check` lists them, `convert --drop` leaves episodes out'
            )
        count, mean = len(values), values.mean(axis=0)
        squares = ((values - mean) ** 2).sum(axis=0)
        total, step = self._seen + count, mean - self._mean
        self._squares = self._squares + squares + step**2 * self._seen * count / total
        self._mean = self._mean + step * count / total
        self._low = np.minimum(self._low, values.min(axis=0))
        self._high = np.maximum(self._high, values.max(axis=0))
        self._kept.append(values[-self._seen % self._every :: self._every])
        self._seen = total
        std = np.sqrt(squares / count)
        return _figures(count, values.min(axis=0), values.max(axis=0), mean, std, values)

    def all(self) -> Figures:
        """Statistics of what was taken in."""
        std = np.sqrt(self._squares / self._seen)
        some = np.concatenate(self._kept)
        return _figures(self._seen, self._low, self._high, self._mean, std, some)


def _figures(
    count: int, low: Any, high: Any, mean: Any, std: Any, values: NDArray[np.float64]
) -> Figures:
    levels = np.quantile(values, list(QUANTILES.values()), axis=0)
    found = {'min': low, 'max': high, 'mean': mean, 'std': std, **dict(zip(QUANTILES, levels))}
    return {**{key: value.tolist() for key, value in found.items()}, 'count': [count]}


class PictureStatistics:
    """Of a camera: how often each of its channels has each of 256 values."""

    def __init__(self) -> None:
        """Begin a dataset."""
        self._counts = np.zeros((3, 256), dtype=np.int64)
        self._pictures = 0
        self._episode = np.zeros_like(self._counts)
        self._row = self._some = 0

    def add(self, pictures: NDArray[np.uint8]) -> None:
        """Take the next pictures (T, H, W, 3) of an episode in."""
        for picture in pictures[-self._row % PICTURE_EVERY :: PICTURE_EVERY]:
            for channel in range(3):
                self._episode[channel] += np.bincount(picture[..., channel].ravel(), minlength=256)
            self._some += 1
        self._row += len(pictures)

    def end(self) -> Figures:
        """End the episode; return its statistics."""
        figures = _of_counts(self._episode, self._some)
        self._counts += self._episode
        self._pictures += self._some
        self._episode[:] = 0
        self._row = self._some = 0
        return figures

    def all(self) -> Figures:
        """Statistics of all episodes that ended."""
        return _of_counts(self._counts, self._pictures)


def _of_counts(counts: NDArray[np.int64], pictures: int) -> Figures:
    values = np.arange(256) / 255.0
    pixels = counts[0].sum()
    mean = counts @ values / pixels
    std = np.sqrt(np.maximum(0.0, counts @ values**2 / pixels - mean**2))
    below = np.cumsum(counts, axis=1)
    found = {
        'min': values[np.argmax(counts > 0, axis=1)],
        'max': values[255 - np.argmax(counts[:, ::-1] > 0, axis=1)],
        'mean': mean,
        'std': std,
    }
    for name, level in QUANTILES.items():
        found[name] = values[np.argmax(below >= level * pixels, axis=1)]
    return {
        **{name: value.reshape(3, 1, 1).tolist() for name, value in found.items()},
        'count': [pictures],
    }
