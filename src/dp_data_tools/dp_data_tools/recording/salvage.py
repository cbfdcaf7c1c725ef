# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Reads what an mcap file has that ends anywhere: every message up to the first missing byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
import struct
from typing import Any
from typing import BinaryIO
import zlib

from dp_core.errors import RecordingError
from dp_data_tools.recording.bag_metadata import RecordedTopic
from dp_data_tools.recording.mcap_file import CHANNEL
from dp_data_tools.recording.mcap_file import CHUNK
from dp_data_tools.recording.mcap_file import DATA_END
from dp_data_tools.recording.mcap_file import FOOTER
from dp_data_tools.recording.mcap_file import MAGIC
from dp_data_tools.recording.mcap_file import MESSAGE
from dp_data_tools.recording.mcap_file import METADATA
from dp_data_tools.recording.mcap_file import SCHEMA
from dp_data_tools.recording.mcap_file import STATISTICS
import yaml

_HEAD = struct.Struct('<BQ')
_CHUNK_HEAD = 32  # before the name of the compression
MAX_RECORD_BYTES = 4 << 30  # longer ones are damage
MAX_SMALL_BYTES = 1 << 20  # of what holds no messages, such as an index
_ATTACHMENT = 9
_FOOTER_BYTES = 20


@dataclass
class Salvage:
    """What was found in a file, and what was not.

    Attributes:
        topics: channel -> topic.
        damaged_chunks: skipped, because their checksum or their compression is wrong.
        unread_bytes: at the end of the file, behind the last whole message.
        is_broken: it is not only cut short, but damaged: it may hold more than was found.
        left_out: of what no bag of rosbag2 holds: noun and more words -> how many.
    """

    topics: dict[int, RecordedTopic] = field(default_factory=dict)
    damaged_chunks: int = 0
    unread_bytes: int = 0
    is_broken: bool = False
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    _schemas: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    _foreign: set[int] = field(default_factory=set)  # channels of other encodings than CDR
    _count: int = 0  # messages found, those of other encodings as well

    def messages(self, path: Path) -> Iterator[tuple[RecordedTopic, int, int, bytes]]:
        """Yield topic, log time [ns], publish time [ns] and data of every message, as written.

        Raises:
            RecordingError: it is no mcap file.
            OSError: it cannot be read.
        """
        with path.open('rb') as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise RecordingError(f'{path} is not an mcap file: its first bytes are others')
            size = path.stat().st_size
            while size - file.tell() > _HEAD.size:
                start = file.tell()
                opcode, length = _HEAD.unpack(file.read(_HEAD.size))
                left = size - file.tell()
                if opcode == FOOTER:  # behind the true one is the magic alone
                    is_true = length == _FOOTER_BYTES and left <= length + len(MAGIC)
                    self.is_broken = self.is_broken or not is_true
                    break
                if opcode == 0 or length > MAX_RECORD_BYTES:
                    file.seek(start)
                    if _has_content(file):
                        self.is_broken, self.unread_bytes = True, size - start
                    break
                if opcode == _ATTACHMENT:  # whole or not
                    self.left_out['attachment', ''] += 1
                if opcode == CHUNK:
                    yield from self._chunk(file, min(length, left), is_cut=length > left)
                elif length <= left:
                    yield from self._record(opcode, file, length)
                if length > left:
                    is_large = opcode in (CHUNK, MESSAGE, _ATTACHMENT)
                    is_long = left > MAX_SMALL_BYTES and not is_large
                    self.is_broken = self.is_broken or is_long or _is_closed(file)
                    self.unread_bytes = size - start
                    break

    def losses(self) -> list[str]:
        """What the file has and the messages are not, in words; for when all are found."""
        found = [f'{n} {noun}{"s" * (n > 1)}{more}' for (noun, more), n in self.left_out.items()]
        if self.damaged_chunks:
            found.append(f'{self.damaged_chunks} damaged chunks skipped')
        if self.unread_bytes:
            found.append('what came after the last whole message')
        return found

    def _chunk(self, file: BinaryIO, length: int, is_cut: bool) -> Iterator[Any]:
        data = file.read(length)
        if len(data) < _CHUNK_HEAD:
            self.is_broken = self.is_broken or not is_cut
            return
        size, checksum, letters = struct.unpack_from('<QII', data, 16)
        start = _CHUNK_HEAD + letters + 8
        if is_cut and len(data) < start:
            return  # within its head
        compression = data[_CHUNK_HEAD : _CHUNK_HEAD + letters].decode('ascii', 'replace')
        content = memoryview(data)[start:]
        if is_cut:
            (stored,) = struct.unpack_from('<Q', data, start - 8)
            if len(content) < stored:
                if not compression:  # of what is compressed a part cannot be read
                    yield from self._records(content)  # all there is; its checksum is of more
                return
            # It is whole, only longer by its length: other chunks may follow it.
            self.is_broken, content = True, content[:stored]
        if compression:
            content = memoryview(_decompress(content, compression))
        if len(content) != size or (checksum and zlib.crc32(content) != checksum):
            self.damaged_chunks += 1
            self.is_broken = True
            return
        yield from self._records(content)

    def _records(self, content: memoryview) -> Iterator[Any]:
        offset = 0
        while len(content) - offset >= _HEAD.size:
            opcode, length = _HEAD.unpack_from(content, offset)
            offset += _HEAD.size
            if length > len(content) - offset:
                return
            yield from self._take(opcode, bytes(content[offset : offset + length]))
            offset += length

    def _record(self, opcode: int, file: BinaryIO, length: int) -> Iterator[Any]:
        if opcode in (SCHEMA, CHANNEL, MESSAGE, STATISTICS, METADATA):
            yield from self._take(opcode, file.read(length))
        else:
            self.is_broken = self.is_broken or opcode > DATA_END  # nobody writes such records
            file.seek(length, 1)

    def _take(self, opcode: int, body: bytes) -> Iterator[Any]:
        try:
            message = self._understood(opcode, body)
        except (struct.error, yaml.YAMLError):
            self.is_broken = True  # it is no such record
            return
        if message is not None:
            self._count += 1
            yield message

    def _understood(
        self, opcode: int, body: bytes
    ) -> tuple[RecordedTopic, int, int, bytes] | None:
        if opcode == SCHEMA:
            words = _Reader(body, 2)
            name, encoding, definition = words.text(), words.text(), words.text()
            self._schemas[_number(body, 0)] = name, encoding, definition
        elif opcode == CHANNEL:
            self._know_channel(body)
        elif opcode == METADATA:
            if _Reader(body, 0).text() != 'rosbag2':  # that one is written anew
                self.left_out['metadata record', ''] += 1
        elif opcode == STATISTICS:  # they come last, in a file that was written to its end
            (count,) = struct.unpack_from('<Q', body)
            self.is_broken = self.is_broken or count != self._count
        elif opcode == MESSAGE:
            channel, _, log_ns, publish_ns = struct.unpack_from('<HIQQ', body, 0)
            if channel in self.topics:
                return self.topics[channel], log_ns, publish_ns, body[22:]
            if channel in self._foreign:
                self._count += 1
            else:
                self.is_broken = True  # its topic was damaged
        return None

    def _know_channel(self, body: bytes) -> None:
        channel, schema = _number(body, 0), _number(body, 2)
        words = _Reader(body, 4)
        topic, serialization = words.text(), words.text()
        if channel in self.topics or channel in self._foreign:
            return  # the summary repeats them
        if serialization != 'cdr':
            self._foreign.add(channel)
            self.left_out['topic', f' encoded as {serialization!r}'] += 1
            return
        msgtype, encoding, definition = self._schemas.get(schema, ('', '', ''))
        qos = _offered(_Reader(words.data(), 0))
        self.topics[channel] = RecordedTopic(topic, msgtype, definition, encoding, offered_qos=qos)


def _is_closed(file: BinaryIO) -> bool:
    """Say whether a file was written to its end: then nothing of it was cut off."""
    file.seek(-len(MAGIC), 2)
    return file.read() == MAGIC


def _has_content(file: BinaryIO) -> bool:
    """Say whether anything but zeros follows: a disk may have kept the length, not the bytes."""
    return any(any(block) for block in iter(lambda: file.read(1 << 20), b''))


class _Reader:
    """Texts and byte strings behind one another."""

    def __init__(self, data: bytes, offset: int) -> None:
        self._data, self._offset = data, offset

    def data(self) -> bytes:
        (length,) = struct.unpack_from('<I', self._data, self._offset)
        start = self._offset + 4
        self._offset = start + length
        return self._data[start : self._offset]

    def text(self) -> str:
        return self.data().decode('utf-8', 'replace')

    @property
    def has_more(self) -> bool:
        return self._offset < len(self._data)


def _number(body: bytes, offset: int) -> int:
    return int.from_bytes(body[offset : offset + 2], 'little')


def _offered(pairs: _Reader) -> tuple[dict[str, Any], ...]:
    found = {}
    while pairs.has_more:
        key = pairs.text()
        found[key] = pairs.text()
    profiles = yaml.safe_load(found.get('offered_qos_profiles', '')) or []
    return tuple(profiles) if isinstance(profiles, list) else ()


def _decompress(content: memoryview, compression: str) -> bytes:
    """Return the content of a chunk; b'' where that fails."""
    if compression == 'zstd':
        from rosbags.rosbag2.storage_mcap import zstd  # of Python itself from 3.14 on

        try:
            return bytes(zstd.decompress(content))
        except zstd.ZstdError:
            return b''
    if compression == 'lz4':
        import lz4.frame

        try:
            return bytes(lz4.frame.decompress(content))
        except RuntimeError:
            return b''
    raise RecordingError(f"a chunk is compressed by {compression!r}, valid: '', 'zstd', 'lz4'")
