# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Min-max normalisation: each number of a stream to [-1, 1] over the training data, and back.

Not zero mean and unit variance: sampling clips each guess to [-1, 1], so actions beyond could
never be reached (Chi et al., 2303.04137v5, "Normalization").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dp_core.errors import CheckpointError
from dp_core.errors import DatasetError
import numpy as np
from numpy.typing import NDArray

ACTION = 'action'
_CONSTANT = 1e-6  # a span below this, relative to the magnitude, counts as constant
# A span below this, in the stream's units, is taken to be noise when limits are fitted; what was
# fitted before keeps its limits. The original's range_eps.
_NOISE = 1e-4


@dataclass(frozen=True)
class MinMax:
    """Limits of one stream in its own units; `low` and `high` are (dim,) float32.

    A dimension that is constant in the training data maps to 0, whatever its value, and back to
    that constant: it carries no information, and dividing by its span would amplify noise.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Refuse limits that are not finite or out of order."""
        if self.low.shape != self.high.shape or self.low.ndim != 1:
            raise CheckpointError(f'limits have shapes {self.low.shape} and {self.high.shape}')
        if not (np.isfinite(self.low).all() and np.isfinite(self.high).all()):
            raise CheckpointError('limits contain NaN or infinity')
        if (self.low > self.high).any():
            raise CheckpointError(f'limits out of order: low {self.low}, high {self.high}')

    @classmethod
    def fit(cls, values: NDArray[np.float32], name: str, channels: int = 0) -> MinMax:
        """Take the limits of values (N, dim); `name` is for the error message.

        A dimension that varies by less than 1e-4 gets its middle as both limits. Of a stream with
        several samples for a tick (dim = samples * channels) all samples of a channel get the
        same limits: a force is as strong whenever it was felt.
        """
        if values.ndim != 2 or not len(values):
            raise DatasetError(f'{name}: expected frames of numbers (N, dim), got {values.shape}')
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(bad):
            raise DatasetError(
                f'{name}: {len(bad)} of {len(values)} frames contain NaN or infinity, '
                f'the first is frame {bad[0]}'
            )
        low, high = values.min(axis=0).astype(np.float32), values.max(axis=0).astype(np.float32)
        if channels:
            samples = len(low) // channels
            low = np.tile(low.reshape(-1, channels).min(axis=0), samples)
            high = np.tile(high.reshape(-1, channels).max(axis=0), samples)
        still = high - low < _NOISE
        middle = (low + high) / 2
        return cls(np.where(still, middle, low), np.where(still, middle, high))

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Which dimensions do not vary, (dim,)."""
        magnitude = np.maximum(1.0, np.maximum(abs(self.low), abs(self.high)))
        return np.asarray(self.high - self.low <= _CONSTANT * magnitude)

    def reach(self, other: MinMax) -> NDArray[np.float64]:
        """Farthest that other limits lie from 0, (dim,), when mapped by these: 1 at these.

        Infinite where a dimension is constant by these limits, 0 where it is so by both together.
        """
        both = MinMax(np.minimum(self.low, other.low), np.maximum(self.high, other.high))
        still = both.constant | (both.high - both.low < _NOISE)
        ends = (np.array([other.low, other.high], np.float64) - self._middle) / self._half_span
        reach = np.where(self.constant, np.inf, abs(ends).max(axis=0))
        return np.where(still, 0.0, reach)

    @property
    def _middle(self) -> NDArray[np.float32]:
        return np.asarray((self.low + self.high) / 2, dtype=np.float32)

    @property
    def _half_span(self) -> NDArray[np.float32]:
        return np.where(self.constant, 1.0, (self.high - self.low) / 2).astype(np.float32)

    def normalize(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map values (..., dim) from their units to [-1, 1]."""
        unit = (values - self._middle) / self._half_span
        return np.where(self.constant, 0.0, unit).astype(np.float32)

    def unnormalize(self, unit: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map unit (..., dim) from [-1, 1] back to the stream's units."""
        values = np.where(self.constant, 0.0, unit) * self._half_span + self._middle
        return values.astype(np.float32)


@dataclass(frozen=True)
class Normalizer:
    """Limits of every low-dimensional stream and of the action, by name."""

    ranges: Mapping[str, MinMax]

    def __getitem__(self, name: str) -> MinMax:
        """Return the limits of stream `name`."""
        if name not in self.ranges:
            raise CheckpointError(f'no statistics for {name!r}; there are {sorted(self.ranges)}')
        return self.ranges[name]

    @classmethod
    def fit(
        cls, streams: Mapping[str, NDArray[np.float32]], channels: Mapping[str, int] | None = None
    ) -> Normalizer:
        """Take the limits of each stream (N, dim); see `MinMax.fit` for ``channels`` of some."""
        of = channels or {}
        return cls({n: MinMax.fit(values, n, of.get(n, 0)) for n, values in streams.items()})

    def constant_dimensions(self) -> dict[str, list[int]]:
        """Return the indices of constant dimensions for each stream that has any."""
        found = {name: np.flatnonzero(r.constant).tolist() for name, r in self.ranges.items()}
        return {name: indices for name, indices in found.items() if indices}

    def to_arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return plain arrays to store: `<stream>/low` and `<stream>/high`, each (dim,)."""
        arrays = {}
        for name, limits in self.ranges.items():
            arrays[f'{name}/low'] = limits.low
            arrays[f'{name}/high'] = limits.high
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float32]]) -> Normalizer:
        """Rebuild from the arrays of `to_arrays`."""
        names = {key.rpartition('/')[0] for key in arrays}
        missing = sorted({f'{n}/{side}' for n in names for side in ('low', 'high')} - set(arrays))
        if missing:
            raise CheckpointError(f'statistics lack {missing}')
        return cls({n: MinMax(arrays[f'{n}/low'], arrays[f'{n}/high']) for n in sorted(names)})
