# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One rosbag2 recording (mcap or sqlite3), read without ROS: its topics and its messages."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
import sqlite3
import struct
from types import TracebackType
from typing import Any

from dp_core.errors import DatasetError
from rosbags.highlevel import AnyReader
from rosbags.highlevel import AnyReaderError
from rosbags.rosbag2 import ReaderError
from rosbags.typesys import get_typestore
from rosbags.typesys import Stores

# What a reader raises when bytes are missing or wrong.
_DAMAGE = (AnyReaderError, ReaderError, OSError, sqlite3.Error, struct.error)


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
    """Reads one bag; use as a context manager.

    Bags of older distributions carry no message definitions; the common interfaces that this
    suite reads have not changed since Humble, whose definitions stand in.
    """

    def __init__(self, path: Path | str) -> None:
        """Remember the path; nothing is read yet."""
        self.path = Path(path)

    def __enter__(self) -> BagReader:
        """Open the bag.

        Raises:
            DatasetError: there is no bag, or it is damaged.
        """
        try:
            definitions = get_typestore(Stores.ROS2_HUMBLE)
            self._reader = AnyReader([self.path], default_typestore=definitions)
            self._reader.open()
        except _DAMAGE as error:
            raise DatasetError(
                f'cannot read bag {self.path}: {error}; a recording that was killed may be '
                'repaired by `ros2 bag reindex` or `mcap recover`'
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the bag."""
        self._reader.close()

    @property
    def topics(self) -> dict[str, Topic]:
        """Topics by name, in alphabetical order."""
        found: dict[str, Topic] = {}
        for c in sorted(self._reader.connections, key=lambda c: c.topic):
            before = found[c.topic].count if c.topic in found else 0
            found[c.topic] = Topic(c.topic, c.msgtype, before + c.msgcount)
        return found

    @property
    def duration_s(self) -> float:
        """Time between the first and the last message [s]."""
        return self._reader.duration * 1e-9 if self._reader.message_count else 0.0

    def messages(self, topics: Collection[str]) -> Iterator[tuple[str, int, Any]]:
        """Yield topic, time of recording [ns] and message, in the order of recording.

        Raises:
            DatasetError: the bag is damaged where it is being read.
        """
        chosen = [c for c in self._reader.connections if c.topic in topics]
        if not chosen:
            return  # the reader takes an empty choice for all of them
        recorded_ns = 0
        try:
            for connection, recorded_ns, raw in self._reader.messages(chosen):
                message = self._reader.deserialize(raw, connection.msgtype)
                yield connection.topic, recorded_ns, message
        except _DAMAGE as error:
            raise DatasetError(
                f'bag {self.path} is damaged after {recorded_ns * 1e-9:.3f} s: {error}'
            ) from error
