# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Names of joints: an order that changes, joints that come and go, or that the contract lacks."""

from __future__ import annotations

from collections.abc import Iterator

from dp_core.contract import Contract
from dp_core.errors import DatasetError
from dp_data_tools.bag_reader import Topic
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import Stamps
from dp_data_tools.quality.finding import ERROR
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import INFO
from dp_data_tools.quality.finding import WARNING
from dp_data_tools.topics import match_topics


def check_joint_names(episode: Episode) -> Iterator[Finding]:
    """Joint names that change within a topic, or have another order on another topic."""
    first: dict[frozenset[str], Stamps] = {}
    for stamps in episode.stamps:
        if not stamps.names:
            continue
        place, names = (*episode.place, stamps.topic), stamps.names[0][1]
        if len(stamps.names) > 1:
            other = stamps.names[1][1]
            same = set(other) == set(names)
            check, severity = ('joint_order', WARNING) if same else ('joint_names', ERROR)
            message = (
                f'the {"order of the joints" if same else "joints"} of the messages change '
                f'{len(stamps.names) - 1} times: {_words(names)}, then {_words(other)}'
            )
            at_s = float((stamps.recorded_ns[stamps.names[1][0]] - episode.begin_ns) * 1e-9)
            figures = (float(len(stamps.names) - 1), 0.0, 'changes')
            yield Finding(check, severity, *place, message, at_s, *figures)
        before = first.setdefault(frozenset(names), stamps)
        if before.names[0][1] != names:
            message = (
                f'the order of the joints is {_words(names)}, on {before.topic} it is '
                f'{_words(before.names[0][1])}'
            )
            yield Finding('joint_order', INFO, *place, message)


def check_contract(episode: Episode, contract: Contract) -> Iterator[Finding]:
    """What the contract names and the bag has not."""
    by_topic: dict[str, list[Stamps]] = {}
    for stamps in episode.stamps:
        by_topic.setdefault(stamps.topic.partition('[')[0], []).append(stamps)
    topics = {
        name: Topic(name, s[0].msgtype, sum(len(each.recorded_ns) for each in s))
        for name, s in by_topic.items()
    }
    for stream in contract.observations:
        try:
            topic = match_topics([stream], topics)[stream.name].topic
        except DatasetError as error:
            yield Finding('contract', ERROR, *episode.place, stream.name, str(error))
            continue
        place = (*episode.place, topic)
        named = {joint for s in by_topic[topic] for _, names in s.names for joint in names}
        if missing := [joint for joint in stream.joints if joint not in named]:
            message = f'joints {missing} are missing; the messages have {sorted(named)}'
            yield Finding('contract', ERROR, *place, message)
        rate_hz, wanted_hz = max(map(_rate_hz, by_topic[topic])), 1.0 / contract.dt_s
        if 0.0 < rate_hz < 0.98 * wanted_hz:
            message = f'{rate_hz:.1f} Hz; the policy steps at {wanted_hz:.1f} Hz'
            severity = ERROR if stream.kind == 'image' else WARNING
            yield Finding('slow', severity, *place, message, None, rate_hz, wanted_hz, 'Hz')


def _rate_hz(stamps: Stamps) -> float:
    span_s = float(stamps.recorded_ns[-1] - stamps.recorded_ns[0]) * 1e-9
    return (len(stamps.recorded_ns) - 1) / span_s if span_s > 0 else 0.0


def _words(names: tuple[str, ...]) -> str:
    return '[' + ', '.join(names) + ']'
