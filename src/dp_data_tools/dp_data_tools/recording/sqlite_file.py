# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Writes one sqlite3 file of rosbag2, schema version 4; its log keeps what was flushed."""

from __future__ import annotations

import os
from pathlib import Path
import sqlite3

from dp_data_tools.recording.bag_metadata import FileCount
from dp_data_tools.recording.bag_metadata import qos_text
from dp_data_tools.recording.bag_metadata import RecordedTopic
from dp_data_tools.recording.bag_metadata import VERSION

_TABLES = """
CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL);
CREATE TABLE metadata(
  id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL, metadata TEXT NOT NULL);
CREATE TABLE topics(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,
  serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL,
  type_description_hash TEXT NOT NULL);
CREATE TABLE message_definitions(
  id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL, encoding TEXT NOT NULL,
  encoded_message_definition TEXT NOT NULL, type_description_hash TEXT NOT NULL);
CREATE TABLE messages(
  id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL,
  data BLOB NOT NULL);
CREATE INDEX timestamp_idx ON messages (timestamp ASC);
"""
FLUSH_BYTES = 8 << 20  # between commits


class SqliteFile:
    """One sqlite3 file while it is written; see `dp_data_tools.recording.storage`."""

    def __init__(self, path: Path) -> None:
        """Begin the file.

        Raises:
            OSError: there is one, or it cannot be written.
        """
        self.path = path
        self.count = FileCount(path.name)
        self._numbers: dict[str, int] = {}
        self._types: set[str] = set()
        self._pending = 0  # bytes since the last commit
        path.open('xb').close()
        try:
            # The thread that writes is not the one that begins; never two at a time.
            self._database = sqlite3.connect(path, check_same_thread=False)
            self._database.execute('PRAGMA journal_mode = WAL')
            self._database.execute('PRAGMA synchronous = OFF')  # synced once, at the end
            self._database.executescript(_TABLES)
            distribution = os.environ.get('ROS_DISTRO', 'unknown')
            self._database.execute('INSERT INTO schema VALUES(4, ?)', (distribution,))
            self._database.commit()
        except sqlite3.Error as error:
            raise OSError(f'{path}: {error}') from error

    def add_topic(self, topic: RecordedTopic) -> None:
        """Make a topic known."""
        number = self._numbers[topic.name] = len(self._numbers) + 1
        self.count.counts[topic.name] = 0
        values = (number, topic.name, topic.msgtype, 'cdr', qos_text(topic), topic.type_hash)
        self._execute('INSERT INTO topics VALUES(?, ?, ?, ?, ?, ?)', values)
        if topic.msgtype not in self._types:
            self._types.add(topic.msgtype)
            self._execute(
                'INSERT INTO message_definitions(topic_type, encoding, encoded_message_definition,'
                ' type_description_hash) VALUES(?, ?, ?, ?)',
                (topic.msgtype, topic.encoding, topic.definition, topic.type_hash),
            )

    def write(self, topic: str, log_ns: int, publish_ns: int, data: bytes) -> None:
        """Append a message; there is no place for when it was sent."""
        del publish_ns
        self._execute(
            'INSERT INTO messages(topic_id, timestamp, data) VALUES(?, ?, ?)',
            (self._numbers[topic], log_ns, data),
        )
        self.count.add(topic, log_ns)
        self._pending += len(data)
        if self._pending >= FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Commit."""
        self._pending = 0
        try:
            self._database.commit()
        except sqlite3.Error as error:
            raise OSError(f'{self.path}: {error}') from error

    def close(self, information: str) -> None:
        """Fold the write-ahead log into the file, and sync the disk."""
        values = (VERSION, information)
        self._execute('INSERT INTO metadata(metadata_version, metadata) VALUES(?, ?)', values)
        self.flush()
        self._execute('PRAGMA journal_mode = DELETE')
        self._database.close()
        with self.path.open('rb') as file:
            os.fsync(file.fileno())

    def abort(self) -> None:
        """Close without finishing: what was committed stays."""
        try:
            self._database.rollback()
            self._database.close()
        except sqlite3.Error:  # the disk is full: what could not be committed is lost already
            pass

    def _execute(self, command: str, values: tuple[object, ...] = ()) -> None:
        try:
            self._database.execute(command, values)
        except sqlite3.Error as error:
            raise OSError(f'{self.path}: {error}') from error
