# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Counts and gaps of every topic of an episode, taken while it is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass
import struct

_STAMP = {0: struct.Struct('>iI'), 1: struct.Struct('<iI')}  # by the endianness flag of CDR
_STAMP_OFFSET = 4  # behind the encapsulation header


@dataclass(frozen=True)
class TopicAudit:
    """What an episode has of one topic.

    Attributes:
        topic: its name.
        messages: written.
        rate_hz: over the time between first and last message.
        first_s: from the start of the episode to the first message [s].
        longest_gap_s: between two messages, by their stamps where they have them, and from the
            last one to the end of the episode [s].
        gap_at_s: where that gap begins, from the start of the episode [s].
        dropped: messages that reached the recorder, but not the disk.
        lost: messages that the middleware lost on the way here.
        backward: stamps that are older than the one before.
        unstamped: messages with a header whose stamp is zero.
        warnings: what a person should look at before keeping the episode.
    """

    topic: str
    messages: int
    rate_hz: float
    first_s: float
    longest_gap_s: float
    gap_at_s: float
    dropped: int
    lost: int
    backward: int
    unstamped: int
    warnings: tuple[str, ...]


@dataclass
class _Count:
    has_header: bool
    messages: int = 0
    first_ns: int = 0
    last_ns: int = 0  # by stamp where there is one
    received_ns: int = 0
    gap_ns: int = 0
    gap_at_ns: int = 0
    dropped: int = 0
    lost: int = 0
    backward: int = 0
    unstamped: int = 0


class Audit:
    """Counts one episode; called by one thread."""

    def __init__(self, start_ns: int, max_ages_s: Mapping[str, float]) -> None:
        """Begin.

        Args:
            start_ns: when the episode begins, on the clock of reception [ns].
            max_ages_s: topic -> oldest sample that the contract allows [s], for those that it
                needs; other topics may be silent.
        """
        self._start_ns = start_ns
        self._max_ages_s = dict(max_ages_s)
        self._counts: dict[str, _Count] = {}

    def expect(self, topic: str, has_header: bool) -> None:
        """Count a topic from now on, even if no message comes."""
        self._counts.setdefault(topic, _Count(has_header))

    def take(self, topic: str, received_ns: int, data: bytes) -> None:
        """Count a message: when received [ns], serialized."""
        count = self._counts[topic]
        time_ns = received_ns
        if count.has_header:
            time_ns = header_stamp_ns(data)
            if time_ns <= 0:
                count.unstamped += 1
                time_ns = received_ns
        if not count.messages:
            count.first_ns = time_ns
        elif time_ns < count.last_ns:
            count.backward += 1
        elif time_ns - count.last_ns > count.gap_ns:
            count.gap_ns, count.gap_at_ns = time_ns - count.last_ns, count.received_ns
        count.messages += 1
        count.last_ns = max(count.last_ns, time_ns)
        count.received_ns = received_ns

    def drop(self, topic: str) -> None:
        """Count a message that could not be written."""
        self._counts[topic].dropped += 1

    def lose(self, topic: str, number: int) -> None:
        """Count messages that the middleware lost."""
        self._counts[topic].lost += number

    def silent(self, now_ns: int, least_s: float = 1.0) -> dict[str, float]:
        """Return needed topics that say nothing for long -> for how long [s]."""
        found = {}
        for topic, max_age_s in self._max_ages_s.items():
            count = self._counts.get(topic)
            last_ns = count.received_ns if count and count.messages else self._start_ns
            silence_s = (now_ns - last_ns) * 1e-9
            if silence_s > max(least_s, max_age_s):
                found[topic] = silence_s
        return found

    @property
    def messages(self) -> int:
        """Messages of all topics."""
        return sum(count.messages for count in self._counts.values())

    @property
    def missed(self) -> int:
        """Messages dropped here or lost on the way."""
        return sum(count.dropped + count.lost for count in self._counts.values())

    def finish(self, end_ns: int) -> tuple[TopicAudit, ...]:
        """Return what there is, by topic; the episode ended at ``end_ns``."""
        for topic in self._max_ages_s:
            self.expect(topic, has_header=False)
        return tuple(self._finish(topic, end_ns) for topic in sorted(self._counts))

    def _finish(self, topic: str, end_ns: int) -> TopicAudit:
        count = self._counts[topic]
        gap_ns, gap_at_ns = count.gap_ns, count.gap_at_ns
        if count.messages and end_ns - count.received_ns > gap_ns:
            gap_ns, gap_at_ns = end_ns - count.received_ns, count.received_ns
        span_s = (count.last_ns - count.first_ns) * 1e-9
        told = TopicAudit(
            topic=topic,
            messages=count.messages,
            rate_hz=round((count.messages - 1) / span_s, 3) if span_s > 0 else 0.0,
            first_s=self._after_start_s(count.first_ns) if count.messages else 0.0,
            longest_gap_s=round(gap_ns * 1e-9, 6),
            gap_at_s=self._after_start_s(gap_at_ns) if gap_at_ns else 0.0,
            dropped=count.dropped,
            lost=count.lost,
            backward=count.backward,
            unstamped=count.unstamped,
            warnings=(),
        )
        return dataclasses.replace(told, warnings=tuple(self._warnings(told)))

    def _after_start_s(self, time_ns: int) -> float:
        return round((time_ns - self._start_ns) * 1e-9, 6)

    def _warnings(self, told: TopicAudit) -> list[str]:
        found = []
        max_age_s = self._max_ages_s.get(told.topic)
        if max_age_s is not None and not told.messages:
            found.append('no messages')
        elif max_age_s is not None and round(told.longest_gap_s, 3) > max_age_s:
            found.append(
                f'{told.longest_gap_s:.3f} s without a message at {told.gap_at_s:.1f} s, '
                f'the contract allows {max_age_s} s'
            )
        for number, what in (
            (told.dropped, 'dropped by the recorder'),
            (told.lost, 'lost on the way to the recorder'),
            (told.backward, 'with a stamp older than the one before'),
            (told.unstamped, 'without a stamp'),
        ):
            if number:
                found.append(f'{number} messages {what}')
        return found


def header_stamp_ns(data: bytes) -> int:
    """Stamp of a serialized message that begins with a std_msgs/Header [ns]; 0 without one."""
    if len(data) < _STAMP_OFFSET + 8:
        return 0
    seconds, nanoseconds = _STAMP[data[1] & 1].unpack_from(data, _STAMP_OFFSET)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def table(audits: Sequence[TopicAudit]) -> str:
    """Return the audits for a terminal."""
    width = max((len(each.topic) for each in audits), default=0)
    lines = [f'  {"topic".ljust(width)}  messages       Hz  longest gap  missed']
    for each in audits:
        lines.append(
            f'  {each.topic.ljust(width)}  {each.messages:8d}  {each.rate_hz:7.1f}  '
            f'{each.longest_gap_s:9.3f} s  {each.dropped + each.lost:6d}'
        )
        lines += [f'  {"".ljust(width)}  ! {warning}' for warning in each.warnings]
    return '\n'.join(lines)
