# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Messages that are missing, uneven or slow, judged by the stamps of one bag or of several."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence

from dp_data_tools.quality.episode import Array
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import Stamps
from dp_data_tools.quality.finding import ERROR
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import WARNING
from dp_data_tools.quality.thresholds import Thresholds
from dp_data_tools.topics import CONTROLLER_STATE
from dp_data_tools.topics import MESSAGE_TYPES
import numpy as np

# Fewer messages tell no rate: a latched description, a marker, a button.
MIN_MESSAGES = 10
# Observations and commands come at a rate; of other topics nothing need follow.
STREAMS = {CONTROLLER_STATE, *(kind for kinds in MESSAGE_TYPES.values() for kind in kinds)}


def check_timing(episode: Episode, limits: Thresholds) -> Iterator[Finding]:
    """Gaps, jitter, rates that change within a bag, topics that start late or end early."""
    if episode.damage:
        message = f'cannot be checked to its end: {episode.damage}'
        yield Finding('damage', ERROR, *episode.place, '', message)
    for stamps in episode.stamps:
        if len(stamps.recorded_ns) >= MIN_MESSAGES:
            yield from _check_gaps(episode, stamps, limits)
            yield from _check_ends(episode, stamps, limits)


def check_rates(episodes: Sequence[Episode], limits: Thresholds) -> Iterator[Finding]:
    """Topics that some bags have and others lack, or have at another rate."""
    if len(episodes) < 2:
        return
    kinds: dict[str, str] = {}
    rates: dict[str, dict[int, float]] = {}
    for e, episode in enumerate(episodes):
        for stamps in episode.stamps:
            if len(stamps.recorded_ns) >= MIN_MESSAGES:
                kinds[stamps.topic] = stamps.msgtype
                rates.setdefault(stamps.topic, {})[e] = 1.0 / _period_s(_own_times_s(stamps))
    for topic, by_episode in rates.items():
        usual = float(np.median(list(by_episode.values())))
        usually = f'{len(by_episode)} of {len(episodes)} bags have {usual:.1f} Hz'
        for e, episode in enumerate(episodes):
            if e not in by_episode and 2 * len(by_episode) > len(episodes):
                yield from _check_missing(episode, topic, kinds[topic], usual, usually)
            rate = by_episode.get(e, usual)
            if abs(rate / usual - 1.0) > limits.rate_change:
                message = f'{rate:.1f} Hz, in the other bags {usual:.1f} Hz'
                yield Finding(
                    'rate', WARNING, *episode.place, topic, message, None, rate, usual, 'Hz'
                )


def _check_missing(
    episode: Episode, topic: str, kind: str, usual_hz: float, usually: str
) -> Iterator[Finding]:
    """A topic without messages, or a stream with far too few for the length of the bag."""
    count = sum(len(stamps.recorded_ns) for stamps in episode.stamps if stamps.topic == topic)
    expected = usual_hz * episode.duration_s
    if count and (kind not in STREAMS or expected < 2 * MIN_MESSAGES):
        return  # a short bag, or one in which little happened
    message = f'only {count} messages; {usually}' if count else f'no messages; {usually}'
    severity = ERROR if kind in STREAMS else WARNING
    rate_hz = count / episode.duration_s if count else 0.0
    figures = (rate_hz, usual_hz, 'Hz')
    yield Finding('missing_topic', severity, *episode.place, topic, message, None, *figures)


def _check_gaps(episode: Episode, stamps: Stamps, limits: Thresholds) -> Iterator[Finding]:
    """Silences, and how even the messages come between them."""
    times_s = _own_times_s(stamps) + (int(stamps.recorded_ns[0]) - episode.begin_ns) * 1e-9
    periods_s = np.diff(times_s)
    usual_s = _period_s(times_s)
    longest_s = max(limits.gap_periods * usual_s, limits.gap_s)
    where = np.flatnonzero(periods_s > longest_s + 1e-6)
    if len(where):
        worst = where[np.argmax(periods_s[where])]
        lost = int(np.round(periods_s[where] / usual_s - 1.0).sum())
        message = (
            f'{len(where)} gap{"s" * (len(where) > 1)} of up to {periods_s[worst] * 1e3:.0f} ms '
            f'at {1.0 / usual_s:.1f} Hz, about {lost} messages lost'
        )
        is_long = periods_s[worst] > limits.gap_error_s and stamps.msgtype in STREAMS
        severity = ERROR if is_long else WARNING
        figures = (float(periods_s[worst] * 1e3), longest_s * 1e3, 'ms')
        spans = tuple((float(times_s[k]), float(times_s[k + 1])) for k in where)
        begin_s = float(times_s[worst])
        yield Finding(
            'gap', severity, *episode.place, stamps.topic, message, begin_s, *figures, spans
        )
    even_s = periods_s[(periods_s <= longest_s) & (periods_s > 0)]
    if len(even_s) >= MIN_MESSAGES:
        yield from _check_even(episode, stamps.topic, even_s, usual_s, limits)


def _check_ends(episode: Episode, stamps: Stamps, limits: Thresholds) -> Iterator[Finding]:
    """Topics that are silent at the start or at the end of the bag."""
    times_s = (stamps.recorded_ns - episode.begin_ns) * 1e-9
    allowed_s = max(limits.gap_error_s, 3 * _period_s(_own_times_s(stamps)))
    for check, begin_s, end_s, words in (
        ('starts_late', 0.0, float(times_s[0]), 'starts {:.2f} s after the start of the bag'),
        (
            'ends_early',
            float(times_s[-1]),
            episode.duration_s,
            'ends {:.2f} s before the end of the bag',
        ),
    ):
        late_s = end_s - begin_s
        if late_s > allowed_s:
            yield Finding(
                check,
                WARNING,
                *episode.place,
                stamps.topic,
                words.format(late_s),
                begin_s,
                late_s,
                allowed_s,
                's',
                ((begin_s, end_s),),
            )


def _check_even(
    episode: Episode, topic: str, periods_s: Array, usual_s: float, limits: Thresholds
) -> Iterator[Finding]:
    """Jitter, and a rate that changes half-way."""
    low_s, high_s = np.percentile(periods_s, (5, 95))
    first = np.cumsum(periods_s) < periods_s.sum() / 2
    before, after = (1.0 / float(periods_s[half].mean()) for half in (first, ~first))
    jitter = float((high_s - low_s) / 2 / usual_s)
    if abs(before / after - 1.0) > limits.rate_change:
        message = f'the rate changes from {before:.1f} to {after:.1f} Hz'
        yield Finding('rate', WARNING, *episode.place, topic, message, None, after, before, 'Hz')
    elif jitter > limits.jitter:
        message = (
            f'periods of {low_s * 1e3:.1f} to {high_s * 1e3:.1f} ms (5-95 %), usually '
            f'{usual_s * 1e3:.1f} ms'
        )
        figures = (100 * jitter, 100 * limits.jitter, '%')
        yield Finding('jitter', WARNING, *episode.place, topic, message, None, *figures)


def _own_times_s(stamps: Stamps) -> Array:
    """Stamps that rise, after the first one [s]; times of recording where stamps are missing."""
    header_ns = stamps.header_ns
    times_ns = stamps.recorded_ns if header_ns is None or not header_ns.all() else header_ns
    rising = np.maximum.accumulate(times_ns)
    return np.asarray((np.unique(rising) - rising[0]) * 1e-9)


def _period_s(times_s: Array) -> float:
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1.0
