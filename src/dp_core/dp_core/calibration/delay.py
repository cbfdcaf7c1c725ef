# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""By how much one recorded signal comes after another one: cross-correlation, with its error.

For each delay of a grid the reference, that much earlier, is fitted to the values by least
squares. The part of the values' variation that it explains is, for one number, the square of the
normalised cross-correlation; its maximum, between the points of the grid by a parabola, is the
delay. The reference is interpolated at the stamps of the values, so that jitter, gaps and lost
messages need no repair. The error is a jackknife over pieces of time: what the result would have
been without each tenth of the recording. It sees noise that lasts, which a formula would not.
"""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.errors import CalibrationError
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

GRID_S = 0.002
# Half the width of the parabola [s]; a maximum this near to the end of the search is none.
PEAK_S = 0.024
PIECES = 10
MIN_SAMPLES = 5 * PIECES
# Another maximum so high, as a part of the highest, could be the true one as well.
RIVAL = 0.9


@dataclass(frozen=True)
class Signal:
    """Numbers in time.

    Attributes:
        times_s: (N,) increasing [s].
        values: (N, C).
    """

    times_s: Array
    values: Array

    def __post_init__(self) -> None:
        """Refuse what cannot be correlated."""
        if self.values.ndim != 2 or len(self.times_s) != len(self.values):
            raise CalibrationError(
                f'values are {self.values.shape} for {len(self.times_s)} times, valid: (N, C)'
            )
        if not (np.isfinite(self.times_s).all() and np.isfinite(self.values).all()):
            raise CalibrationError('a signal contains NaN or infinity')
        if not (np.diff(self.times_s) > 0).all():
            raise CalibrationError('the times of a signal do not increase')

    def at(self, times_s: Array) -> Array:
        """Linearly interpolated values (..., C) at ``times_s`` (...), held beyond both ends."""
        flat = times_s.ravel()
        columns = [np.interp(flat, self.times_s, column) for column in self.values.T]
        return np.stack(columns, axis=-1).reshape(*times_s.shape, -1)


@dataclass(frozen=True)
class Search:
    """Which delays are possible, and what a result must be to count.

    Attributes:
        least_s, most_s: range of the delay [s].
        min_explained: part of the values' variation that the reference must explain.
        max_uncertainty_s: largest standard error [s].
    """

    least_s: float = -0.1
    most_s: float = 0.5
    min_explained: float = 0.5
    max_uncertainty_s: float = 0.005


@dataclass(frozen=True)
class Delay:
    """What was found.

    Attributes:
        delay_s: the values come so much after the reference [s].
        uncertainty_s: standard error [s].
        explained: part of the values' variation that the delayed reference explains, 0 to 1.
        gain: change of the first value per change of the first number of the reference.
        samples: number of values used.
    """

    delay_s: float
    uncertainty_s: float
    explained: float
    gain: float
    samples: int


def estimate_delay(values: Signal, reference: Signal, search: Search = Search()) -> Delay:
    """Find the delay after which ``values`` are best explained by ``reference``.

    Args:
        values: what reacts; each of its C numbers is fitted for itself.
        reference: what it reacts to; all of its numbers together explain the values.
        search: where to look, and how good the result must be.

    Raises:
        CalibrationError: too few samples, no clear maximum, or too uncertain; says what helps.
    """
    count = len(values.times_s)
    if count < MIN_SAMPLES:
        raise CalibrationError(f'only {count} samples, valid: {MIN_SAMPLES} or more')
    delays_s = np.arange(search.least_s, search.most_s + GRID_S / 2, GRID_S)
    fit = _Fit(values, reference, delays_s)
    explained = fit.explained(None)
    best = int(np.argmax(explained))
    _require_clear_maximum(explained, best, delays_s, search)
    delay_s = _peak(explained[None], best, delays_s)[0][0]
    without = _peak(fit.explained_without_each(), best, delays_s)[0]  # (PIECES,)
    uncertainty_s = float(np.sqrt((PIECES - 1) / PIECES * ((without - without.mean()) ** 2).sum()))
    if uncertainty_s > search.max_uncertainty_s:
        raise CalibrationError(
            f'a delay of {delay_s * 1e3:.0f} ms is uncertain by {uncertainty_s * 1e3:.1f} ms, '
            f'allowed are {search.max_uncertainty_s * 1e3:.1f}: the motion is too slow or too '
            'small, or the signal too noisy'
        )
    return Delay(float(delay_s), uncertainty_s, float(explained[best]), fit.gain(best), count)


def least_unexplained(values: Signal, reference: Signal, delays_s: Array) -> tuple[float, float]:
    """Part of the values' variation that no delay of a grid explains, and the best delay [s]."""
    explained = _Fit(values, reference, delays_s).explained(None)
    reach = round(PEAK_S / GRID_S)
    best = int(np.clip(np.argmax(explained), reach, len(explained) - 1 - reach))
    peak_s, height = _peak(explained[None], best, delays_s)
    return 1.0 - float(height[0]), float(peak_s[0])


class _Fit:
    """Least squares of the values on the reference at each delay, by pieces of time."""

    def __init__(self, values: Signal, reference: Signal, delays_s: Array):
        y = values.values - values.values.mean(axis=0)  # (N, C)
        x = reference.at(values.times_s[None] - delays_s[:, None])  # (S, N, B)
        scale = np.maximum(x.std(axis=(0, 1)), 1e-12)
        self._scale = float(scale[0])
        x = np.concatenate([(x - x.mean(axis=(0, 1))) / scale, np.ones((*x.shape[:2], 1))], axis=2)
        cuts = np.linspace(0, len(y), PIECES + 1).astype(int)
        pieces = [slice(a, b) for a, b in zip(cuts, cuts[1:])]
        # (PIECES, S, B + 1, B + 1), (PIECES, S, B + 1, C), (PIECES, C), (PIECES, C), (PIECES,)
        self._xx = np.stack([np.einsum('snb,snc->sbc', x[:, p], x[:, p]) for p in pieces])
        self._xy = np.stack([np.einsum('snb,nc->sbc', x[:, p], y[p]) for p in pieces])
        self._yy = np.stack([(y[p] ** 2).sum(axis=0) for p in pieces])
        self._y = np.stack([y[p].sum(axis=0) for p in pieces])
        self._n = np.array([len(y[p]) for p in pieces], dtype=np.float64)

    def explained(self, without: int | None) -> Array:
        """Part of the variation that each delay explains (S,); without one piece, or with all."""
        keep = np.arange(PIECES) != (-1 if without is None else without)
        xx, xy = self._xx[keep].sum(axis=0), self._xy[keep].sum(axis=0)
        total = self._yy[keep].sum(axis=0) - self._y[keep].sum(axis=0) ** 2 / self._n[keep].sum()
        fitted = (xy * self._slopes(xx, xy)).sum(axis=1)  # (S, C)
        mean = self._y[keep].sum(axis=0) ** 2 / self._n[keep].sum()
        return np.asarray((fitted - mean).sum(axis=1) / max(float(total.sum()), 1e-300))

    def explained_without_each(self) -> Array:
        """The same, leaving out each piece in turn (PIECES, S)."""
        return np.stack([self.explained(piece) for piece in range(PIECES)])

    def gain(self, delay: int) -> float:
        """Slope of the first value over the first number of the reference."""
        xx, xy = self._xx[:, delay].sum(axis=0), self._xy[:, delay].sum(axis=0)
        return float(self._slopes(xx, xy)[0, 0]) / self._scale

    @staticmethod
    def _slopes(xx: Array, xy: Array) -> Array:
        size = xx.shape[-1]
        little = 1e-9 * np.trace(xx, axis1=-2, axis2=-1)[..., None, None]  # a still reference
        return np.asarray(np.linalg.solve(xx + little * np.eye(size) / size, xy))


def _require_clear_maximum(explained: Array, best: int, delays_s: Array, search: Search) -> None:
    reach = round(PEAK_S / GRID_S)
    if explained[best] < search.min_explained:
        raise CalibrationError(
            f'at no delay of {search.least_s * 1e3:.0f} to {search.most_s * 1e3:.0f} ms more '
            f'than {max(0.0, float(explained[best])):.0%} of the signal is explained, needed '
            f'are {search.min_explained:.0%}: it does not follow, or is too noisy'
        )
    if best < reach or best + reach >= len(explained):
        raise CalibrationError(
            f'the signal follows best at {delays_s[best] * 1e3:.0f} ms, the end of the range '
            f'{search.least_s * 1e3:.0f} to {search.most_s * 1e3:.0f} ms: the clocks of two '
            'computers disagree, or it is even later'
        )
    inner = explained[1:-1]
    maxima = np.flatnonzero((inner >= explained[:-2]) & (inner >= explained[2:])) + 1
    rivals = [
        k for k in maxima if abs(k - best) > reach and explained[k] > RIVAL * explained[best]
    ]
    if rivals:
        raise CalibrationError(
            f'delays of {delays_s[best] * 1e3:.0f} and {delays_s[rivals[0]] * 1e3:.0f} ms '
            'explain the signal about as well: the motion repeats itself'
        )


def _peak(explained: Array, best: int, delays_s: Array) -> tuple[Array, Array]:
    """Maximum of a parabola through the points around ``best``, for each row (R, S).

    Returns:
        Where it lies (R,) [s], and its height (R,).
    """
    reach = round(PEAK_S / GRID_S)
    offsets = np.arange(-reach, reach + 1) * GRID_S
    window = explained[:, best - reach : best + reach + 1].T
    top, slope, square = np.polynomial.polynomial.polyfit(offsets, window, 2)
    curvature = np.minimum(square, -1e-12)  # a valley has its maximum far away
    vertex_s = np.clip(-slope / (2 * curvature), -2 * PEAK_S, 2 * PEAK_S)
    height = top + slope * vertex_s + square * vertex_s**2
    return np.asarray(delays_s[best] + vertex_s), np.asarray(height)
