# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The mcap writer and what is read of its files, whole, cut anywhere, or written by others."""

import struct
import zlib

from bag_samples import JOINT_STATE
from bag_samples import recording
from bag_samples import STORE
from bag_samples import T0
from dp_core.errors import RecordingError
from dp_data_tools.recording.bag_metadata import RecordedTopic
from dp_data_tools.recording.mcap_file import CHUNK
from dp_data_tools.recording.mcap_file import CHUNK_INDEX
from dp_data_tools.recording.mcap_file import MAGIC
from dp_data_tools.recording.mcap_file import McapFile
from dp_data_tools.recording.mcap_file import MESSAGE_INDEX
from dp_data_tools.recording.mcap_file import record
from dp_data_tools.recording.mcap_file import STATISTICS
from dp_data_tools.recording.mcap_file import string
from dp_data_tools.recording.salvage import Salvage
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import pytest
from recording_samples import topic
from rosbags.rosbag2 import CompressionFormat
from rosbags.rosbag2 import CompressionMode
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.rosbag2.storage_mcap import McapReader

TOPICS = [RecordedTopic(name, 'std_msgs/msg/String', 'string data') for name in ('/a', '/b')]
ROWS = st.lists(
    st.tuples(st.sampled_from(['/a', '/b']), st.integers(1, 2**62), st.binary(max_size=300))
)


def write(path, rows, chunk_bytes=500):
    """Write (topic, log time, data); publish time is one less."""
    path.unlink(missing_ok=True)
    file = McapFile(path, chunk_bytes)
    for each in TOPICS:
        file.add_topic(each)
    for name, log_ns, data in rows:
        file.write(name, log_ns, log_ns - 1, data)
    return file


def salvage(path):
    found = Salvage()
    rows = [(t.name, log_ns, data) for t, log_ns, _, data in found.messages(path)]
    return rows, found


def records(path):
    """(opcode, offset, body) of every record, by the words of the specification."""
    content = path.read_bytes()
    assert content.startswith(MAGIC) and content.endswith(MAGIC)
    offset, found = len(MAGIC), []
    while offset < len(content) - len(MAGIC):
        opcode, length = struct.unpack_from('<BQ', content, offset)
        found.append((opcode, offset, content[offset + 9 : offset + 9 + length]))
        offset += 9 + length
    assert offset == len(content) - len(MAGIC)
    return found


@settings(max_examples=30, deadline=None)
@given(rows=ROWS)
def test_what_is_written_is_read_whatever_it_is(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / 'any.mcap'
    write(path, rows).close('')
    assert salvage(path)[0] == rows
    reader = McapReader(path)
    reader.open()
    read = [(c.topic, t, bytes(data)) for c, t, data in reader.messages(reader.connections)]
    assert sorted(read) == sorted(rows)
    assert [each[1] for each in read] == sorted(each[1] for each in rows)
    assert reader.metadata.message_count == len(rows)
    reader.close()


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, part=st.floats(0.0, 1.0))
def test_a_file_cut_anywhere_begins_as_it_did(tmp_path_factory, rows, part):
    path = tmp_path_factory.getbasetemp() / 'cut.mcap'
    write(path, rows).close('')
    size = len(MAGIC) + round(part * (path.stat().st_size - len(MAGIC)))
    with path.open('r+b') as file:
        file.truncate(size)
    found, _ = salvage(path)
    assert found == rows[: len(found)]


def test_the_indexes_point_at_chunks_and_messages(tmp_path):
    rows = [('/ab'[0:1] + 'ab'[k % 2], 1000 + k, bytes([k]) * 40) for k in range(60)]
    path = tmp_path / 'bag.mcap'
    write(path, rows).close('information')
    content, found = path.read_bytes(), records(path)
    chunks = {offset: body for opcode, offset, body in found if opcode == CHUNK}
    indexes = [body for opcode, _, body in found if opcode == CHUNK_INDEX]
    assert len(chunks) == len(indexes) > 3
    counted = 0
    for body in indexes:
        first_ns, last_ns, start, length = struct.unpack_from('<QQQQ', body)
        chunk = chunks[start]
        assert length == len(chunk) + 9
        assert struct.unpack_from('<QQ', chunk) == (first_ns, last_ns)
        size, checksum = struct.unpack_from('<QI', chunk, 16)
        inside = chunk[40:]
        assert (len(inside), zlib.crc32(inside)) == (size, checksum)
        offset = start + length
        while content[offset] == MESSAGE_INDEX:
            (body_length,) = struct.unpack_from('<Q', content, offset + 1)
            channel, bytes_ = struct.unpack_from('<HI', content, offset + 9)
            for k in range(bytes_ // 16):
                log_ns, place = struct.unpack_from('<QQ', content, offset + 15 + 16 * k)
                opcode, _, number, _, at_ns = struct.unpack_from('<BQHIQ', inside, place)
                assert (opcode, number, at_ns) == (5, channel, log_ns)
                counted += 1
            offset += 9 + body_length
    assert counted == len(rows)
    (statistics,) = (body for opcode, _, body in found if opcode == STATISTICS)
    assert struct.unpack_from('<QHIIIIQQ', statistics) == (
        *(60, 1, 2, 0, 1),
        *(len(chunks), 1000, 1059),
    )
    assert b'information' in content


def test_sequence_and_publish_times_are_kept(tmp_path):
    rows = [('/a', 10, b'x'), ('/b', 11, b'y'), ('/a', 12, b'z')]
    path = tmp_path / 'bag.mcap'
    write(path, rows).close('')
    times = [(log_ns, sent_ns) for _, log_ns, sent_ns, _ in Salvage().messages(path)]
    assert times == [(10, 9), (11, 10), (12, 11)]
    (chunk,) = (body for opcode, _, body in records(path) if opcode == CHUNK)
    sequences = [
        struct.unpack_from('<I', chunk, chunk.index(each) - 20)[0] for each in (b'x', b'z')
    ]
    assert sequences == [0, 1]


@pytest.mark.parametrize('compressed', [True, False])
def test_files_of_others_are_salvaged(tmp_path, compressed):
    rows = recording(seconds=0.5)
    writer = Writer(tmp_path / 'bag', version=9, storage_plugin=StoragePlugin.MCAP)
    if compressed:
        writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    expected = []
    with writer:
        connections = {}
        for name, kind, ms, message in rows:
            if name not in connections:
                connections[name] = writer.add_connection(name, kind, typestore=STORE)
            data = bytes(STORE.serialize_cdr(message, kind))
            writer.write(connections[name], T0 + round(ms * 1e6), data)
            expected.append((name, T0 + round(ms * 1e6), data))
    found, told = salvage(tmp_path / 'bag' / 'bag.mcap')
    assert found == expected
    described = next(each for each in told.topics.values() if each.name == '/joint_states')
    assert described.msgtype == JOINT_STATE
    assert described.definition == topic('/joint_states', JOINT_STATE).definition


def test_messages_outside_of_chunks_and_a_tail_of_zeros(tmp_path):
    path = tmp_path / 'bag.mcap'
    path.write_bytes(
        MAGIC
        + record(1, string('ros2') + string('other'))
        + record(
            3, struct.pack('<H', 1) + string('a/msg/B') + string('ros2msg') + string('int8 x')
        )
        + record(4, struct.pack('<HH', 7, 1) + string('/t') + string('cdr') + struct.pack('<I', 0))
        + record(5, struct.pack('<HIQQ', 7, 0, 33, 32) + b'data')
        + record(5, struct.pack('<HIQQ', 8, 0, 34, 33) + b'of no channel')
        + bytes(4096)
    )
    found, told = salvage(path)
    assert found == [('/t', 33, b'data')]
    assert told.topics[7].definition == 'int8 x'


def test_what_cannot_be_read_is_named(tmp_path):
    path = tmp_path / 'bag.mcap'
    path.write_bytes(b'SQLite format 3')
    with pytest.raises(RecordingError, match=r'bag\.mcap is not an mcap file'):
        salvage(path)
    head = struct.pack('<QQQI', 0, 0, 10, 0) + string('brotli') + struct.pack('<Q', 4) + b'abcd'
    path.write_bytes(MAGIC + record(1, string('ros2') + string('')) + record(CHUNK, head))
    with pytest.raises(RecordingError, match="'brotli', valid: '', 'zstd', 'lz4'"):
        salvage(path)
    for name in ('zstd', 'lz4'):
        head = struct.pack('<QQQI', 0, 0, 10, 0) + string(name) + struct.pack('<Q', 4) + b'abcd'
        path.write_bytes(MAGIC + record(CHUNK, head))
        assert salvage(path)[1].damaged_chunks == 1
