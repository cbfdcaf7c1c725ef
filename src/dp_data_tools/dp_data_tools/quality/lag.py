# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How long after the action the state follows it, or the other way round.

The lag is the time after which the state is best explained by the action, by cross-correlation
(`dp_core.calibration.delay`), over all episodes together::

    lag > 0   the state follows the action: the arm obeys; usual are 20 to 300 ms
    lag < 0   the action follows the state: it was recorded or stamped too late, and a policy would
              learn to command what has already happened
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass

from dp_core.calibration.delay import Delay
from dp_core.calibration.delay import estimate_delay
from dp_core.calibration.delay import Search
from dp_core.calibration.delay import Signal
from dp_core.errors import CalibrationError
from dp_data_tools.quality.episode import Array
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import Pair
from dp_data_tools.quality.finding import ERROR
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import INFO
from dp_data_tools.quality.finding import WARNING
from dp_data_tools.quality.thresholds import Thresholds
import numpy as np
from scipy.interpolate import PchipInterpolator

SEARCH = Search(least_s=-0.5, most_s=1.0, min_explained=0.5, max_uncertainty_s=0.05)
MAX_EPISODES = 40
# Episodes are laid one after another with so much time between them, beyond any lag [s].
_APART_S = 10.0
_MAX_SAMPLES = 2000
# The reference is drawn as a smooth curve with points so far apart; a straight one between
# samples of 10 Hz has a correlation with corners [s].
_FINE_S = 0.01


@dataclass(frozen=True)
class Lag:
    """How the numbers of one action are followed.

    Attributes:
        pair: which numbers.
        delay: of the state after the action; None where the motion does not tell.
        why_not: the reason then.
    """

    pair: Pair
    delay: Delay | None
    why_not: str = ''


def lags_of(episodes: Sequence[Episode]) -> list[Lag]:
    """Lag of every pair that moves, over all episodes (at most 40 of them, evenly chosen)."""
    chosen = episodes[:: -(-len(episodes) // MAX_EPISODES)] if episodes else []
    found = []
    for pair in pairs_of(episodes):
        try:
            found.append(Lag(pair, _delay(chosen, pair)))
        except CalibrationError as error:
            found.append(Lag(pair, None, str(error)))
    return found


def pairs_of(episodes: Sequence[Episode]) -> list[Pair]:
    """Pairs that any episode has."""
    return list(dict.fromkeys(pair for episode in episodes for pair in episode.pairs))


def typical_s(lags: Sequence[Lag]) -> float | None:
    """Median lag [s]; None where no pair tells one."""
    known = [lag.delay.delay_s for lag in lags if lag.delay is not None]
    return float(np.median(known)) if known else None


def check_lag(
    episodes: Sequence[Episode], lags: Sequence[Lag], source: str, limits: Thresholds
) -> Iterator[Finding]:
    """Whether actions are late, or the arm is slow, or one episode differs from the others."""
    usual_s = typical_s(lags)
    index = episodes[0].index if len(episodes) == 1 else None
    if usual_s is None:
        return
    known = [(lag.pair.label, lag.delay.delay_s) for lag in lags if lag.delay is not None]
    each = ', '.join(f'{label} {delay_s * 1e3:+.0f} ms' for label, delay_s in known)
    if usual_s < -limits.late_s:
        check, severity, limit_s = 'action_late', ERROR, -limits.late_s
        message = (
            f'actions are late: they come {-usual_s * 1e3:.0f} ms AFTER the motion that they ask '
            f'for ({each})'
        )
    else:
        slow = usual_s > limits.slow_s
        check, severity = ('action_slow', WARNING) if slow else ('action_lag', INFO)
        limit_s = limits.slow_s
        message = f'the state follows the action after {usual_s * 1e3:.0f} ms ({each})'
    figures = (usual_s * 1e3, limit_s * 1e3, 'ms')
    yield Finding(check, severity, source, index, 'action', message, None, *figures)
    if len(episodes) > 1:
        yield from _check_each_lag(episodes, usual_s, limits)


def _check_each_lag(
    episodes: Sequence[Episode], usual_s: float, limits: Thresholds
) -> Iterator[Finding]:
    for episode in episodes:
        known = []
        for pair in episode.pairs:
            try:
                known.append(_delay([episode], pair).delay_s)
            except CalibrationError:
                continue  # too short or too still to tell
        if known and abs(float(np.median(known)) - usual_s) > limits.lag_spread_s:
            lag_s = float(np.median(known))
            message = (
                f'the state follows the action after {lag_s * 1e3:.0f} ms, in all episodes after '
                f'{usual_s * 1e3:.0f} ms'
            )
            figures = (lag_s * 1e3, usual_s * 1e3, 'ms')
            place = (*episode.place, 'action')
            yield Finding('lag_differs', WARNING, *place, message, None, *figures)


def _delay(episodes: Sequence[Episode], pair: Pair) -> Delay:
    """Lag of one pair over episodes laid one after another."""
    references, values, begin_s = [], [], 0.0
    for episode in episodes:
        asked_s, asked = episode.number(pair.action, pair.asked)
        times_s, measured = episode.number(pair.state, pair.moved)
        if len(asked_s) < 4 or len(times_s) < 4:
            continue
        fine_s = np.arange(asked_s[0], asked_s[-1], _FINE_S)
        references.append((begin_s + fine_s, PchipInterpolator(asked_s, asked)(fine_s)))
        # Where the action is not known at all tried delays, a held value would pull.
        inside = (times_s >= asked_s[0] + SEARCH.most_s) & (
            times_s <= asked_s[-1] + SEARCH.least_s
        )
        if inside.sum() < 10:
            inside = np.ones(len(times_s), dtype=np.bool_)
        values.append((begin_s + times_s[inside], measured[inside]))
        begin_s += max(asked_s[-1], times_s[-1]) + _APART_S
    if not values:
        raise CalibrationError('no episode has enough samples')
    reference, samples = _signal(references), _signal(values)
    every = -(-len(samples.times_s) // _MAX_SAMPLES)
    if float(np.ptp(samples.values)) < 1e-6 or float(np.ptp(reference.values)) < 1e-6:
        raise CalibrationError('nothing moves')
    return estimate_delay(
        Signal(samples.times_s[::every], samples.values[::every]), reference, SEARCH
    )


def _signal(pieces: Sequence[tuple[Array, Array]]) -> Signal:
    times_s, values = (np.concatenate(column) for column in zip(*pieces))
    return Signal(times_s, values[:, None])
