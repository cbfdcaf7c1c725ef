# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Single numbers: not a number, never changing, torn by spikes, or outside their limits."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence

from dp_data_tools.quality.episode import Array
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import METRE
from dp_data_tools.quality.episode import Track
from dp_data_tools.quality.finding import ERROR
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import INFO
from dp_data_tools.quality.finding import WARNING
from dp_data_tools.quality.thresholds import Thresholds
import numpy as np

# Signals quicker than this are averaged first; the third difference of a 500 Hz encoder is its
# own steps [s].
STEP_S = 0.02
# A number that stays within this part of its size is constant: float32 rounds by 6e-8 of it.
CONSTANT = 1e-6


def check_finite(episode: Episode) -> Iterator[Finding]:
    """NaN and infinity."""
    for track in episode.tracks:
        for dim in range(len(track.dims)):
            bad = np.flatnonzero(~np.isfinite(track.values[:, dim]))
            if len(bad):
                message = f'{len(bad)} of {len(track.values)} values are NaN, infinite or missing'
                figures = (float(track.times_s[bad[0]]), float(len(bad)), 0.0, 'values')
                yield Finding(
                    'not_finite', ERROR, *episode.place, track.label(dim), message, *figures
                )


def check_constant(episodes: Sequence[Episode], source: str) -> Iterator[Finding]:
    """Numbers that never change, or stand still in one episode while they move in most."""
    constant: dict[str, list[str]] = {}
    dims: dict[str, int] = {}
    for label, places in _by_label(episodes).items():
        extents = np.array([_extent(track, dim) for _, track, dim in places])  # (E, 2)
        low, high = float(extents[:, 0].min()), float(extents[:, 1].max())
        if not np.isfinite(high):
            continue
        track = places[0][1]
        dims[track.name] = len(track.dims)
        least = CONSTANT * max(1.0, abs(low), abs(high))
        if high - low <= least:
            constant.setdefault(track.name, []).append(f'{track.dims[places[0][2]]} ({low:.4g})')
            continue
        still = np.flatnonzero(extents[:, 1] - extents[:, 0] <= least)
        if len(places) >= 5 and len(still) <= 0.1 * len(places):
            for k in still:
                message = (
                    f'always {extents[k, 0]:.4g} in this episode; it moves in '
                    f'{len(places) - len(still)} of {len(places)}'
                )
                yield Finding('stuck', WARNING, *places[k][0].place, label, message)
    index = episodes[0].index if len(episodes) == 1 else None
    # A pose in a bag need not be used whole; what a dataset holds is what a policy sees.
    planes = {t.name for e in episodes if e.stamps for t in e.tracks if t.unit == METRE}
    for name, still_dims in constant.items():
        severity = INFO if name in planes else WARNING
        message = (
            f'{len(still_dims)} of {dims[name]} numbers never change: {", ".join(still_dims)}'
        )
        figures = (float(len(still_dims)), 0.0, 'numbers')
        yield Finding('zero_variance', severity, source, index, name, message, None, *figures)


def check_jerk(episodes: Sequence[Episode], limits: Thresholds) -> Iterator[Finding]:
    """Jerks far beyond the usual ones of that number over all episodes."""
    for label, places in _by_label(episodes).items():
        found = [_jerks(track, dim) for _, track, dim in places]
        pooled = np.concatenate([np.abs(jerk) for _, jerk, _ in found])
        if len(pooled) < 20:
            continue
        scale = float(np.percentile(pooled, 95)) / 1.96  # a standard deviation, were they normal
        extents = np.array([_extent(track, dim) for _, track, dim in places])
        least = limits.jerk_part * float(extents[:, 1].max() - extents[:, 0].min())
        if scale <= 0.0:
            continue  # a switch: almost always at rest, and every change of it is a step
        for (episode, track, _), (times_s, jerk, step_s) in zip(places, found):
            # A spike of height h has third differences of up to 3 h.
            high = np.abs(jerk) * step_s**3 / 3 >= least
            out = np.flatnonzero((np.abs(jerk) > limits.jerk_z * scale) & high)
            if len(out):
                worst = out[np.argmax(np.abs(jerk[out]))]
                message = (
                    f'{len(out)} jerks beyond all others, up to {abs(jerk[worst]):.3g} '
                    f'{track.unit or "units"}/s^3 (usual: {scale:.3g})'
                )
                figures = (float(abs(jerk[worst]) / scale), limits.jerk_z, 'z')
                spans = tuple((float(t - step_s), float(t + step_s)) for t in times_s[out[:50]])
                at_s = float(times_s[worst])
                yield Finding(
                    'jerk', WARNING, *episode.place, label, message, at_s, *figures, spans
                )


def check_limits(episode: Episode) -> Iterator[Finding]:
    """Numbers beyond the limits of the contract or the robot."""
    for track in episode.tracks:
        commanded = track in episode.actions
        for dim in range(len(track.dims)):
            times_s, values = track.finite(dim)
            low, high = track.low[dim], track.high[dim]
            beyond = np.maximum(low - values, values - high)
            # Measured joints overshoot a little, and floats round.
            out = np.flatnonzero(beyond > (1e-4 if commanded else 0.01))
            if len(out):
                worst = out[np.argmax(beyond[out])]
                limit = low if values[worst] < low else high
                message = (
                    f'{len(out)} of {len(values)} values outside [{low:g}, {high:g}], '
                    f'up to {values[worst]:g} {track.unit}'
                ).rstrip()
                figures = (float(times_s[worst]), float(values[worst]), float(limit), track.unit)
                severity = ERROR if commanded else WARNING
                yield Finding(
                    'limit', severity, *episode.place, track.label(dim), message, *figures
                )


def even(track: Track, dim: int) -> tuple[Array, Array, float]:
    """One number at even times: times [s], values and the step between them [s]."""
    times_s, values = track.finite(dim)
    if len(times_s) < 4:
        return times_s, values, STEP_S
    usual_s = float(np.median(np.diff(times_s)))
    if usual_s >= STEP_S / 1.5:
        step_s = usual_s
        grid_s = np.arange(times_s[0], times_s[-1] + step_s / 2, step_s)
        return grid_s, np.interp(grid_s, times_s, values), step_s
    edges_s = np.arange(times_s[0], times_s[-1], STEP_S)
    bins = np.searchsorted(edges_s, times_s, side='right') - 1
    counts = np.bincount(bins, minlength=len(edges_s))
    full = counts > 0
    means, centres_s = (
        np.bincount(bins, column, minlength=len(edges_s))[full] / counts[full]
        for column in (values, times_s)
    )
    grid_s = edges_s[:-1] + STEP_S / 2  # the last bin may be half empty
    return grid_s, np.interp(grid_s, centres_s, means), STEP_S


def _jerks(track: Track, dim: int) -> tuple[Array, Array, float]:
    """Times [s], jerks [unit/s^3] and the step [s]."""
    times_s, values, step_s = even(track, dim)
    if len(values) < 4:
        return np.zeros(0), np.zeros(0), step_s
    return times_s[:-3] + 1.5 * step_s, np.diff(values, n=3) / step_s**3, step_s


def _extent(track: Track, dim: int) -> tuple[float, float]:
    _, values = track.finite(dim)
    return (float(values.min()), float(values.max())) if len(values) else (np.inf, -np.inf)


def _by_label(episodes: Sequence[Episode]) -> dict[str, list[tuple[Episode, Track, int]]]:
    """Where each number is, over all episodes."""
    places: dict[str, list[tuple[Episode, Track, int]]] = {}
    for episode in episodes:
        for track in episode.tracks:
            for dim in range(len(track.dims)):
                places.setdefault(track.label(dim), []).append((episode, track, dim))
    return places
