# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What was recorded reads back, by rosbags and convert."""

import dataclasses
import json
import struct

from bag_samples import contract
from bag_samples import IMAGE
from bag_samples import JOINT_STATE
from bag_samples import T0
from dp_core.errors import ConfigError
from dp_core.errors import DatasetError
from dp_core.errors import RecordingError
from dp_core.replay_buffer import load_dataset
from dp_data_tools.bag_reader import BagReader
from dp_data_tools.cli import main
from dp_data_tools.recording.bag_metadata import FileCount
from dp_data_tools.recording.bag_metadata import read_metadata
from dp_data_tools.recording.episode_folder import read_facts
from dp_data_tools.recording.episode_folder import unfinished
from dp_data_tools.recording.episodes import Episodes
from dp_data_tools.recording.recorder import RecorderSettings
from dp_data_tools.recording.storage import create_file
from dp_data_tools.recording.wanted import wanted_topics
import numpy as np
import pytest
from recording_samples import Clock
from recording_samples import make_recorder
from recording_samples import play
from recording_samples import record_one
from recording_samples import RELIABLE
from recording_samples import samples
from recording_samples import STORAGES
from recording_samples import topic
from rosbags.rosbag2 import Reader
from rosbags.rosbag2.storage_mcap import McapReader


@pytest.mark.parametrize('storage', STORAGES)
def test_an_episode_is_a_bag_that_reads_back_message_for_message(tmp_path, storage):
    _, episodes, messages = record_one(tmp_path, storage)
    assert episodes.mark_success().success
    assert episodes.stop().message == 'kept episode_000000: 615 messages, 3.0 s'
    bag = tmp_path / 'demos' / 'episode_000000'
    assert sorted(path.name for path in (tmp_path / 'demos').iterdir()) == ['episode_000000']
    with Reader(bag) as reader:
        read = [(c.topic, t, bytes(data)) for c, t, data in reader.messages()]
        hashes = {c.topic: c.digest for c in reader.connections}
        qos = reader.connections[0].ext.offered_qos_profiles[0]
    assert read == messages  # log time is the time of reception, stamps are inside the data
    assert all(each.startswith('RIHS01_') for each in hashes.values())
    assert (qos.depth, qos.reliability.name, qos.liveliness.name) == (10, 'RELIABLE', 'AUTOMATIC')
    custom = read_metadata(bag)['custom_data']
    assert (custom['outcome'], custom['task']) == ('success', 'push')
    assert custom['contract'] == 'name: sample\n'
    counts = {each['topic']: each['messages'] for each in json.loads(custom['audit'])}
    assert counts == {'/commands': 150, '/front/image_raw': 90, '/joint_states': 375}


@pytest.mark.parametrize('storage', STORAGES)
def test_topics_that_are_offered_anew_during_an_episode_lose_nothing(tmp_path, storage):
    clock = Clock()
    recorder = make_recorder(tmp_path / 'demos', clock, storage)
    messages, topics = samples()
    for each in topics:
        recorder.know(each)
    episodes = Episodes(recorder)
    episodes.start()
    half = len(messages) // 2
    play(recorder, clock, messages[:half])
    for each in topics:  # as when a driver begins anew
        recorder.know(each)
    play(recorder, clock, messages[half:])
    assert episodes.stop().message == 'kept episode_000000: 615 messages, 3.0 s'
    with Reader(tmp_path / 'demos' / 'episode_000000') as reader:
        assert [(c.topic, t, bytes(data)) for c, t, data in reader.messages()] == messages


@pytest.mark.parametrize('storage', STORAGES)
def test_an_episode_converts(tmp_path, storage):
    _, episodes, _ = record_one(tmp_path, storage)
    episodes.stop()
    contract().save(tmp_path / 'contract.yaml')
    bag, output = tmp_path / 'demos' / 'episode_000000', tmp_path / 'out'
    files = ['--contract', str(tmp_path / 'contract.yaml'), '--output', str(output)]
    assert main(['convert', str(bag), *files, '--action-topic', '/commands']) == 0
    data = load_dataset(output)[1].data
    assert data['front'][:, 4, 4, 0].tolist() == [3 * i for i in range(30)]
    assert data['action'][:, 0] == pytest.approx(0.1 * np.arange(30) + 0.05, abs=1e-6)


def test_a_part_of_an_mcap_episode_is_found_by_time(tmp_path):
    _, episodes, messages = record_one(tmp_path)
    episodes.stop()
    start, stop = T0 + 1_000_000_000, T0 + 1_500_000_000
    with Reader(tmp_path / 'demos' / 'episode_000000') as reader:
        times = [t for _, t, _ in reader.messages(reader.connections, start, stop)]
    assert times == [t for _, t, _ in messages if start <= t < stop]


def test_chunks_end_by_size_and_with_a_flush(tmp_path):
    messages, topics = samples(seconds=0.5)
    file = create_file('mcap', tmp_path, 'bag')
    for each in topics:
        file.add_topic(each)
    for name, log_ns, data in messages[:10]:
        file.write(name, log_ns, log_ns, data)
    before = file.path.stat().st_size
    file.flush()
    assert file.path.stat().st_size > before
    file.abort()
    small = create_file('mcap', tmp_path, 'small')
    small._chunk_bytes = 1000
    for each in topics:
        small.add_topic(each)
    for name, log_ns, data in messages:
        small.write(name, log_ns, log_ns, data)
    small.close('')
    reader = McapReader(small.path)
    reader.open()
    assert len(reader.chunks) > 5
    assert reader.chunks[0].message_end_time <= reader.chunks[1].message_start_time
    read = [bytes(data) for _, _, data in reader.messages(reader.connections)]
    assert read == [data for _, _, data in messages]
    reader.close()


def test_episodes_are_numbered_on_and_a_discarded_one_is_gone(tmp_path):
    recorder, episodes, messages = record_one(tmp_path)
    assert not episodes.start().success
    assert episodes.discard().message == 'discarded episode_000000'
    assert not list((tmp_path / 'demos').iterdir())
    (tmp_path / 'demos' / 'episode_000041').mkdir()
    (tmp_path / 'demos' / '.episode_000043.part').mkdir()
    assert episodes.start().message == 'recording episode_000044'
    play(recorder, Clock(), messages)
    assert episodes.stop().success
    assert episodes.mark_success().success
    bag = tmp_path / 'demos' / 'episode_000044'
    assert read_metadata(bag)['custom_data']['outcome'] == 'success'
    assert episodes.discard().success  # the one kept last
    assert not bag.exists()
    assert not episodes.discard().success


def test_an_episode_does_not_begin_without_a_topic_of_the_contract(tmp_path):
    recorder = make_recorder(tmp_path / 'demos')
    _, topics = samples()
    recorder.know(topics[0])
    reply = Episodes(recorder).start()
    assert not reply.success
    assert "nobody publishes ['/front/image_raw', '/commands']" in reply.message
    assert "there are ['/joint_states']" in reply.message
    assert not (tmp_path / 'demos').exists()
    recorder = make_recorder(tmp_path / 'demos', allow_missing=True)
    assert Episodes(recorder).start().success
    recorder.abandon()


def test_an_episode_does_not_begin_once_a_publisher_has_gone(tmp_path):
    recorder = make_recorder(tmp_path / 'demos')
    for each in samples()[1]:
        recorder.know(each)
    recorder.present('/commands', False)
    assert recorder.missing == ['/commands']
    reply = Episodes(recorder).start()
    assert "nobody publishes ['/commands'], which" in reply.message
    assert "there are ['/front/image_raw', '/joint_states'] of" in reply.message
    recorder.present('/commands', True)
    assert Episodes(recorder).start().success
    recorder.abandon()


def test_a_topic_of_a_type_that_cannot_be_converted_is_refused(tmp_path):
    recorder = make_recorder(tmp_path / 'demos')
    with pytest.raises(RecordingError, match=r'/joint_states is of type .*Image, valid: .*State'):
        recorder.know(topic('/joint_states', IMAGE))
    assert '/joint_states' in recorder.missing


def test_a_topic_that_comes_late_is_recorded_from_then_on(tmp_path):
    clock = Clock()
    recorder = make_recorder(tmp_path / 'demos', clock, allow_missing=True)
    messages, topics = samples(seconds=0.5)
    episodes = Episodes(recorder)
    episodes.start()
    for each in topics:
        recorder.know(each)
    play(recorder, clock, messages)
    assert episodes.stop().success
    with BagReader(tmp_path / 'demos' / 'episode_000000') as reader:
        assert sum(topic.count for topic in reader.topics.values()) == len(messages)


def test_a_latched_message_is_repeated_in_every_episode(tmp_path):
    clock = Clock()
    recorder = make_recorder(tmp_path / 'demos', clock, allow_missing=True)
    messages, topics = samples(seconds=0.1)
    for each in topics:
        recorder.know(each, is_latched=each.name == '/joint_states')
    first = next(data for name, _, data in messages if name == '/joint_states')
    recorder.take('/joint_states', T0 - 10**9, T0 - 10**9, first)
    episodes = Episodes(recorder)
    for name in ('episode_000000', 'episode_000001'):
        episodes.start()
        episodes.stop()
        with Reader(tmp_path / 'demos' / name) as reader:
            assert [(t, bytes(d)) for _, t, d in reader.messages()] == [(T0, first)]


def test_all_publishers_of_a_latched_topic_are_heard_in_every_episode(tmp_path):
    recorder = make_recorder(tmp_path / 'demos', allow_missing=True)
    offered = ({**RELIABLE, 'depth': 1},)
    one = dataclasses.replace(topic('/tf_static', JOINT_STATE), offered_qos=offered)
    recorder.know(one, is_latched=True)
    for data in (b'one', b'two'):
        recorder.take('/tf_static', T0, T0, data)
    recorder.know(dataclasses.replace(one, offered_qos=2 * offered), is_latched=True)
    episodes = Episodes(recorder)
    for name in ('episode_000000', 'episode_000001'):
        episodes.start()
        assert episodes.stop().success
        with Reader(tmp_path / 'demos' / name) as reader:
            assert [bytes(data) for _, _, data in reader.messages()] == [b'one', b'two']


def test_a_success_is_on_the_disk_at_once(tmp_path):
    recorder, episodes, _ = record_one(tmp_path)
    (part,) = unfinished(tmp_path / 'demos')
    assert 'outcome' not in read_facts(part)
    assert episodes.mark_success().success
    assert read_facts(part)['outcome'] == 'success'
    assert read_facts(part)['task'] == 'push'
    (part / 'episode.yaml.tmp').mkdir()  # nothing can be written there
    reply = episodes.mark_success()
    assert not reply.success
    assert f'cannot write in {part}' in reply.message
    recorder.abandon()


def test_wanted_topics_are_those_of_the_contract_the_commands_and_the_rest():
    wanted = wanted_topics(contract(), ['arm=/commands'], ['tf', '/joint_states'])
    assert [each.name for each in wanted] == [
        '/joint_states',
        '/front/image_raw',
        '/commands',
        '/jtc/controller_state',
        '/tf',
    ]
    assert [each.max_age_s for each in wanted] == [0.2, 0.2, 0.2, None, None]
    assert [each.is_needed for each in wanted] == [True, True, True, False, False]
    names = [each.name for each in wanted_topics(contract(), compressed=True)]
    assert '/front/image_raw/compressed' in names
    with pytest.raises(DatasetError, match="no action group 'leg'"):
        wanted_topics(contract(), ['leg=/commands'])
    with pytest.raises(ConfigError, match="topic '/' is none"):
        wanted_topics(contract(), extra=['/'])


def test_settings_and_stores_refuse_what_cannot_be(tmp_path):
    with pytest.raises(ConfigError, match="'tar', valid: .*sqlite3"):
        RecorderSettings(tmp_path, 'tar')
    with pytest.raises(ConfigError, match='max_queued_bytes is 0'):
        RecorderSettings(tmp_path, max_queued_bytes=0)
    recorder = make_recorder(tmp_path)
    with pytest.raises(RecordingError, match='nothing is being recorded'):
        recorder.keep('success')
    with pytest.raises(RecordingError, match='cannot mark'):
        recorder.mark('episode_000009', 'success')
    with pytest.raises(RecordingError, match='cannot delete'):
        recorder.delete('episode_000009')


def test_a_count_of_a_file():
    count = FileCount('a_0.mcap')
    for name, time_ns in (('/a', 5), ('/b', 3), ('/a', 9)):
        count.add(name, time_ns)
    assert (count.first_ns, count.last_ns, count.total) == (3, 9, 3)
    assert count.counts == {'/a': 2, '/b': 1}
    assert struct.calcsize('<BQHIQQ') == 9 + 22
