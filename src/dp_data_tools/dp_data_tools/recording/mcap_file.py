# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Writes one mcap file (https://mcap.dev/spec): chunked, indexed by time, whole up to a flush.

    magic  header  chunk + its message indexes ...  metadata  data end
    summary: schemas, channels, chunk indexes, metadata index, statistics, offsets  footer  magic

Chunks carry the schemas and channels that they are the first to use, and a checksum. So a file
that ends anywhere can be read up to its last whole message; see `dp_data_tools.recording.salvage`.
"""

from __future__ import annotations

from collections.abc import Iterable
import os
from pathlib import Path
import struct
import zlib

from dp_data_tools.recording.bag_metadata import FileCount
from dp_data_tools.recording.bag_metadata import qos_text
from dp_data_tools.recording.bag_metadata import RecordedTopic

MAGIC = b'\x89MCAP0\r\n'
CHUNK_BYTES = 1 << 20
LIBRARY = 'dp_data_tools'

HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, MESSAGE_INDEX, CHUNK_INDEX = range(1, 9)
STATISTICS, METADATA, METADATA_INDEX, SUMMARY_OFFSET, DATA_END = range(0x0B, 0x10)

_MESSAGE_HEAD = struct.Struct('<BQHIQQ')  # opcode, length, channel, sequence, log and publish time
_MESSAGE_BODY_HEAD = 22  # of these, what the length counts


class McapFile:
    """One mcap file while it is written; see `dp_data_tools.recording.storage`."""

    def __init__(self, path: Path, chunk_bytes: int = CHUNK_BYTES) -> None:
        """Begin the file; a chunk ends at ``chunk_bytes``, or with a flush."""
        self.path = path
        self.count = FileCount(path.name)
        self._chunk_bytes = chunk_bytes
        self._schemas: dict[str, tuple[int, bytes]] = {}  # type -> its number and record
        self._channels: dict[str, tuple[int, bytes]] = {}  # topic -> its number and record
        self._sequences: dict[str, int] = {}
        self._chunk_indexes: list[bytes] = []
        self._clear_chunk()
        self._file = path.open('xb')
        self._offset = 0
        self._put(MAGIC + record(HEADER, string('ros2') + string(LIBRARY)))

    def add_topic(self, topic: RecordedTopic) -> None:
        """Make a topic known."""
        if topic.msgtype not in self._schemas:
            number = len(self._schemas) + 1
            text = topic.definition.encode()
            body = struct.pack('<H', number) + string(topic.msgtype) + string(topic.encoding)
            self._schemas[topic.msgtype] = number, record(SCHEMA, body + sized(text))
            self._append(self._schemas[topic.msgtype][1])
        number = len(self._channels) + 1
        qos = string('offered_qos_profiles') + string(qos_text(topic))
        body = struct.pack('<HH', number, self._schemas[topic.msgtype][0])
        body += string(topic.name) + string('cdr') + sized(qos)
        self._channels[topic.name] = number, record(CHANNEL, body)
        self._sequences[topic.name] = 0
        self.count.counts[topic.name] = 0
        self._append(self._channels[topic.name][1])

    def write(self, topic: str, log_ns: int, publish_ns: int, data: bytes) -> None:
        """Append a message; it reaches the file when its chunk ends."""
        channel = self._channels[topic][0]
        sequence = self._sequences[topic]
        self._sequences[topic] = sequence + 1
        times = self._index.setdefault(channel, [])
        times += (log_ns, self._size)
        self._first_ns = min(self._first_ns, log_ns) if self._messages else log_ns
        self._last_ns = max(self._last_ns, log_ns)
        self._messages += 1
        length = _MESSAGE_BODY_HEAD + len(data)
        self._append(_MESSAGE_HEAD.pack(MESSAGE, length, channel, sequence, log_ns, publish_ns))
        self._append(data)
        self.count.add(topic, log_ns)
        if self._size >= self._chunk_bytes:
            self.flush()

    def flush(self) -> None:
        """End the chunk and hand it to the operating system."""
        if self._parts:
            self._end_chunk()
        self._file.flush()

    def close(self, information: str) -> None:
        """Finish the file and sync the disk."""
        self.flush()
        start, pair = self._offset, string('serialized_metadata') + string(information)
        self._put(record(METADATA, string('rosbag2') + sized(pair)))
        index = struct.pack('<QQ', start, self._offset - start) + string('rosbag2')
        self._put(record(DATA_END, struct.pack('<I', 0)))
        summary = self._offset
        groups = (
            (SCHEMA, b''.join(each for _, each in self._schemas.values())),
            (CHANNEL, b''.join(each for _, each in self._channels.values())),
            (CHUNK_INDEX, b''.join(self._chunk_indexes)),
            (METADATA_INDEX, record(METADATA_INDEX, index)),
            (STATISTICS, record(STATISTICS, self._statistics())),
        )
        offsets = []
        for opcode, group in groups:
            if group:
                body = struct.pack('<BQQ', opcode, self._offset, len(group))
                offsets.append(record(SUMMARY_OFFSET, body))
            self._put(group)
        footer = struct.pack('<QQI', summary, self._offset, 0)
        self._put(b''.join(offsets) + record(FOOTER, footer) + MAGIC)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abort(self) -> None:
        """Close without finishing."""
        try:
            self._file.close()
        except OSError:  # the disk is full: what could not be written is lost already
            pass

    def _append(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)

    def _clear_chunk(self) -> None:
        self._parts: list[bytes] = []
        self._index: dict[int, list[int]] = {}  # channel -> log time, offset, log time, ...
        self._size = self._messages = self._first_ns = self._last_ns = 0

    def _end_chunk(self) -> None:
        content = b''.join(self._parts)
        times = struct.pack('<QQ', self._first_ns, self._last_ns)
        head = times + struct.pack('<QI', len(content), zlib.crc32(content)) + string('')
        head += struct.pack('<Q', len(content))
        start = self._offset
        self._put(struct.pack('<BQ', CHUNK, len(head) + len(content)) + head)
        self._put(content)
        length, offsets = self._offset - start, b''
        for channel, pairs in self._index.items():
            offsets += struct.pack('<HQ', channel, self._offset)
            body = struct.pack('<HI', channel, 8 * len(pairs))
            self._put(record(MESSAGE_INDEX, body + struct.pack(f'<{len(pairs)}Q', *pairs)))
        sizes = struct.pack('<QQ', len(content), len(content))
        body = times + struct.pack('<QQ', start, length) + sized(offsets)
        body += struct.pack('<Q', self._offset - start - length) + string('') + sizes
        self._chunk_indexes.append(record(CHUNK_INDEX, body))
        self._clear_chunk()

    def _statistics(self) -> bytes:
        numbers = ((self._channels[name][0], n) for name, n in self.count.counts.items())
        return struct.pack(
            '<QHIIIIQQ',
            self.count.total,
            len(self._schemas),
            len(self._channels),
            0,  # attachments
            1,  # metadata
            len(self._chunk_indexes),
            self.count.first_ns,
            self.count.last_ns,
        ) + sized(joined('<HQ', numbers))

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._offset += len(data)


def record(opcode: int, body: bytes) -> bytes:
    """Return a record of mcap."""
    return struct.pack('<BQ', opcode, len(body)) + body


def sized(data: bytes) -> bytes:
    """Return bytes behind their number."""
    return struct.pack('<I', len(data)) + data


def string(text: str) -> bytes:
    """Return a text as mcap has it."""
    return sized(text.encode())


def joined(pattern: str, rows: Iterable[tuple[int, int]]) -> bytes:
    """Return packed rows."""
    return b''.join(struct.pack(pattern, *row) for row in rows)
