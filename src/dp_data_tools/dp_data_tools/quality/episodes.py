# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Episodes among each other: of odd length, the same twice, or idle at their ends."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
import hashlib

from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.finding import ERROR
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import WARNING
from dp_data_tools.quality.thresholds import Thresholds
import numpy as np

# A number that changes by less than this part of its range is at rest.
_REST = 0.005


def check_lengths(episodes: Sequence[Episode], limits: Thresholds) -> Iterator[Finding]:
    """Episodes much shorter or longer than the others."""
    if len(episodes) < 5:
        return
    lengths = np.log([max(episode.duration_s, 1e-3) for episode in episodes])
    middle = float(np.median(lengths))
    scatter = 1.4826 * float(np.median(np.abs(lengths - middle)))
    for episode, length in zip(episodes, lengths):
        far = abs(length - middle)
        if far > np.log(limits.length_ratio) and far > limits.length_z * scatter:
            usual_s, words = float(np.exp(middle)), 'longer' if length > middle else 'shorter'
            message = (
                f'{episode.duration_s:.1f} s, {np.exp(far):.1f} times {words} than the usual '
                f'{usual_s:.1f} s'
            )
            figures = (episode.duration_s, usual_s, 's')
            yield Finding('length', WARNING, *episode.place, '', message, None, *figures)


def check_duplicates(episodes: Sequence[Episode]) -> Iterator[Finding]:
    """Episodes whose numbers are the same, value by value."""
    seen: dict[bytes, Episode] = {}
    for episode in episodes:
        if not any(track.values.size for track in episode.tracks):
            continue
        digest = hashlib.sha256()
        for track in episode.tracks:
            digest.update(track.name.encode() + track.values.tobytes())
        first = seen.setdefault(digest.digest(), episode)
        if first is not episode:
            message = f'the same numbers as episode {first.index} of {first.source}'
            yield Finding('duplicate', ERROR, *episode.place, '', message)


def check_idle(episodes: Sequence[Episode], limits: Thresholds) -> Iterator[Finding]:
    """Rest at the start or the end of an episode, which a policy learns as well."""
    ranges: dict[str, float] = {}
    for episode in episodes:
        for track in episode.tracks:
            for dim in range(len(track.dims)):
                _, values = track.finite(dim)
                extent = float(np.ptp(values)) if len(values) else 0.0
                label = track.label(dim)
                ranges[label] = max(ranges.get(label, 0.0), extent)
    for episode in episodes:
        first_s, last_s = episode.duration_s, 0.0
        for track in episode.tracks:
            for dim in range(len(track.dims)):
                times_s, values = track.finite(dim)
                least = _REST * ranges[track.label(dim)]
                if len(values) and least > 0.0:
                    left = np.flatnonzero(np.abs(values - values[0]) > least)
                    not_yet = np.flatnonzero(np.abs(values - values[-1]) > least)
                    # What leaves its first value only to be near its last one has no end.
                    if len(left):
                        first_s = min(first_s, float(times_s[left[0]]))
                    if len(not_yet):
                        last_s = max(last_s, float(times_s[not_yet[-1]]))
        rests = (('start', 0.0, first_s), ('end', last_s, episode.duration_s))
        for name, begin_s, end_s in rests:
            if end_s - begin_s > limits.idle_s:
                length_s = end_s - begin_s
                where = f'at the {name}' if length_s < episode.duration_s else 'from start to end'
                message = f'nothing moves for {length_s:.1f} s {where}'
                figures = (length_s, limits.idle_s, 's', ((begin_s, end_s),))
                yield Finding('idle', WARNING, *episode.place, '', message, begin_s, *figures)
            if first_s >= episode.duration_s:
                break  # at rest all the time: once is enough
