# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which topics an episode needs: those of the contract, the commands, and what a person adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dp_core.contract import Contract
from dp_core.contract import Stream
from dp_core.errors import ConfigError
from dp_data_tools.topics import action_sources
from dp_data_tools.topics import MESSAGE_TYPES


@dataclass(frozen=True)
class WantedTopic:
    """A topic to be recorded.

    Attributes:
        name: with its leading slash.
        max_age_s: oldest sample that the contract allows [s]; None for what may be silent.
        is_needed: an observation of the contract, or a command: without it no episode begins.
        types: message types that convert can read; empty for any.
    """

    name: str
    max_age_s: float | None = None
    is_needed: bool = False
    types: tuple[str, ...] = ()


def wanted_topics(
    contract: Contract,
    action_topics: Sequence[str] = (),
    extra: Sequence[str] = (),
    *,
    compressed: bool = False,
) -> tuple[WantedTopic, ...]:
    """Topics to be recorded, each once.

    Args:
        contract: whose observations are needed. What its controllers say of themselves
            (``<controller>/controller_state``) is recorded where there is such a topic.
        action_topics: ``[GROUP=]TOPIC`` of the commands, as `dp_data_tools convert` takes them.
        extra: further topics.
        compressed: record ``TOPIC/compressed`` of cameras whose contract names raw images.

    Raises:
        ConfigError: a name is empty.
        DatasetError: an unknown action group is named, or one has no source or two.
    """
    found: dict[str, WantedTopic] = {}

    def add(topic: str, *, is_needed: bool = False, stream: Stream | None = None) -> None:
        if not topic.strip('/ '):
            raise ConfigError(f'topic {topic!r} is none, valid: a name such as /joint_states')
        name = '/' + topic.strip().lstrip('/')
        new = WantedTopic(name, is_needed=is_needed)
        if stream is not None:
            new = WantedTopic(name, stream.max_age_s, is_needed, MESSAGE_TYPES[stream.kind])
        found[name] = _both(found[name], new) if name in found else new

    for stream in contract.observations:
        if not stream.topic:
            raise ConfigError(
                f'observation {stream.name!r} of contract {contract.name!r} is of kind '
                f'{stream.kind!r} and has no topic: it cannot be recorded'
            )
        suffix = ''
        if compressed and stream.kind == 'image' and not stream.topic.endswith('/compressed'):
            suffix = '/compressed'
        add(stream.topic + suffix, is_needed=True, stream=stream)
    for source in action_sources(contract, {'command': action_topics}) if action_topics else ():
        add(source.stream.topic, is_needed=True, stream=source.stream)
    for group in contract.actions:
        if group.controller:
            add(f'{group.controller}/controller_state')
    for topic in extra:
        add(topic)
    return tuple(found.values())


def _both(one: WantedTopic, other: WantedTopic) -> WantedTopic:
    """Return a topic that is wanted for two reasons."""
    ages = [age for age in (one.max_age_s, other.max_age_s) if age is not None]
    return WantedTopic(
        one.name,
        min(ages, default=None),
        one.is_needed or other.is_needed,
        one.types or other.types,
    )
