# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Samples of many messages at once, where they look alike.

A robot says five hundred times a second the same, but for the stamp and a few numbers. Such
messages are read here as the rows of one array. A message of which anything is odd is left to the
careful reading of one message after another, which says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dp_core.contract import Stream
from dp_core.decode import event_time_ns
from dp_core.decode import is_other_device
from dp_core.decode import joint_columns
from dp_core.errors import DatasetError
from dp_core.errors import ObservationError
from dp_data_tools.raw_message import BETWEEN_AT
from dp_data_tools.raw_message import Fronts
from dp_data_tools.raw_message import Layout
from dp_data_tools.raw_message import RawMessage
from dp_data_tools.raw_message import STAMP_AT
import numpy as np
from numpy.typing import NDArray

Sample = tuple[int, NDArray[Any]]  # event time [ns] and value


def samples_alike(
    stream: Stream, messages: Sequence[RawMessage], fronts: Fronts
) -> list[Sample | None]:
    """Samples of the messages that look as the first one, and are as they should be.

    Args:
        stream: what is read: joints, or pictures, which stand for themselves.
        messages: of its topic.
        fronts: reads the first one.

    Returns:
        For each message what `dp_core.decode` makes of it, or None: read it by itself.
    """
    found: list[Sample | None] = [None] * len(messages)
    if stream.kind not in ('joint_state', 'image'):
        return found
    try:
        front = fronts.read(messages[0], joints=stream.kind == 'joint_state')
        event_time_ns(stream, front)
        if is_other_device(stream, front):
            return found
        columns = None
        if stream.kind == 'joint_state':
            columns = joint_columns(front, stream.joints, stream.topic)
    except (ObservationError, DatasetError):
        return found
    layout = fronts.layout(messages[0].topic)
    form = _form(layout, columns is not None)
    # A head that is cut off within what matters here is read on in the file, by itself.
    whole = [place for place, raw in enumerate(messages) if len(raw.head) >= form.itemsize]
    heads = b''.join(messages[place].head[: form.itemsize] for place in whole)
    rows = np.frombuffer(heads, form, len(whole))
    good = (rows['encoding'] == (0, layout.order == '<')).all(axis=1)
    good &= (rows['between'] == np.frombuffer(layout.between, np.uint8)).all(axis=1)
    stamps_ns = rows['sec'] * np.int64(10**9) + rows['nanosec']
    good &= stamps_ns > 0
    if columns is None:
        values = [standing_for(messages[place]) for place in whole]
    else:
        numbers = rows['position'][:, columns].astype(np.float32)
        good &= (rows['count'] == len(layout.names)) & np.isfinite(numbers).all(axis=1)
        values = list(numbers)
    events_ns = (stamps_ns - round(stream.latency_s * 1e9)).tolist()
    for place, event_ns, value, is_good in zip(whole, events_ns, values, good.tolist()):
        if is_good:
            found[place] = event_ns, value
    return found


def standing_for(raw: RawMessage) -> NDArray[Any]:
    """Value of a picture that is decoded later, if at all: its message."""
    value = np.empty((), dtype=object)
    value[()] = raw
    return value


def _form(layout: Layout, joints: bool) -> np.dtype[Any]:
    """Fields of a message: all up to its positions with ``joints``, else of its header."""
    order, count = layout.order, len(layout.names)
    fields: dict[str, tuple[Any, int]] = {
        'encoding': (('u1', 2), 0),
        'sec': (order + 'i4', STAMP_AT),
        'nanosec': (order + 'u4', STAMP_AT + 4),
        'between': (('u1', len(layout.between)), BETWEEN_AT),
    }
    if joints:
        fields['count'] = (order + 'u4', layout.count_at)
        fields['position'] = ((order + 'f8', count), layout.positions_at(count))
    return np.dtype(fields)
