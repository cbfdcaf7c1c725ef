# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One rosbag2 recording (mcap or sqlite3), read without ROS: its topics and its messages."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from dataclasses import replace
import heapq
import os
from pathlib import Path
import struct
from types import TracebackType
from typing import Any

from dp_core.errors import DatasetError
from dp_data_tools.bag_files import storage_files
from dp_data_tools.mcap_chunks import chunk_messages
from dp_data_tools.message_types import definitions_of
from dp_data_tools.message_types import MessageTypes
from dp_data_tools.raw_message import RawMessage
from rosbags.rosbag2 import Reader
from rosbags.rosbag2 import ReaderError
from rosbags.rosbag2.storage_mcap import zstd
from rosbags.rosbag2.storage_sqlite3 import apsw

# What a reader raises when bytes are missing or wrong.
_DAMAGE = (
    ReaderError,
    OSError,
    EOFError,
    apsw.Error,
    zstd.ZstdError,
    RuntimeError,  # of lz4
    MemoryError,  # a damaged length is read as one
    OverflowError,
    struct.error,
    TypeError,
    ValueError,
    IndexError,
    KeyError,
)


@dataclass(frozen=True)
class Topic:
    """One topic of a bag.

    Attributes:
        name: with its leading slash.
        msgtype: such as ``sensor_msgs/msg/JointState``.
        count: messages recorded.
    """

    name: str
    msgtype: str
    count: int


class BagReader:
    """Reads one bag: its folder, a folder without metadata.yaml, or one of its files.

    Use as a context manager.
    """

    def __init__(self, path: Path | str) -> None:
        """Remember the path; nothing is read yet."""
        self.path = Path(path)

    def __enter__(self) -> BagReader:
        """Open the bag.

        Raises:
            DatasetError: there is no bag, or it is damaged.
        """
        self._stack = ExitStack()
        try:
            whole = self.path.is_dir() and (self.path / 'metadata.yaml').exists()
            paths = [self.path] if whole else storage_files(self.path)
            self._readers = [self._stack.enter_context(Reader(path)) for path in paths]
            self._connections = [c for reader in self._readers for c in reader.connections]
            self._types = MessageTypes(definitions_of(self._connections))
        except _DAMAGE as error:
            self._stack.close()
            raise DatasetError(
                f'cannot read bag {self.path}: {_words(error)}; a recording that was killed may '
                'be repaired by `dp_data_tools recover`, `ros2 bag reindex` or `mcap recover`'
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the bag."""
        self._stack.close()

    @property
    def topics(self) -> dict[str, Topic]:
        """Topics by name, in alphabetical order."""
        found: dict[str, Topic] = {}
        for c in sorted(self._connections, key=lambda c: c.topic):
            known = found.get(c.topic, Topic(c.topic, c.msgtype, 0))
            found[c.topic] = replace(known, count=known.count + c.msgcount)
        return found

    @property
    def start_ns(self) -> int:
        """When the first message was recorded [ns]; 0 in an empty bag."""
        filled = [reader.start_time for reader in self._readers if reader.message_count]
        return min(filled, default=0)

    @property
    def duration_s(self) -> float:
        """Time between the first and the last message [s]."""
        filled = [reader.end_time for reader in self._readers if reader.message_count]
        return (max(filled, default=0) - self.start_ns) * 1e-9

    def messages(self, topics: Collection[str]) -> Iterator[tuple[str, int, Any]]:
        """Yield topic, time of recording [ns] and message, in the order of recording.

        Raises:
            DatasetError: the bag is damaged where it is being read.
        """
        for raw in self.raw_messages(topics):
            yield raw.topic, raw.recorded_ns, self.deserialize(raw)

    def raw_messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Yield messages in the order of recording, not deserialised; see `RawMessage`.

        Raises:
            DatasetError: the bag is damaged where it is being read.
        """
        recorded_ns = 0
        sources = [self._from(reader, topics) for reader in self._readers]
        try:
            one = len(sources) == 1
            for raw in sources[0] if one else heapq.merge(*sources, key=lambda r: r.recorded_ns):
                recorded_ns = raw.recorded_ns
                yield raw
        except (*_DAMAGE, DatasetError) as error:
            raise DatasetError(
                f'bag {self.path} is damaged after {recorded_ns * 1e-9:.3f} s: {_words(error)}'
            ) from error

    def deserialize(self, raw: RawMessage) -> Any:
        """Message as an object.

        Raises:
            DatasetError: the type is unknown, or the bytes are no such message.
        """
        kind = self.kind_of(raw.topic)
        where = f'{raw.topic}, recorded at {raw.recorded_ns * 1e-9:.3f}'
        return self._types.deserialize(memoryview(raw.data()), kind, where)

    def kind_of(self, topic: str) -> str:
        """Type of a topic's messages."""
        return str(next(c.msgtype for c in self._connections if c.topic == topic))

    def _from(self, reader: Reader, topics: Collection[str]) -> Iterator[RawMessage]:
        storages = getattr(reader.storage, 'storages', [reader.storage])
        mode = getattr(reader.storage.metadata, 'compression_mode', None)
        if mode != 'message' and all(getattr(storage, 'chunks', None) for storage in storages):
            for storage in storages:  # the parts of a split bag follow each other
                file = os.open(storage.path, os.O_RDONLY)
                self._stack.callback(os.close, file)
                channels = {c.id: c.topic for c in storage.connections if c.topic in topics}
                yield from chunk_messages(file, storage.chunks, channels)
            return
        chosen = [c for c in reader.connections if c.topic in topics]
        if chosen:  # the reader takes an empty choice for all of them
            for connection, recorded_ns, data in reader.messages(chosen):
                # In a damaged database a number may be a text: then this fails, and not the user.
                yield RawMessage(connection.topic, int(recorded_ns), bytes(data))


def _words(error: BaseException) -> str:
    """What an error says; where it says nothing, its name."""
    if isinstance(error, MemoryError):  # nobody can tell which
        return 'a damaged length, or want of memory: fewer --workers need less'
    return str(error) or type(error).__name__
