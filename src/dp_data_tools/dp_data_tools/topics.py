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

CONTROLLER_STATE = 'control_msgs/msg/JointTrajectoryControllerState'
MESSAGE_TYPES = {
    'joint_state': ('sensor_msgs/msg/JointState',),
    'pose': ('geometry_msgs/msg/PoseStamped',),
    'wrench': ('geometry_msgs/msg/WrenchStamped',),
    'image': ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'),
}


# command: the command at the row, interpolated. reference: where the controller wanted the robot
# to be action_offset later. state: where the robot was action_offset later.
KINDS = ('command', 'reference', 'state')
OPTIONS = ('--action-topic', '--action-reference', '--action-state')


@dataclass(frozen=True)
class ActionSource:
    """Where the actions of one group come from.

    Attributes:
        kind: one of KINDS.
        stream: reads the numbers of the group from a topic. A command or reference has the time
            of the motion that it causes: the device's latency later. A state has latency and
            max_age_s of the observation of its topic.
        shift_ns: time after the tick at which the topic is read [ns]: 0 for commands, the
            contract's action_offset for the place that was wanted or reached then.
    """

    kind: str
    stream: Stream
    shift_ns: int


def action_sources(
    contract: Contract, chosen: Mapping[str, Sequence[str]]
) -> tuple[ActionSource, ...]:
    """One source per action group, in the contract's order.

    Args:
        contract: whose action groups are to be fed.
        chosen: kind of source, of KINDS -> ``TOPIC`` (for every group) or ``GROUP=TOPIC``.

    Raises:
        DatasetError: a group has no source or two, or an unknown group is named.
    """
    groups = {group.name: group for group in contract.actions}
    found: dict[str, list[ActionSource]] = {name: [] for name in groups}
    for kind in KINDS:
        for text in chosen.get(kind, ()):
            name, _, topic = text.rpartition('=')
            if name and name not in found:
                raise DatasetError(f'no action group {name!r}; the contract has {list(found)}')
            for group in [groups[name]] if name else contract.actions:
                found[group.name].append(_source(kind, contract, group, topic))
    for name, sources in found.items():
        if len(sources) != 1:
            raise DatasetError(
                f'action group {name!r} has {len(sources)} sources '
                f'{[source.stream.topic for source in sources]}, valid: one, by {OPTIONS[0]} '
                f'(commands), {OPTIONS[1]} (where the controller wanted to be) or {OPTIONS[2]} '
                '(states reached)'
            )
    return tuple(sources[0] for sources in found.values())


def match_topics(
    streams: Sequence[Stream], recorded: Mapping[str, Topic], sources: Sequence[ActionSource] = ()
) -> dict[str, Stream]:
    """Return stream name -> the stream with the topic of the bag that feeds it.

    A camera whose ``TOPIC`` was recorded as ``TOPIC/compressed`` is found there.

    Args:
        streams: observations of a contract.
        recorded: topics of the bag.
        sources: their streams are matched as well.

    Raises:
        DatasetError: a topic is missing, empty or of another type; the topics there are listed.
    """
    there = ', '.join(f'{t.name} ({t.msgtype}, {t.count})' for t in recorded.values())
    matched = {}
    references = {source.stream.name for source in sources if source.kind == 'reference'}
    for stream in [*streams, *(source.stream for source in sources)]:
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
        if stream.name in references:
            valid = (CONTROLLER_STATE,)
        if found.msgtype not in valid:
            raise DatasetError(f'topic {topic} is of type {found.msgtype}, valid: {list(valid)}')
        if not found.count:
            raise DatasetError(f'topic {topic} has no messages; the bag has {there}')
        matched[stream.name] = dataclasses.replace(stream, topic=topic)
    return matched


def _absolute(topic: str) -> str:
    return '/' + topic.lstrip('/')


def _source(kind: str, contract: Contract, group: ActionGroup, topic: str) -> ActionSource:
    observed = {_absolute(s.topic): s for s in contract.observations}
    timing = {'latency_s': -group.latency_s}
    if kind == 'state':
        seen = observed.get(_absolute(topic))
        timing = {'latency_s': seen.latency_s, 'max_age_s': seen.max_age_s} if seen else {}
    name, shift_ns = f'_action_{contract.actions.index(group)}', contract.offset_ns
    if group.kind == 'joint_position':
        stream = Stream(name, 'joint_state', topic, joints=group.joints, **timing)
    elif group.kind == 'tool_plane' and kind != 'reference':
        stream = Stream(name, 'pose', topic, features=('x', 'y'), frame=group.frame, **timing)
    else:
        valid = ['joint_position'] if kind == 'reference' else ['joint_position', 'tool_plane']
        raise DatasetError(
            f'action group {group.name!r} is of kind {group.kind!r}; a {kind} can feed {valid}'
        )
    return ActionSource(kind, stream, 0 if kind == 'command' else shift_ns)
