# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Actions that cannot be followed: too quick for the joints, or so that the arm stays behind."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence

from dp_data_tools.idle import runs_of
from dp_data_tools.quality.episode import Array
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import METRE
from dp_data_tools.quality.episode import RADIAN
from dp_data_tools.quality.episode import Track
from dp_data_tools.quality.finding import ERROR
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import WARNING
from dp_data_tools.quality.following import following_error
from dp_data_tools.quality.lag import Lag
from dp_data_tools.quality.lag import typical_s
from dp_data_tools.quality.signals import even
from dp_data_tools.quality.thresholds import Thresholds
import numpy as np

_SUFFIX = {RADIAN: 'rad', METRE: 'm'}


def check_reach(episode: Episode, limits: Thresholds) -> Iterator[Finding]:
    """Commanded velocities and accelerations beyond the robot's."""
    for track in episode.actions:
        if track.unit not in _SUFFIX:
            continue  # a limit needs a unit
        for dim in range(len(track.dims)):
            times_s, values, step_s = even(track, dim)
            if len(values) >= 4:
                yield from _check_speed(episode, track, dim, times_s, values, step_s, limits)


def check_obeyed(episode: Episode, lags: Sequence[Lag], limits: Thresholds) -> Iterator[Finding]:
    """Times in which the arm does not do what it is told, lag and constant offset removed."""
    usual_s = typical_s(lags)
    for lag in lags if usual_s is not None else ():
        times_s, error = following_error(episode, lag, usual_s)
        track = episode.track(lag.pair.action) if len(error) else None
        if track is None or track.unit not in _SUFFIX:
            continue
        error = np.abs(error - np.median(error))
        allowed = getattr(limits, f'follow_{_SUFFIX[track.unit]}')
        runs = runs_of(error > allowed)
        spans = [(float(times_s[a]), float(times_s[b - 1])) for a, b in runs]
        long = [span for span in spans if span[1] - span[0] > limits.follow_s]
        if long:
            worst = int(np.argmax(error))
            message = (
                f'the arm stays up to {error[worst]:.2f} {track.unit} behind its command, for '
                f'{max(b - a for a, b in long):.2f} s'
            )
            figures = (float(times_s[worst]), float(error[worst]), allowed, track.unit)
            place = (*episode.place, lag.pair.label)
            yield Finding('not_followed', ERROR, *place, message, *figures, tuple(long))


def _check_speed(
    episode: Episode,
    track: Track,
    dim: int,
    times_s: Array,
    values: Array,
    step_s: float,
    limits: Thresholds,
) -> Iterator[Finding]:
    suffix = _SUFFIX[track.unit]
    robots = float(track.velocity[dim])
    velocity = robots if np.isfinite(robots) else getattr(limits, f'velocity_{suffix}')
    for order, check, severity, limit in (
        (1, 'velocity', ERROR, velocity),
        (2, 'acceleration', WARNING, getattr(limits, f'acceleration_{suffix}')),
    ):
        asked = np.abs(np.diff(values, n=order)) / step_s**order
        unit = f'{track.unit}/s' + ('^2' if order == 2 else '')
        out = np.flatnonzero(asked > limit * 1.001)
        if len(out):
            worst = out[np.argmax(asked[out])]
            message = (
                f'the {check} asked for reaches {asked[worst]:.2f} {unit}, {len(out)} times '
                f'beyond {limit:.2f} {unit}'
            )
            figures = (float(times_s[worst]), float(asked[worst]), float(limit), unit)
            spans = tuple(
                (float(times_s[k]), float(times_s[k] + order * step_s)) for k in out[:50]
            )
            place = (*episode.place, track.label(dim))
            yield Finding(check, severity, *place, message, *figures, spans)
            return  # what is too quick is also too sudden
