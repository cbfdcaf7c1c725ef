# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which topic of a bag feeds which stream, and where the actions come from."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass

from dp_core.contract import ActionGroup
from dp_core.contract import Contract
from dp_core.contract import Stream
from dp_core.errors import DatasetError
from dp_data_tools.bag_reader import Topic

MESSAGE_TYPES = {
    'joint_state': ('sensor_msgs/msg/JointState',),
    'pose': ('geometry_msgs/msg/PoseStamped',),
    'image': ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'),
}


@dataclass(frozen=True)
class ActionSource:
    """Where the actions of one group come from.

    Attributes:
        stream: reads the numbers of the group from a topic. A command has the time of the motion
            that it causes: the device's latency later.
        shift_ns: time after the tick at which the topic is read [ns]: 0 for commands, the
            contract's action_offset for the state that was reached then.
    """

    stream: Stream
    shift_ns: int


def action_sources(
    contract: Contract, commands: Sequence[str], states: Sequence[str]
) -> tuple[ActionSource, ...]:
    """One source per action group, in the contract's order.

    Args:
        contract: whose action groups are to be fed.
        commands: ``TOPIC`` (for every group) or ``GROUP=TOPIC``; commands in force at the tick.
        states: likewise; the state that was reached action_offset after the tick.

    Raises:
        DatasetError: a group has no source or two, or an unknown group is named.
    """
    groups = {group.name: group for group in contract.actions}
    chosen: dict[str, list[ActionSource]] = {name: [] for name in groups}
    observed = {_absolute(s.topic): s.latency_s for s in contract.observations}
    for texts, are_commands in ((commands, True), (states, False)):
        for text in texts:
            name, _, topic = text.rpartition('=')
            if name and name not in chosen:
                raise DatasetError(f'no action group {name!r}; the contract has {list(chosen)}')
            for group in [groups[name]] if name else contract.actions:
                late_s = -group.latency_s if are_commands else observed.get(_absolute(topic), 0.0)
                stream = _action_stream(contract.actions.index(group), group, topic, late_s)
                shift_ns = 0 if are_commands else contract.offset_ns
                chosen[group.name].append(ActionSource(stream, shift_ns))
    for name, found in chosen.items():
        if len(found) != 1:
            raise DatasetError(
                f'action group {name!r} has {len(found)} sources '
                f'{[source.stream.topic for source in found]}, valid: '
                'one, by --action-topic (commands) or --action-state (states reached)'
            )
    return tuple(found[0] for found in chosen.values())


def match_topics(streams: Sequence[Stream], recorded: Mapping[str, Topic]) -> dict[str, Stream]:
    """Return stream name -> the stream with the topic of the bag that feeds it.

    A camera whose ``TOPIC`` was recorded as ``TOPIC/compressed`` is found there.

    Raises:
        DatasetError: a topic is missing, empty or of another type; the topics there are listed.
    """
    there = ', '.join(f'{t.name} ({t.msgtype}, {t.count})' for t in recorded.values())
    matched = {}
    for stream in streams:
        if stream.kind not in MESSAGE_TYPES:
            raise DatasetError(
                f'observation {stream.name!r} is of kind {stream.kind!r}; bags can feed '
                f'{list(MESSAGE_TYPES)}'
            )
        topic = _absolute(stream.topic)
        if stream.kind == 'image' and topic not in recorded and f'{topic}/compressed' in recorded:
            topic = f'{topic}/compressed'
        if topic not in recorded:
            raise DatasetError(f'topic {topic} is missing; the bag has {there or "no topics"}')
        found, valid = recorded[topic], MESSAGE_TYPES[stream.kind]
        if found.msgtype not in valid:
            raise DatasetError(f'topic {topic} is of type {found.msgtype}, valid: {list(valid)}')
        if not found.count:
            raise DatasetError(f'topic {topic} has no messages; the bag has {there}')
        matched[stream.name] = dataclasses.replace(stream, topic=topic)
    return matched


def _absolute(topic: str) -> str:
    return '/' + topic.lstrip('/')


def _action_stream(index: int, group: ActionGroup, topic: str, latency_s: float) -> Stream:
    name = f'_action_{index}'
    if group.kind == 'joint_position':
        return Stream(name, 'joint_state', topic, joints=group.joints, latency_s=latency_s)
    if group.kind == 'tool_plane':
        features = ('x', 'y')
        return Stream(
            name, 'pose', topic, features=features, frame=group.frame, latency_s=latency_s
        )
    raise DatasetError(
        f'action group {group.name!r} is of kind {group.kind!r}; bags can feed '
        "'joint_position' and 'tool_plane'"
    )
