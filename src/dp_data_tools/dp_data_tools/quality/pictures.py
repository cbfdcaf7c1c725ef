# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Cameras that froze, went black, repeat their pictures or change their format."""

from __future__ import annotations

from collections.abc import Iterator

from dp_data_tools.idle import runs_of
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import Pictures
from dp_data_tools.quality.finding import ERROR
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import INFO
from dp_data_tools.quality.finding import WARNING
from dp_data_tools.quality.thresholds import Thresholds
import numpy as np


def check_pictures(episode: Episode, limits: Thresholds) -> Iterator[Finding]:
    """All checks of all cameras."""
    for camera in episode.pictures:
        if len(camera.times_s):
            yield from _check_frozen(episode, camera, limits)
            yield from _check_dark(episode, camera, limits)
            yield from _check_format(episode, camera)


def _check_frozen(episode: Episode, camera: Pictures, limits: Thresholds) -> Iterator[Finding]:
    times_s, place = camera.times_s, (*episode.place, camera.name)
    runs = [
        (float(times_s[max(0, a - 1)]), float(times_s[b - 1])) for a, b in runs_of(camera.repeats)
    ]
    long = [run for run in runs if run[1] - run[0] > limits.frozen_s]
    if long:
        # A picture of a scene at rest may repeat in a simulation; one of a moving arm may not.
        moved = [_motion(episode, run) for run in long]
        known = [m for m in moved if m is not None]
        worst = int(np.argmax([run[1] - run[0] for run in long]))
        severity, words = (INFO, ' while nothing moves') if known else (WARNING, '')
        if known and max(known) > limits.moving:
            worst = int(np.argmax([m or 0.0 for m in moved]))
            severity, words = ERROR, f' while the arm moves by {max(known):.2f}'
        length_s = long[worst][1] - long[worst][0]
        times = f', {len(long)} times' if len(long) > 1 else ''
        message = f'the same picture for {length_s:.2f} s{words}{times}'
        figures = (length_s, limits.frozen_s, 's', tuple(long))
        yield Finding('frozen', severity, *place, message, long[worst][0], *figures)
    short = int(camera.repeats.sum())
    short -= sum(int(((times_s > a) & (times_s <= b)).sum()) for a, b in long)
    part = short / len(times_s)
    if part > limits.repeated:
        message = f'{part:.0%} of the pictures equal the one before'
        figures_part = (part * 100, limits.repeated * 100, '%')
        yield Finding('repeated', WARNING, *place, message, None, *figures_part)


def _check_dark(episode: Episode, camera: Pictures, limits: Thresholds) -> Iterator[Finding]:
    with np.errstate(invalid='ignore'):
        black = camera.mean <= limits.dark
        flat = (camera.spread <= limits.flat) & ~black
    for check, flags, words, values, limit in (
        ('black', black, 'black', camera.mean, limits.dark),
        ('flat', flat, 'of one colour', camera.spread, limits.flat),
    ):
        if flags.any():
            times_s = camera.times_s
            spans = tuple((float(times_s[a]), float(times_s[b - 1])) for a, b in runs_of(flags))
            message = f'{int(flags.sum())} of {len(flags)} pictures are {words}'
            figures = (float(values[flags].min()), limit, 'of 255', spans)
            yield Finding(
                check, ERROR, *episode.place, camera.name, message, spans[0][0], *figures
            )


def _check_format(episode: Episode, camera: Pictures) -> Iterator[Finding]:
    place = (*episode.place, camera.name)
    if len(camera.formats) > 1:
        names = [words for _, words in camera.formats]
        message = f'the format changes {len(names) - 1} times: {", then ".join(names[:3])}'
        at_s = float(camera.times_s[camera.formats[1][0]])
        yield Finding('format', ERROR, *place, message, at_s)
    if camera.broken:
        count = len(camera.broken)
        message = f'{count} of {len(camera.times_s)} pictures cannot be decoded'
        at_s = float(camera.times_s[camera.broken[0]])
        yield Finding('broken', ERROR, *place, message, at_s, float(count), 0.0, 'pictures')


def _motion(episode: Episode, run: tuple[float, float]) -> float | None:
    """Largest way of one number of the states in a time; None where nothing is known."""
    ways = []
    for track in episode.states:
        if not track.unit:
            continue
        for dim in range(len(track.dims)):
            times_s, values = track.finite(dim)
            inside = values[(times_s >= run[0]) & (times_s <= run[1])]
            if len(inside):
                ways.append(float(np.ptp(inside)))
    return max(ways, default=None)
