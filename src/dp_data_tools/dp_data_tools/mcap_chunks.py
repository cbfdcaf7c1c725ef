# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Messages of an indexed mcap file without reading the pixels of pictures that nobody needs.

`rosbags` reads and copies whole chunks. Here the records of a chunk that is not compressed are
visited one by one: of a large message only the beginning is read, the rest when it is asked for.
The format is described at https://mcap.dev/spec.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
import heapq
from itertools import pairwise
from operator import attrgetter
import os
import struct
from typing import Any
from zlib import crc32

from dp_core.errors import DatasetError
from dp_data_tools.raw_message import HEAD_BYTES
from dp_data_tools.raw_message import RawMessage
from lz4.frame import decompress as lz4_decompress
from rosbags.rosbag2.storage_mcap import zstd

_CHUNK, _MESSAGE = 0x06, 0x05
_RECORD = struct.Struct('<BQ')  # kind and length of a record
_CHUNK_FRONT = struct.Struct('<QQQII')  # first and last time, size, checksum, length of a name
_MESSAGE_FRONT = struct.Struct('<HIQQ')  # channel, sequence, recorded, published
_BLOCK_BYTES = 16384  # are read at once: many small messages, or the head of a large one


def chunk_messages(
    file: int, chunks: list[Any], topics: Mapping[int, str]
) -> Iterator[RawMessage]:
    """Yield the messages of some channels in the order of recording.

    Args:
        file: descriptor of the open mcap file.
        chunks: index of its chunks, as `rosbags` reads it.
        topics: channel -> topic.

    Raises:
        DatasetError: a chunk is damaged.
    """
    wanted = [c for c in chunks if not c.channel_count or topics.keys() & c.channel_count.keys()]
    if all(a.message_end_time <= b.message_start_time for a, b in pairwise(wanted)):
        for chunk in wanted:
            yield from _in_order(file, chunk, topics)
        return
    sources = [_chunk(file, chunk, topics) for chunk in wanted]
    for _, _, _, message in heapq.merge(*sources, key=lambda entry: entry[:3]):
        if message is not None:
            yield message


def _chunk(
    file: int, chunk: Any, topics: Mapping[int, str]
) -> Iterator[tuple[int, int, int, RawMessage | None]]:
    """Entries (time, place of the chunk, number, message); the first one opens nothing yet."""
    start = chunk.chunk_start_offset
    yield chunk.message_start_time, start, -1, None
    for number, message in enumerate(_in_order(file, chunk, topics)):
        yield message.recorded_ns, start, number, message


def _in_order(file: int, chunk: Any, topics: Mapping[int, str]) -> list[RawMessage]:
    """Messages of a chunk by the time of recording."""
    start = chunk.chunk_start_offset
    block = _exactly(file, start, min(_BLOCK_BYTES, chunk.chunk_length))
    kind, _ = _RECORD.unpack_from(block)
    _, _, size, checksum, name_bytes = _CHUNK_FRONT.unpack_from(block, _RECORD.size)
    if kind != _CHUNK or name_bytes > 16:
        raise DatasetError(f'there is no chunk at byte {start}')
    place = _RECORD.size + _CHUNK_FRONT.size
    compression = block[place : place + name_bytes].decode('ascii', 'replace')
    (stored,) = struct.unpack_from('<Q', block, place + name_bytes)
    at = start + place + name_bytes + 8
    data = b''
    if compression or checksum:
        data = _decompress(_exactly(file, at, stored), compression, start)
        if len(data) != size or (checksum and crc32(data) != checksum):
            raise DatasetError(f'the chunk at byte {start} does not match its checksum')
    if compression:
        found = list(_records_in(data, topics))
    else:
        found = list(_records_of(file, at, at + stored, topics, block, start))
    found.sort(key=attrgetter('recorded_ns'))
    return found


def _records_of(
    file: int, at: int, end: int, topics: Mapping[int, str], block: bytes, block_at: int
) -> Iterator[RawMessage]:
    """Messages between two places of a file; large ones stay there.

    ``block`` is what was read already, at ``block_at``.
    """
    before = _RECORD.size + _MESSAGE_FRONT.size
    while at < end:
        here = at - block_at
        if here + before + HEAD_BYTES > len(block) and block_at + len(block) < end:
            block, block_at, here = os.pread(file, min(_BLOCK_BYTES, end - at), at), at, 0
        if len(block) - here < _RECORD.size:
            raise DatasetError(f'the file ends within the chunk at byte {at}')
        kind, length = _RECORD.unpack_from(block, here)
        if at + _RECORD.size + length > end:
            raise DatasetError(f'the record at byte {at} is longer than its chunk')
        if kind == _MESSAGE and length >= _MESSAGE_FRONT.size:
            channel, _, recorded_ns, _ = _MESSAGE_FRONT.unpack_from(block, here + _RECORD.size)
            if channel in topics:
                size, place = length - _MESSAGE_FRONT.size, here + before
                if place + size <= len(block):
                    yield RawMessage(topics[channel], recorded_ns, block[place : place + size])
                else:
                    head = block[place : place + HEAD_BYTES]
                    yield RawMessage(topics[channel], recorded_ns, head, file, at + before, size)
        at += _RECORD.size + length


def _records_in(data: bytes, topics: Mapping[int, str]) -> Iterator[RawMessage]:
    """Messages of the content of a chunk."""
    before, at = _RECORD.size + _MESSAGE_FRONT.size, 0
    while at < len(data):
        try:
            kind, length = _RECORD.unpack_from(data, at)
            if kind == _MESSAGE:
                channel, _, recorded_ns, _ = _MESSAGE_FRONT.unpack_from(data, at + _RECORD.size)
                if channel in topics:
                    content = data[at + before : at + _RECORD.size + length]
                    yield RawMessage(topics[channel], recorded_ns, content)
        except struct.error as error:
            raise DatasetError(f'a record of a chunk is cut off: {error}') from error
        at += _RECORD.size + length


def _decompress(data: bytes, compression: str, start: int) -> bytes:
    if not compression:
        return data
    try:
        if compression == 'zstd':
            return bytes(zstd.decompress(data))
        if compression == 'lz4':
            return bytes(lz4_decompress(data))
    except (zstd.ZstdError, RuntimeError) as error:
        raise DatasetError(f'the chunk at byte {start} cannot be decompressed: {error}') from error
    raise DatasetError(
        f'the chunk at byte {start} is compressed by {compression!r}; valid: zstd, lz4'
    )


def _exactly(file: int, at: int, size: int) -> bytes:
    data = os.pread(file, size, at)
    if len(data) != size:
        raise DatasetError(f'the file ends at byte {at + len(data)}, within a chunk')
    return data
