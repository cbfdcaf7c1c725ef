# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Of a damaged mcap file every message is found, or it is told that there may be more."""

import struct
import sys

from dp_core.errors import RecordingError
from dp_data_tools.recording import salvage
from dp_data_tools.recording.mcap_file import CHUNK
from dp_data_tools.recording.mcap_file import MAGIC
from dp_data_tools.recording.mcap_file import MESSAGE_INDEX
from dp_data_tools.recording.mcap_file import record
from dp_data_tools.recording.mcap_file import string
from dp_data_tools.recording.recover import recover
from dp_data_tools.recording.salvage import Salvage
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import lz4.frame
import pytest
from rosbags.rosbag2.storage_mcap import zstd
from test_recover import chunked
from test_recover import read
from test_recover import records

COMPRESS = {'zstd': zstd.compress, 'lz4': lz4.frame.compress}


class Whole:
    """A file of many chunks, its content, and its messages."""

    def __init__(self, folder):
        bag, self.messages = chunked(folder)
        self.path = bag / 'bag_0.mcap'
        self.content = self.path.read_bytes()

    def places(self, *opcodes):
        """Where records begin; those of an opcode or all."""
        found = records(self.content)
        return [place for place, opcode in found if opcode in opcodes or not opcodes]


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    return Whole(tmp_path_factory.mktemp('whole'))


def found(path, content):
    """Read the messages of a file with this content; return them and what was told."""
    path.write_bytes(content)
    told = Salvage()
    return [(t.name, log_ns, data) for t, log_ns, _, data in told.messages(path)], told


@given(
    where=st.one_of(
        st.floats(0, 1, exclude_max=True),
        st.tuples(st.integers(0, 10_000), st.integers(0, 50)),  # of a record, and in its head
    ),
    bit=st.integers(0, 7),
)
@settings(max_examples=200, deadline=None)
def test_a_flipped_bit_hides_nothing_unseen(whole, where, bit):
    if isinstance(where, tuple):
        places = whole.places()
        place = min(places[where[0] % len(places)] + where[1], len(whole.content) - 1)
    else:
        place = int(where * len(whole.content))
    damaged = bytearray(whole.content)
    damaged[place] ^= 1 << bit
    try:
        rows, told = found(whole.path, damaged)
    except RecordingError:
        return  # nothing is made of it, so it stays as it is
    is_same = rows == whole.messages  # without the words of a comparison, which are long
    assert is_same or told.is_broken


@pytest.mark.parametrize('opcode', [2, 7, 22])  # a footer, an index, and none at all
def test_a_chunk_that_is_taken_for_something_else_is_missed(whole, opcode):
    damaged = bytearray(whole.content)
    damaged[whole.places(CHUNK)[2]] = opcode
    rows, told = found(whole.path, damaged)
    assert 0 < len(rows) < len(whole.messages)
    assert told.is_broken


def test_an_index_in_a_file_that_was_not_closed_is_not_as_long_as_the_rest(whole, monkeypatch):
    damaged = bytearray(whole.content[:-100])
    damaged[whole.places(MESSAGE_INDEX)[0] + 4] ^= 0x40
    assert not found(whole.path, damaged)[1].is_broken
    monkeypatch.setattr(salvage, 'MAX_SMALL_BYTES', 10_000)
    assert found(whole.path, damaged)[1].is_broken


def test_a_record_that_is_none_ends_no_recovery(tmp_path):
    head = MAGIC + record(1, string('ros2') + string('other'))
    channel = struct.pack('<HH', 7, 1) + string('/t') + string('cdr') + struct.pack('<I', 0)
    message = record(5, struct.pack('<HIQQ', 7, 0, 33, 32) + b'data')
    for damage in (record(5, b'short'), record(3, b'\1\0\xff\xff\xff\x7f')):
        rows, told = found(tmp_path / 'bag.mcap', head + record(4, channel) + damage + message)
        assert rows == [('/t', 33, b'data')]
        assert told.is_broken


def compressed(content, compression):
    """An mcap file with its chunks compressed, and where these begin."""
    packed, chunks = bytearray(MAGIC), []
    for place, opcode in records(content):
        (length,) = struct.unpack_from('<Q', content, place + 1)
        body = content[place + 9 : place + 9 + length]
        if opcode == CHUNK:
            chunks.append(len(packed))
            small = COMPRESS[compression](body[40:])
            body = body[:28] + string(compression) + struct.pack('<Q', len(small)) + small
        packed += record(opcode, body)
    return packed, chunks


@pytest.mark.parametrize('compression', COMPRESS)
@pytest.mark.parametrize('left', [20, 43, 50, 400])  # in its head, in a name, in a length
def test_a_compressed_chunk_that_is_cut_short_is_not_damaged(
    tmp_path, monkeypatch, compression, left
):
    monkeypatch.setitem(sys.modules, 'backports', None)  # as with Python 3.14
    bag, messages = chunked(tmp_path)
    content, chunks = compressed((bag / 'bag_0.mcap').read_bytes(), compression)
    (bag / 'bag_0.mcap').write_bytes(content[: chunks[3] + left])
    (bag / 'bag_1.mcap').write_bytes(content[: chunks[0] + left])
    words = 'what came after the last whole message'
    assert recover(bag).loss == f'bag_0.mcap: {words}; bag_1.mcap: {words}'
    names = sorted(path.name for path in bag.iterdir())
    assert names == ['bag_0.mcap', 'bag_1.mcap', 'metadata.yaml']
    rows = read(bag)
    assert 100 < len(rows) < len(messages) and rows == messages[: len(rows)]


@pytest.mark.parametrize('compression', COMPRESS)
def test_a_whole_compressed_chunk_is_read_whatever_its_length_says(whole, compression):
    content, chunks = compressed(whole.content, compression)
    before, _ = found(whole.path, content[: chunks[2]])
    content[chunks[2] + 1 + 3] ^= 0x40  # 1 GiB
    rows, told = found(whole.path, content[:-100])
    assert len(before) < len(rows) and rows == whole.messages[: len(rows)]
    assert (told.is_broken, told.damaged_chunks) == (True, 0)


def test_a_file_without_a_message_does_not_hinder_the_recovery_of_the_others(tmp_path):
    bag, messages = chunked(tmp_path)
    (bag / 'bag_1.mcap').touch()
    assert recover(bag).loss.endswith('bag_1.mcap is not an mcap file: its first bytes are others')
    assert read(bag) == messages
