# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Where rosbag2_py is installed it reads the bags, with the same results.

A stand-in offers what rosbag2_py offers, over the same bag.
"""

import importlib.machinery
import sys
from types import ModuleType
from types import SimpleNamespace

from bag_samples import recording
from bag_samples import STORE
from bag_samples import write_bag
from conversion import COMMANDS
from conversion import content
from conversion import run
from dp_core.errors import ConfigError
from dp_core.errors import DatasetError
from dp_data_tools.bag_reader import BagReader
from dp_data_tools.open_bag import open_bag
from dp_data_tools.rosbag2_reader import Rosbag2Reader
import pytest


class SequentialReader:
    """Reads as rosbag2_py does; a bag whose name says so is damaged after five messages."""

    opened = 0

    def open(self, storage, converter):
        if 'missing' in storage.uri:
            raise RuntimeError('No storage could be initialized from the inputs.')
        self._bag = BagReader(storage.uri).__enter__()
        self._messages = None
        self._left = 5 if 'damaged' in storage.uri else 10**9
        SequentialReader.opened += 1

    def get_metadata(self):
        topics = [
            SimpleNamespace(
                topic_metadata=SimpleNamespace(name=t.name, type=t.msgtype), message_count=t.count
            )
            for t in reversed(self._bag.topics.values())
        ]
        return SimpleNamespace(
            topics_with_message_count=topics,
            starting_time=SimpleNamespace(nanoseconds=self._bag.start_ns),
            duration=SimpleNamespace(nanoseconds=round(self._bag.duration_s * 1e9)),
        )

    def set_filter(self, chosen):
        events = [name for name in self._bag.topics if name.endswith('/_service_event')]
        self._messages = self._bag.raw_messages([*chosen.topics, *events])

    def has_next(self):
        self._next = next(self._messages, None)
        return self._next is not None

    def read_next(self):
        self._left -= 1
        if self._left < 0:
            raise RuntimeError('the file is damaged')
        return self._next.topic, self._next.data(), self._next.recorded_ns


@pytest.fixture
def rosbag2_py(monkeypatch):
    module = ModuleType('rosbag2_py')
    module.__spec__ = importlib.machinery.ModuleSpec('rosbag2_py', None)
    module.SequentialReader = SequentialReader
    module.StorageOptions = lambda uri, storage_id: SimpleNamespace(uri=uri)
    module.ConverterOptions = lambda *formats: formats
    module.StorageFilter = lambda topics: SimpleNamespace(topics=topics)
    monkeypatch.setitem(sys.modules, 'rosbag2_py', module)
    SequentialReader.opened = 0
    return module


def test_both_read_the_same(tmp_path, rosbag2_py):
    bag = write_bag(tmp_path / 'bag', recording(1.0))
    with BagReader(bag) as ours, Rosbag2Reader(bag) as theirs:
        assert list(theirs.topics.items()) == list(ours.topics.items())
        assert theirs.start_ns == ours.start_ns
        assert theirs.duration_s == pytest.approx(ours.duration_s)
        for topics in (list(ours.topics), ['/front/image_raw'], []):
            pairs = zip(theirs.raw_messages(topics), ours.raw_messages(topics), strict=True)
            for one, two in pairs:
                assert (one.topic, one.recorded_ns) == (two.topic, two.recorded_ns)
                assert one.data() == two.data()


def test_it_is_used_where_it_is_installed_and_makes_the_same_dataset(tmp_path, rosbag2_py):
    bag = write_bag(tmp_path / 'bag', recording(1.0))
    assert run(tmp_path, bag, output='auto') == 0
    assert SequentialReader.opened == 2
    assert run(tmp_path, bag, output='ours', action=(*COMMANDS, '--reader', 'rosbags')) == 0
    assert SequentialReader.opened == 2
    assert content(tmp_path / 'auto') == content(tmp_path / 'ours')


def test_events_of_services_that_nobody_asked_for_are_left_out(tmp_path, rosbag2_py):
    kind = 'std_msgs/msg/String'
    event = ('/recorder/start/_service_event', kind, 100, STORE.types[kind]('x'))
    entries = sorted([*recording(1.0), event], key=lambda entry: entry[2])
    bag = write_bag(tmp_path / 'bag', entries)
    with Rosbag2Reader(bag) as reader:
        assert {raw.topic for raw in reader.raw_messages(['/commands'])} == {'/commands'}
        assert len(list(reader.raw_messages([event[0]]))) == 1
    assert run(tmp_path, bag) == 0


def test_damage_is_told_alike(tmp_path, rosbag2_py):
    with pytest.raises(DatasetError, match='cannot read bag .*missing: No storage could'):
        Rosbag2Reader(tmp_path / 'missing').__enter__()
    bag = write_bag(tmp_path / 'damaged', recording(1.0))
    with Rosbag2Reader(bag) as reader:
        with pytest.raises(DatasetError, match='damaged is damaged after 17.*: the file is dam'):
            list(reader.raw_messages(['/joint_states']))


def test_without_it_rosbags_reads_and_an_unknown_reader_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'rosbag2_py', None)
    assert type(open_bag(tmp_path)) is BagReader
    with pytest.raises(ConfigError, match="'rosbag2_py', which is not installed"):
        open_bag(tmp_path, 'rosbag2_py')
    with pytest.raises(ConfigError, match=r"reader is 'ros1', valid: \['auto'"):
        open_bag(tmp_path, 'ros1')
