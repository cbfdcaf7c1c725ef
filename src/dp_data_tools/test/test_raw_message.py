# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The front of a message is read as rosbags reads the whole, and damage is told."""

from bag_samples import header
from bag_samples import JOINT_STATE
from bag_samples import joints
from bag_samples import MS
from bag_samples import picture
from bag_samples import STORE
from bag_samples import T0
from dp_core.decode import stamp_ns
from dp_core.errors import DatasetError
from dp_data_tools.raw_message import Fronts
from dp_data_tools.raw_message import RawMessage
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

NAMES = st.lists(st.text(st.characters(codec='utf-8', exclude_characters='\0'), max_size=9))


def front(message, joints=False):
    """Front of a message by a reader that knows none before."""
    return Fronts().read(message, joints)


def raw(message, kind, **options):
    return RawMessage('/t', T0, bytes(STORE.serialize_cdr(message, kind, **options)))


@given(NAMES, st.text('abc', max_size=9), st.booleans(), st.integers(1, 3))
def test_joint_states_are_read_as_rosbags_reads_them(names, frame, little, extra):
    position = np.arange(len(names) + extra - 1, dtype=np.float64)
    message = STORE.types[JOINT_STATE](
        header(7, frame), names, position, np.ones(extra), np.zeros(0)
    )
    read = front(raw(message, JOINT_STATE, little_endian=little), joints=True)
    assert (stamp_ns(read), read.header.frame_id) == (T0 + 7 * MS, frame)
    assert list(read.name) == names
    assert read.position.tolist() == position.tolist()


def test_a_picture_needs_only_its_head():
    whole = raw(picture(3, 9), 'sensor_msgs/msg/Image')
    part = RawMessage('/t', T0, whole.head[:64])
    assert stamp_ns(front(part)) == stamp_ns(front(whole)) == T0 + 3 * MS
    assert front(part).header.frame_id == 'camera'


def test_the_rest_is_read_from_the_file_when_it_is_needed(tmp_path):
    data = raw(joints(5, (1.0, 2.0)), JOINT_STATE).head
    (tmp_path / 'file').write_bytes(b'before' + data)
    with open(tmp_path / 'file', 'rb') as file:
        part = RawMessage('/t', T0, data[:30], file.fileno(), 6, len(data))
        assert part.data() == data
        assert front(part, joints=True).position.tolist() == [2.0, 1.0]
        longer = RawMessage('/t', T0, data[:30], file.fileno(), 6, len(data) + 1)
        with pytest.raises(DatasetError, match='/t, recorded at .*: the file ends within'):
            longer.data()


@pytest.mark.parametrize('cut', [0, 3, 14, 20, 33, -1])
def test_bytes_that_are_no_message_are_refused(cut):
    whole = raw(joints(5, (1.0, 2.0)), JOINT_STATE).head
    positions = len(whole) - 8 if cut == -1 else cut
    with pytest.raises(DatasetError, match=r'/t: .* byte recorded at 1700000000.000 are no mess'):
        front(RawMessage('/t', T0, whole[: positions - 8 if cut == -1 else cut]), joints=True)
    with pytest.raises(DatasetError, match='encapsulation 0007, valid: 0000, 0001'):
        front(RawMessage('/t', T0, b'\x00\x07' + whole[2:]))


def test_a_message_that_looks_otherwise_than_the_one_before_is_read_as_it_is():
    fronts = Fronts()
    for names in (('a', 'b'), ('a', 'b'), ('b', 'a'), ('b', 'a', 'c'), ('a',)):
        message = raw(joints(5, (1.0, 2.0), names), JOINT_STATE)
        read = fronts.read(message, joints=True)
        assert read.name == names
        assert read.position.tolist() == [{'a': 1.0, 'b': 2.0}.get(n, 0.0) for n in names]
