# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Bags of every storage and compression are read alike, and lazily where that is possible."""

from pathlib import Path
import shutil
import zlib

from bag_samples import IMAGE
from bag_samples import JOINT_STATE
from bag_samples import joints
from bag_samples import picture
from bag_samples import recording
from bag_samples import STORE
from bag_samples import T0
from bag_samples import write_bag
from dp_core.errors import DatasetError
from dp_data_tools.bag_reader import BagReader
from dp_data_tools.message_types import MessageTypes
import numpy as np
import pytest
from rosbags.rosbag2 import CompressionMode
from rosbags.rosbag2 import StoragePlugin

TOPICS = ['/joint_states', '/front/image_raw']


def read(path):
    """Topic, time and value of every message."""
    with BagReader(path) as reader:
        return [
            (t, ns, m.position.tolist() if t == '/joint_states' else int(m.data[0]))
            for t, ns, m in reader.messages(TOPICS)
        ]


@pytest.fixture(scope='module')
def plain(tmp_path_factory):
    return write_bag(tmp_path_factory.mktemp('plain') / 'bag', recording(1.0))


@pytest.mark.parametrize(
    ('mode', 'storage'),
    [
        (CompressionMode.STORAGE, StoragePlugin.MCAP),
        (CompressionMode.MESSAGE, StoragePlugin.MCAP),
        (CompressionMode.MESSAGE, StoragePlugin.SQLITE3),
        (CompressionMode.FILE, StoragePlugin.MCAP),
        (CompressionMode.FILE, StoragePlugin.SQLITE3),
    ],
)
def test_compressed_bags_read_as_plain_ones(tmp_path, plain, mode, storage):
    expected = read(plain)
    assert len(expected) == 155
    assert read(write_bag(tmp_path / 'bag', recording(1.0), storage, mode)) == expected


@pytest.mark.parametrize('storage', list(StoragePlugin))
def test_metadata_may_be_missing_and_a_bag_may_be_one_file_or_split(tmp_path, plain, storage):
    entries = recording(1.0)
    halves = [write_bag(tmp_path / f'x_{i}', entries[i::2], storage) for i in (0, 1)]
    (tmp_path / 'split').mkdir()
    for half in halves:
        file = next(path for path in half.iterdir() if path.suffix in ('.mcap', '.db3'))
        assert read(file) == sorted(read(half), key=lambda entry: entry[1])
        shutil.copy(file, tmp_path / 'split' / file.name)
    assert sorted(read(tmp_path / 'split')) == sorted(read(plain))
    times = [ns for _, ns, _ in read(tmp_path / 'split')]
    assert times == sorted(times)


def test_the_pixels_of_a_large_picture_stay_in_the_file(tmp_path):
    pixels = np.arange(96 * 96 * 3, dtype=np.uint8)
    large = STORE.types[IMAGE](picture(0, 0).header, 96, 96, 'rgb8', 0, 288, pixels)
    bag = write_bag(tmp_path / 'bag', [('/front/image_raw', IMAGE, 0, large)])
    with BagReader(bag) as reader:
        raw = next(reader.raw_messages(['/front/image_raw']))
        assert len(raw.head) < 2000 < len(raw.data())
        assert reader.deserialize(raw).data.tolist() == pixels.tolist()


def chunks_of(bag):
    """Place and length of the content of each chunk of an mcap file that is not compressed."""
    with BagReader(bag) as reader:
        (storage,) = reader._readers[0].storage.storages
        return storage.path, [(c.chunk_start_offset, c.uncompressed_size) for c in storage.chunks]


def test_checksums_of_chunks_are_looked_at(tmp_path, plain):
    expected = read(plain)
    bag = Path(shutil.copytree(plain, tmp_path / 'bag'))
    path, chunks = chunks_of(bag)
    content = bytearray(path.read_bytes())
    for at, size in chunks:  # kind, length, times, size; checksum; compression, stored size
        begin = at + 9 + 24 + 4 + 4 + 8
        checksum = zlib.crc32(content[begin : begin + size])
        content[at + 9 + 24 : at + 9 + 28] = checksum.to_bytes(4, 'little')
    path.write_bytes(content)
    assert read(bag) == expected
    content[begin + size // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DatasetError, match='is damaged after .* does not match its checksum'):
        read(bag)


def test_want_of_memory_is_told_as_what_it_may_be(plain, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr('dp_data_tools.bag_reader.chunk_messages', fail)
    with pytest.raises(DatasetError, match='a damaged length, or want of memory: fewer --work'):
        read(plain)


def test_messages_that_were_recorded_out_of_order_come_in_order(tmp_path):
    entries = [('/joint_states', JOINT_STATE, ms, joints(ms, (ms, 0))) for ms in (5, 1, 3)]
    times = [ns for _, ns, _ in read(write_bag(tmp_path / 'bag', entries))]
    assert times == [T0 + ms * 1_000_000 for ms in (1, 3, 5)]


def test_times_of_a_bag(plain):
    with BagReader(plain) as reader:
        assert reader.start_ns == T0 + 5_000_000
        assert reader.duration_s == pytest.approx(0.992, abs=1e-3)
        assert [t.name for t in reader.topics.values()] == ['/commands', *reversed(TOPICS)]


def test_an_unknown_type_is_named():
    with pytest.raises(DatasetError, match='here: type lab_msgs/msg/Odd is unknown: the bag carr'):
        MessageTypes({}).deserialize(b'', 'lab_msgs/msg/Odd', 'here')


def test_a_definition_in_the_bag_is_enough_and_a_bad_one_is_named():
    idl = 'module lab_msgs { module msg { struct Odd { int32 x; }; }; };'
    data = b'\x00\x01\x00\x00\x07\x00\x00\x00'
    for definition in (('ros2msg', 'int32 x'), ('ros2idl', idl)):
        types = MessageTypes({'lab_msgs/msg/Odd': definition})
        assert types.deserialize(data, 'lab_msgs/msg/Odd', 'here').x == 7
        with pytest.raises(DatasetError, match=r'here: '):
            types.deserialize(data[:6], 'lab_msgs/msg/Odd', 'here')
    part = MessageTypes({'lab_msgs/msg/Odd': ('ros2msg', 'lab_msgs/Part x')})
    with pytest.raises(DatasetError, match="definition of lab_msgs/msg/Odd lacks 'lab_msgs/msg/P"):
        part.deserialize(data, 'lab_msgs/msg/Odd', 'here')
    broken = MessageTypes({'lab_msgs/msg/Odd': ('ros2msg', 'int32 = = 1')})
    with pytest.raises(DatasetError, match='here: the definition of lab_msgs/msg/Odd'):
        broken.deserialize(data, 'lab_msgs/msg/Odd', 'here')
