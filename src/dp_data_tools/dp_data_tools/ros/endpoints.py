# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What publishers offer, and the subscription that hears all of them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ament_index_python.packages import get_package_share_directory
from dp_core.errors import RecordingError
from dp_data_tools.recording.bag_metadata import RecordedTopic
from dp_data_tools.recording.definitions import full_definition
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy

DEPTH = 1000  # of messages that wait for this process
PICTURE_DEPTH = 64  # a second of two cameras; they are large
PICTURES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')


def describe(name: str, publishers: Sequence[Any]) -> RecordedTopic:
    """Describe a topic by its publishers' endpoints.

    Raises:
        RecordingError: they disagree about the type, or its definition is not installed.
    """
    types = sorted({info.topic_type for info in publishers})
    if len(types) != 1:
        raise RecordingError(f'topic {name} is published as {types}; one type is needed')
    definition = full_definition(types[0], lambda p: Path(get_package_share_directory(p)))
    return RecordedTopic(
        name,
        types[0],
        definition,
        type_hash=_hash(publishers[0]),
        offered_qos=tuple(_plain(info.qos_profile) for info in publishers),
    )


def message_class(msgtype: str) -> Any:
    """Return the class of a message type; raises RecordingError where it is not installed."""
    package, _, kind = msgtype.split('/')
    try:
        return getattr(import_module(f'{package}.msg'), kind)
    except (ImportError, AttributeError) as error:
        raise RecordingError(f'message type {msgtype} is not installed here: {error}') from error


def matching_qos(publishers: Sequence[Any], msgtype: str) -> QoSProfile:
    """Return the strictest quality of service that every publisher can serve."""

    def all_offer(field: str, value: Any) -> bool:
        return all(getattr(info.qos_profile, field) == value for info in publishers)

    reliable = all_offer('reliability', ReliabilityPolicy.RELIABLE)
    latched = all_offer('durability', DurabilityPolicy.TRANSIENT_LOCAL)
    return QoSProfile(
        depth=PICTURE_DEPTH if msgtype in PICTURES else DEPTH,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=(DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE),
    )


def is_deaf(mine: QoSProfile, wanted: QoSProfile) -> bool:
    """Whether a subscription asks more than a publisher offers that came later."""
    return (
        mine.reliability == ReliabilityPolicy.RELIABLE
        and wanted.reliability == ReliabilityPolicy.BEST_EFFORT
    ) or (
        mine.durability == DurabilityPolicy.TRANSIENT_LOCAL
        and wanted.durability == DurabilityPolicy.VOLATILE
    )


def _plain(profile: QoSProfile) -> dict[str, Any]:
    """Return a profile with the names that rosbag2 writes."""

    def span(duration: Any) -> dict[str, int]:
        seconds, rest = divmod(duration.nanoseconds, 1_000_000_000)
        return {'sec': seconds, 'nsec': rest}

    return {
        'history': profile.history.name.lower(),
        'depth': profile.depth,
        'reliability': profile.reliability.name.lower(),
        'durability': profile.durability.name.lower(),
        'deadline': span(profile.deadline),
        'lifespan': span(profile.lifespan),
        'liveliness': profile.liveliness.name.lower(),
        'liveliness_lease_duration': span(profile.liveliness_lease_duration),
        'avoid_ros_namespace_conventions': profile.avoid_ros_namespace_conventions,
    }


def _hash(info: Any) -> str:
    found = getattr(info, 'topic_type_hash', None)  # Humble tells none
    if found is None or found.version < 1:
        return ''
    return f'RIHS{found.version:02d}_{bytes(found.value).hex()}'
