# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What rosbag2 keeps beside the messages: topics, counts and `metadata.yaml`, format version 9."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
import os
from pathlib import Path
from typing import Any

import yaml

VERSION = 9  # of the format; Jazzy and later write it
METADATA_FILE = 'metadata.yaml'


@dataclass(frozen=True)
class RecordedTopic:
    """A topic as a bag describes it.

    Attributes:
        name: with its leading slash.
        msgtype: such as ``sensor_msgs/msg/JointState``.
        definition: its message definition with those it is made of, as rosbag2 stores them.
        encoding: of the definition, ``ros2msg`` or ``ros2idl``.
        type_hash: RIHS01 hash of the type; empty where the publisher tells none.
        offered_qos: of each publisher, with the names that rosbag2 uses.
    """

    name: str
    msgtype: str
    definition: str = ''
    encoding: str = 'ros2msg'
    type_hash: str = ''
    offered_qos: tuple[Mapping[str, Any], ...] = ()

    @property
    def has_header(self) -> bool:
        """Whether messages begin with a std_msgs/Header."""
        lines = (line.split('#')[0].split() for line in self.definition.splitlines())
        first = next((words for words in lines if words), [''])
        return first[0] in ('std_msgs/Header', 'Header')


@dataclass
class FileCount:
    """What one file of a bag holds: messages per topic, first and last log time [ns]."""

    name: str
    counts: dict[str, int] = field(default_factory=dict)
    first_ns: int = 0
    last_ns: int = 0

    def add(self, topic: str, log_ns: int) -> None:
        """Count a message."""
        self.first_ns = log_ns if not self.total else min(self.first_ns, log_ns)
        self.last_ns = max(self.last_ns, log_ns)
        self.counts[topic] = self.counts.get(topic, 0) + 1

    @property
    def total(self) -> int:
        """Messages in the file."""
        return sum(self.counts.values())


def qos_text(topic: RecordedTopic) -> str:
    """Offered qualities of service as YAML text, as storages keep them."""
    plain = [dict(profile) for profile in topic.offered_qos]
    return str(yaml.safe_dump(plain, sort_keys=False)).strip() if plain else ''


def bag_information(
    storage: str,
    topics: Sequence[RecordedTopic],
    files: Sequence[FileCount],
    custom: Mapping[str, str],
) -> dict[str, Any]:
    """Content of metadata.yaml, below its one key.

    Args:
        storage: ``mcap`` or ``sqlite3``.
        topics: all, those without messages as well.
        files: of the bag, in the order of recording.
        custom: what we know beyond rosbag2: contract, audit, outcome, ...
    """
    full = [file for file in files if file.total]
    first_ns = min((file.first_ns for file in full), default=0)
    last_ns = max((file.last_ns for file in full), default=0)
    return {
        'version': VERSION,
        'storage_identifier': storage,
        'duration': {'nanoseconds': last_ns - first_ns},
        'starting_time': {'nanoseconds_since_epoch': first_ns},
        'message_count': sum(file.total for file in files),
        'topics_with_message_count': [
            {
                'topic_metadata': {
                    'name': topic.name,
                    'type': topic.msgtype,
                    'serialization_format': 'cdr',
                    'offered_qos_profiles': [dict(profile) for profile in topic.offered_qos],
                    'type_description_hash': topic.type_hash,
                },
                'message_count': sum(file.counts.get(topic.name, 0) for file in files),
            }
            for topic in topics
        ],
        'compression_format': '',
        'compression_mode': '',
        'relative_file_paths': [file.name for file in files],
        'files': [
            {
                'path': file.name,
                'starting_time': {'nanoseconds_since_epoch': file.first_ns},
                'duration': {'nanoseconds': file.last_ns - file.first_ns},
                'message_count': file.total,
            }
            for file in files
        ],
        'custom_data': dict(custom) or None,
        'ros_distro': os.environ.get('ROS_DISTRO', 'unknown'),
    }


def write_metadata(folder: Path, information: Mapping[str, Any]) -> None:
    """Write metadata.yaml: afterwards there is the old one or the new one, never half of it."""
    text = yaml.safe_dump({'rosbag2_bagfile_information': dict(information)}, sort_keys=False)
    write_safely(folder / METADATA_FILE, text)


def read_metadata(folder: Path) -> dict[str, Any]:
    """Return what `write_metadata` wrote."""
    text = (folder / METADATA_FILE).read_text(encoding='utf-8')
    return dict(yaml.safe_load(text)['rosbag2_bagfile_information'])


def write_safely(path: Path, text: str) -> None:
    """Replace a file by one that is whole on the disk."""
    partial = path.with_name(path.name + '.tmp')
    with partial.open('w', encoding='utf-8') as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
