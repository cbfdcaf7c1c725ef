# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A recorded message before it is deserialised, and the front of it: stamp, frame, joint names.

Most pictures of a recording are never used; where the file allows it, their pixels are not even
read. The front of a message lies at the same place in every distribution, so that it can be read
without a definition.
"""

from __future__ import annotations

from dataclasses import dataclass
import os
import struct
from types import SimpleNamespace
from typing import Any

from dp_core.errors import DatasetError
import numpy as np

HEAD_BYTES = 1024
STAMP_AT, BETWEEN_AT = 4, 12  # places in a message: behind the encapsulation, behind the stamp


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


@dataclass(frozen=True, slots=True)
class Layout:
    """What lies between the stamp and the positions of a message; the next one has the same.

    Attributes:
        order: of the bytes, '<' or '>'.
        between: the bytes behind the stamp: frame, and joint names.
        frame_id: of the header.
        names: of the joints.
    """

    order: str
    between: bytes
    frame_id: str
    names: tuple[str, ...]

    def begins(self, order: str, data: bytes) -> bool:
        """Whether a message has this layout, up to the number of its positions."""
        end = BETWEEN_AT + len(self.between)
        return self.order == order and data[BETWEEN_AT:end] == self.between

    @property
    def count_at(self) -> int:
        """Where the number of positions lies."""
        return _aligned(BETWEEN_AT + len(self.between), 4)

    def positions_at(self, count: int) -> int:
        """Where so many positions lie; nothing is aligned where there are none."""
        return _aligned(self.count_at + 4, 8) if count else self.count_at + 4


class Fronts:
    """Reads the fronts of messages; one that looks as the one before on its topic is read fast."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._layouts: dict[str, Layout] = {}

    def read(self, raw: RawMessage, joints: bool = False) -> Any:
        """Header of a message; with ``joints`` also the joint names and positions behind it.

        The positions are those of a JointState, or of the first point of a controller's state,
        which is its reference in every version of control_msgs.

        Returns:
            ``header.stamp.sec``, ``header.stamp.nanosec``, ``header.frame_id``, and ``name`` and
            ``position`` as a JointState has them.

        Raises:
            DatasetError: the bytes are no such message.
        """
        try:
            return self._read(raw.topic, raw.head, joints)
        except (struct.error, IndexError, ValueError) as error:
            data = raw.data()
            if data is not raw.head:
                return self.read(RawMessage(raw.topic, raw.recorded_ns, data), joints)
            raise DatasetError(
                f'{raw.topic}: {len(data)} byte recorded at {raw.recorded_ns * 1e-9:.3f} are no '
                f'message of its type: {error}'
            ) from error

    def layout(self, topic: str) -> Layout:
        """Layout of the message that was read last on a topic."""
        return self._layouts[topic]

    def _read(self, topic: str, data: bytes, joints: bool) -> Any:
        if data[0] != 0 or data[1] not in (0, 1):
            raise ValueError(f'encapsulation {bytes(data[:2]).hex()}, valid: 0000, 0001 (CDR)')
        order = '<' if data[1] else '>'
        sec, nanosec = _TWO[order].unpack_from(data, STAMP_AT)
        layout = self._layouts.get(topic)
        if layout is None or not layout.begins(order, data):
            layout = self._layouts[topic] = _layout(data, order, joints)
        stamp = SimpleNamespace(sec=sec, nanosec=nanosec)
        header = SimpleNamespace(stamp=stamp, frame_id=layout.frame_id)
        if not joints:
            return SimpleNamespace(header=header)
        (count,) = _ONE[order].unpack_from(data, layout.count_at)
        position = np.frombuffer(data, _FLOATS[order], count, layout.positions_at(count))
        return SimpleNamespace(header=header, name=layout.names, position=position)


_TWO = {order: struct.Struct(order + 'iI') for order in '<>'}
_ONE = {order: struct.Struct(order + 'I') for order in '<>'}
_FLOATS = {order: np.dtype(order + 'f8') for order in '<>'}


def _aligned(place: int, step: int) -> int:
    """The next place in the data that lies at a multiple of ``step`` behind the 4 bytes of CDR."""
    return 4 + (place - 4 + step - 1) // step * step


def _layout(data: bytes, order: str, joints: bool) -> Layout:
    frame_id, place = _text(data, BETWEEN_AT, order)
    if not joints:
        return Layout(order, data[BETWEEN_AT:place], frame_id, ())
    place = _aligned(place, 4)
    (count,) = _ONE[order].unpack_from(data, place)
    place, names = place + 4, []
    for _ in range(count):
        name, place = _text(data, _aligned(place, 4), order)
        names.append(name)
    return Layout(order, data[BETWEEN_AT:place], frame_id, tuple(names))


def _text(data: bytes, place: int, order: str) -> tuple[str, int]:
    """The text at a place, and the place behind it."""
    (length,) = _ONE[order].unpack_from(data, place)
    end = place + 4 + length
    if length < 1 or end > len(data):
        raise ValueError(f'a text of {length} byte')
    return str(data[place + 4 : end - 1], 'utf-8'), end
