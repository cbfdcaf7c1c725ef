# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A recorded message before it is deserialised, and the front of it: stamp, frame, joint names.

Most pictures of a recording are never used; where the file allows it, their pixels are not even
read. The front of a message lies at the same place in every distribution, so that it can be read
without a definition.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
import os
import struct
from types import SimpleNamespace
from typing import Any

from dp_core.errors import DatasetError
import numpy as np

HEAD_BYTES = 1024


class RawMessage:
    """One message as it was recorded.

    Attributes:
        topic: with its leading slash.
        recorded_ns: when it was recorded [ns].
        head: its first bytes: all, or HEAD_BYTES of them.
    """

    __slots__ = ('_file', '_offset', '_size', 'head', 'recorded_ns', 'topic')

    def __init__(
        self,
        topic: str,
        recorded_ns: int,
        head: bytes,
        file: int = -1,
        offset: int = 0,
        size: int = 0,
    ) -> None:
        """Give ``head`` alone, or also the ``size`` bytes at ``offset`` of an open ``file``."""
        self.topic = topic
        self.recorded_ns = recorded_ns
        self.head = head
        self._file, self._offset, self._size = file, offset, size

    def data(self) -> bytes:
        """All bytes.

        Raises:
            DatasetError: the file ends before, or cannot be read.
        """
        if self._file < 0:
            return self.head
        where = f'{self.topic}, recorded at {self.recorded_ns * 1e-9:.3f}'
        try:
            data = os.pread(self._file, self._size, self._offset)
        except OSError as error:
            raise DatasetError(f'{where}: the file cannot be read: {error.strerror}') from error
        if len(data) != self._size:
            raise DatasetError(f'{where}: the file ends within the message')
        return data


def front(raw: RawMessage, joints: bool = False) -> Any:
    """Header of a message; with ``joints`` also the joint names and positions that follow it.

    The positions are those of a JointState, or of the first point of a controller's state, which
    is its reference in every version of control_msgs.

    Returns:
        ``header.stamp.sec``, ``header.stamp.nanosec``, ``header.frame_id``, and ``name`` and
        ``position`` as a JointState has them.

    Raises:
        DatasetError: the bytes are no such message.
    """
    try:
        return _front(raw.head, joints)
    except (struct.error, IndexError, ValueError) as error:
        if raw.data() is not raw.head:
            return front(RawMessage(raw.topic, raw.recorded_ns, raw.data()), joints)
        raise DatasetError(
            f'{raw.topic}: {len(raw.head)} byte recorded at {raw.recorded_ns * 1e-9:.3f} are no '
            f'message of its type: {error}'
        ) from error


def _front(data: bytes, joints: bool) -> Any:
    if data[0] != 0 or data[1] not in (0, 1):
        raise ValueError(f'encapsulation {bytes(data[:2]).hex()}, valid: 0000, 0001 (CDR)')
    order = '<' if data[1] else '>'
    unpack, skip = _layout(order)
    sec, nanosec, length = unpack(data, 4)
    end = 16 + length
    if length < 1 or end > len(data):
        raise ValueError(f'a frame_id of {length} byte')
    header = SimpleNamespace(
        stamp=SimpleNamespace(sec=sec, nanosec=nanosec), frame_id=str(data[16 : end - 1], 'utf-8')
    )
    if not joints:
        return SimpleNamespace(header=header)
    start = 4 + skip(end - 4, 4)
    names, place = _names(data, start, order)
    place = 4 + skip(place - 4, 4)
    (count,) = struct.unpack_from(order + 'I', data, place)
    place = 4 + (skip(place, 8) if count else place)
    position = np.frombuffer(data, np.dtype(order + 'f8'), count, place)
    return SimpleNamespace(header=header, name=names, position=position)


@lru_cache(maxsize=2)
def _layout(order: str) -> tuple[Callable[..., Any], Callable[[int, int], int]]:
    def skip(place: int, step: int) -> int:
        return (place + step - 1) // step * step

    return struct.Struct(order + 'iII').unpack_from, skip


def _names(data: bytes, start: int, order: str) -> tuple[tuple[str, ...], int]:
    """Names of a sequence of texts at ``start``, and the place behind it."""
    (count,) = struct.unpack_from(order + 'I', data, start)
    place, names = start + 4, []
    for _ in range(count):
        place = 4 + (place - 4 + 3) // 4 * 4
        (length,) = struct.unpack_from(order + 'I', data, place)
        if length < 1 or place + 4 + length > len(data):
            raise ValueError(f'a name of {length} byte')
        names.append(str(data[place + 4 : place + 3 + length], 'utf-8'))
        place += 4 + length
    return tuple(names), place
