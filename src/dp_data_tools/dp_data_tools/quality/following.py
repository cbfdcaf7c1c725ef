# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Actions against the states that they ask for: the same, shifted or exchanged?"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence

from dp_data_tools.quality.episode import Array
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import METRE
from dp_data_tools.quality.episode import Pair
from dp_data_tools.quality.finding import ERROR
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import WARNING
from dp_data_tools.quality.lag import Lag
from dp_data_tools.quality.lag import MAX_EPISODES
from dp_data_tools.quality.lag import pairs_of
from dp_data_tools.quality.lag import typical_s
from dp_data_tools.quality.thresholds import Thresholds
import numpy as np

_OFFSETS = {'rad': 'offset_rad', 'm': 'offset_m'}
# A command is at rest that has changed by less than this part of its range in these times [s].
_REST_PART, _REST_S = 0.01, np.array([0.25, 0.5])
# Two numbers that move together by so much are the same one.
_SAME = 0.9


def check_identical(episodes: Sequence[Episode], source: str) -> Iterator[Finding]:
    """Actions that equal the state of the same row: a policy learns to stand still."""
    moved = []
    for episode in episodes:
        for pair in episode.pairs:
            asked_s, asked = episode.number(pair.action, pair.asked)
            times_s, values = episode.number(pair.state, pair.moved)
            if len(asked) != len(values) or not np.array_equal(asked_s, times_s):
                return
            if not np.allclose(asked, values, rtol=0.0, atol=1e-6):
                return
            moved.append(len(asked) > 0 and float(np.ptp(asked)) > 1e-6)
    if any(moved):
        message = 'actions equal the states of the same rows; a policy would learn to stand still'
        yield Finding('identical', ERROR, source, None, 'action', message)


def check_offset(
    episode: Episode, lags: Sequence[Lag], ranges: Array, limits: Thresholds
) -> Iterator[Finding]:
    """A constant difference between command and state: calibration that has drifted.

    Args:
        episode: one of those that ``lags`` is of.
        lags: one for each pair.
        ranges: (P,) usual range of the action of each pair, for numbers without unit.
        limits: allowed differences.
    """
    usual_s = typical_s(lags)
    for lag, extent in zip(lags, ranges):
        times_s, error = following_error(episode, lag, usual_s)
        if len(error) < 10:
            continue
        track = episode.track(lag.pair.action)
        if track is None:
            continue
        if track.unit == METRE and not extent:
            continue  # the height of a command that means a plane
        name = _OFFSETS.get(track.unit)
        allowed = getattr(limits, name) if name else limits.offset_part * float(extent)
        offset = float(np.median(error))
        scatter = float(np.median(np.abs(error - offset)))
        if allowed > 0.0 and abs(offset) > allowed and abs(offset) > 2 * scatter:
            unit = f' {track.unit}' if track.unit else ''
            degrees = f' ({np.degrees(offset):+.1f} degrees)' if track.unit == 'rad' else ''
            message = f'the state is constantly {offset:+.3g}{unit}{degrees} from the command'
            severity = ERROR if abs(offset) > limits.offset_error * allowed else WARNING
            figures = (offset, allowed, track.unit)
            place = (*episode.place, lag.pair.label)
            yield Finding('offset', severity, *place, message, None, *figures)


def following_error(episode: Episode, lag: Lag, usual_s: float | None) -> tuple[Array, Array]:
    """State less the command that it follows: times [s] and differences.

    Where no lag is known, only the times at which the command has been at rest for a while.
    """
    delay_s = lag.delay.delay_s if lag.delay is not None else usual_s
    asked_s, asked = episode.number(lag.pair.action, lag.pair.asked)
    times_s, values = episode.number(lag.pair.state, lag.pair.moved)
    if not len(asked_s):
        return np.zeros(0), np.zeros(0)
    if delay_s is None:
        least = _REST_PART * float(np.ptp(asked)) + 1e-9
        ago = np.interp(times_s[:, None] - _REST_S, asked_s, asked)  # (N, 2)
        now = np.interp(times_s, asked_s, asked)
        inside = (np.abs(ago - now[:, None]) < least).all(axis=1)
        return times_s[inside], (values - now)[inside]
    inside = (times_s - delay_s >= asked_s[0]) & (times_s - delay_s <= asked_s[-1])
    times_s, values = times_s[inside], values[inside]
    return times_s, values - np.interp(times_s - delay_s, asked_s, asked)


def check_exchanged(episodes: Sequence[Episode], source: str) -> Iterator[Finding]:
    """Numbers of the action that move like another number of the state than their own."""
    pairs = pairs_of(episodes)
    for group in dict.fromkeys((pair.action, pair.state) for pair in pairs):
        own = [pair for pair in pairs if (pair.action, pair.state) == group]
        alike = _likeness(episodes, own)
        for k, pair in enumerate(own):
            best = int(np.argmax(alike[k]))
            if best != k and alike[k, best] > _SAME and alike[k, k] < 0.5:
                other = f'{own[best].state}/{own[best].moved}'
                message = (
                    f'it moves like {other} (correlation {alike[k, best]:.2f}), not like its own '
                    f'state ({alike[k, k]:.2f})'
                )
                figures = (float(alike[k, best]), _SAME)
                yield Finding(
                    'exchanged', ERROR, source, None, pair.label, message, None, *figures
                )


def _likeness(episodes: Sequence[Episode], pairs: Sequence[Pair]) -> Array:
    """Correlation of the numbers of each action (P) with those of each state (P)."""
    asked, moved = [], []
    for episode in episodes[:: -(-len(episodes) // MAX_EPISODES)]:
        signals = [
            (*episode.number(p.action, p.asked), *episode.number(p.state, p.moved)) for p in pairs
        ]
        if all(len(s[0]) and len(s[2]) for s in signals):
            times_s = signals[0][2]
            for rows, t, v in ((asked, 0, 1), (moved, 2, 3)):
                columns = np.stack([np.interp(times_s, s[t], s[v]) for s in signals], axis=1)
                rows.append(columns - columns.mean(axis=0))
    if not asked:
        return np.zeros((len(pairs), len(pairs)))
    a, s = np.concatenate(asked), np.concatenate(moved)
    scale = np.outer(np.sqrt((a**2).sum(axis=0)), np.sqrt((s**2).sum(axis=0)))
    return np.asarray(a.T @ s / np.maximum(scale, 1e-12))
