# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stamps against the clock of the recorder: missing, going back, ahead, behind, drifting apart.

The time from stamp to recording is at least 0 and at best the quickest way of a message; what a
busy network adds comes and goes. So a clock is judged by the quickest messages: one of each
tenth of the recording. Their height is the skew, and their slope, where it is even, the drift.
"""

from __future__ import annotations

from collections.abc import Iterator

from dp_data_tools.quality.episode import Array
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import Stamps
from dp_data_tools.quality.finding import ERROR
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import WARNING
from dp_data_tools.quality.thresholds import Thresholds
from dp_data_tools.quality.timing import MIN_MESSAGES
from dp_data_tools.quality.timing import STREAMS
import numpy as np
from numpy.typing import NDArray

PIECES = 10
# A clock that is off by days is not wrong but another one: simulation time [s].
_OTHER_S = 1e5


def check_clocks(episode: Episode, limits: Thresholds) -> Iterator[Finding]:
    """Zero stamps, stamps that go back, skew and drift; an error only where stamps are used."""
    for stamps in episode.stamps:
        if stamps.header_ns is not None:
            for finding in _check_stamps(episode, stamps, stamps.header_ns, limits):
                yield finding if stamps.msgtype in STREAMS else finding.as_warning()


def _check_stamps(
    episode: Episode, stamps: Stamps, header_ns: NDArray[np.int64], limits: Thresholds
) -> Iterator[Finding]:
    zero = np.flatnonzero(header_ns <= 0)
    if len(zero):
        message = f'{len(zero)} of {len(header_ns)} messages have no stamp'
        at_s = float((stamps.recorded_ns[zero[0]] - episode.begin_ns) * 1e-9)
        figures = (float(len(zero)), 0.0, 'messages')
        yield Finding('zero_stamp', ERROR, *episode.place, stamps.topic, message, at_s, *figures)
        return
    yield from _check_order(episode, stamps, header_ns, limits)
    if len(header_ns) >= MIN_MESSAGES:
        yield from _check_skew(episode, stamps, limits)


def quickest_s(stamps: Stamps) -> tuple[Array, Array]:
    """Time of each piece of the recording [s], and of its quickest messages on the way [s]."""
    if stamps.header_ns is None:
        return np.zeros(0), np.zeros(0)
    way_s = (stamps.recorded_ns - stamps.header_ns) * 1e-9
    times_s = (stamps.recorded_ns - stamps.recorded_ns[0]) * 1e-9
    pieces = np.array_split(np.arange(len(way_s)), min(PIECES, len(way_s)))
    # float64 holds seconds of an epoch to 0.2 us: enough.
    return (
        np.array([times_s[p].mean() for p in pieces]),
        np.array([way_s[p].min() for p in pieces]),
    )


def _check_order(
    episode: Episode, stamps: Stamps, header_ns: NDArray[np.int64], limits: Thresholds
) -> Iterator[Finding]:
    """Stamps that go back or stand still, and jumps of a clock."""
    steps_s = np.diff(header_ns) * 1e-9
    back = np.flatnonzero(steps_s <= 0)
    if not len(back):
        return
    worst = back[np.argmin(steps_s[back])]
    back_ms = abs(float(steps_s[worst])) * 1e3
    jump = back_ms > limits.jump_s * 1e3
    check, severity = ('clock_jump', ERROR) if jump else ('stamp_order', WARNING)
    message = f'{len(back)} stamps are not later than the one before, by up to {back_ms:.1f} ms'
    if not back_ms:
        message = f'{len(back)} stamps are those of the message before'
    at_s = float((stamps.recorded_ns[worst + 1] - episode.begin_ns) * 1e-9)
    figures = (back_ms, limits.jump_s * 1e3 if jump else 0.0, 'ms')
    yield Finding(check, severity, *episode.place, stamps.topic, message, at_s, *figures)


def _check_skew(episode: Episode, stamps: Stamps, limits: Thresholds) -> Iterator[Finding]:
    """Offset and drift between the clock of the stamps and that of the recorder."""
    times_s, way_s = quickest_s(stamps)
    least_s, usual_s = float(way_s.min()), float(np.median(way_s))
    place = (*episode.place, stamps.topic)
    if abs(least_s) > _OTHER_S:
        message = 'stamped by another clock than the recorder has'
        figures = (least_s, _OTHER_S, 's')
        yield Finding('clock_other', WARNING, *place, message, None, *figures)
    elif usual_s < -limits.ahead_s:  # one message that is ahead is not a clock
        message = f'stamped {-usual_s * 1e3:.1f} ms after they were recorded'
        figures = (usual_s * 1e3, -limits.ahead_s * 1e3, 'ms')
        yield Finding('clock_offset', ERROR, *place, message, None, *figures)
    elif least_s > limits.skew_s:
        message = f'recorded {least_s * 1e3:.1f} ms after their stamp, at best'
        figures = (least_s * 1e3, limits.skew_s * 1e3, 'ms')
        yield Finding('clock_offset', WARNING, *place, message, None, *figures)
    if len(times_s) < PIECES:
        return
    one, two = np.triu_indices(len(times_s), k=1)
    slope = float(np.median((way_s[two] - way_s[one]) / (times_s[two] - times_s[one])))
    apart_s = slope * float(times_s[-1] - times_s[0])
    # Clocks part evenly; what comes and goes is the load of a computer or of the network.
    line_s = slope * times_s
    uneven_s = float(np.ptp(way_s - line_s))
    evenly = uneven_s < abs(apart_s) / 2
    if evenly and abs(slope) * 1e6 > limits.drift_ppm and abs(apart_s) > limits.drift_s:
        message = (
            f'stamps and recorder drift apart by {slope * 6e4:+.2f} ms a minute '
            f'({apart_s * 1e3:+.1f} ms in this bag)'
        )
        figures = (slope * 1e6, limits.drift_ppm, 'ppm')
        yield Finding('clock_drift', ERROR, *place, message, None, *figures)
