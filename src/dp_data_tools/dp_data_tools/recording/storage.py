# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The two storages of rosbag2 that episodes can be written to, behind one interface.

Both are written here and not by the libraries that read them, because those lose what matters
when a recording is killed: `rosbags` commits a sqlite3 file only at its end, and `rosbags` and
`mcap` end a chunk of mcap by its size alone, so that slow topics wait in memory for long.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from dp_core.errors import ConfigError
from dp_data_tools.recording.bag_metadata import FileCount
from dp_data_tools.recording.bag_metadata import RecordedTopic
from dp_data_tools.recording.mcap_file import McapFile
from dp_data_tools.recording.sqlite_file import SqliteFile


class StorageFile(Protocol):
    """One file of a bag while it is written. Every method may raise OSError."""

    path: Path
    count: FileCount

    def add_topic(self, topic: RecordedTopic) -> None:
        """Make a topic known; once, before its first message."""

    def write(self, topic: str, log_ns: int, publish_ns: int, data: bytes) -> None:
        """Append a message: its topic, when received and sent [ns], serialized."""

    def flush(self) -> None:
        """Hand everything to the operating system: a killed process loses nothing of it."""

    def close(self, information: str) -> None:
        """Finish the file, index and rosbag2's metadata (YAML) included, and sync the disk."""

    def abort(self) -> None:
        """Close without finishing; what was flushed can be recovered. Raises nothing."""


STORAGES: dict[str, tuple[str, Callable[[Path], StorageFile]]] = {
    'mcap': ('.mcap', McapFile),
    'sqlite3': ('.db3', SqliteFile),
}


def create_file(storage: str, folder: Path, name: str) -> StorageFile:
    """Begin the file of a bag ``name`` in ``folder``, named as rosbag2 does.

    Raises:
        ConfigError: there is no such storage.
        OSError: it cannot be written.
    """
    if storage not in STORAGES:
        raise ConfigError(f'storage is {storage!r}, valid: {list(STORAGES)}')
    suffix, kind = STORAGES[storage]
    return kind(folder / f'{name}_0{suffix}')
