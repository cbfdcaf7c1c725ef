# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings that others make, or still write: nothing of them is lost without a word."""

from contextlib import contextmanager
import struct
import subprocess
import sys

from bag_samples import recording
from bag_samples import write_bag
from conversion import content
from dp_core.errors import RecordingError
from dp_data_tools.cli import main
from dp_data_tools.outcome import outcome_of
from dp_data_tools.recording import writing_process
from dp_data_tools.recording.bag_metadata import read_metadata
from dp_data_tools.recording.mcap_file import CHANNEL
from dp_data_tools.recording.mcap_file import MAGIC
from dp_data_tools.recording.mcap_file import MESSAGE
from dp_data_tools.recording.mcap_file import METADATA
from dp_data_tools.recording.mcap_file import record
from dp_data_tools.recording.mcap_file import SCHEMA
from dp_data_tools.recording.mcap_file import sized
from dp_data_tools.recording.mcap_file import STATISTICS
from dp_data_tools.recording.mcap_file import string
from dp_data_tools.recording.recover import recover
from dp_data_tools.recording.salvage import Salvage
import pytest
from rosbags.rosbag2 import CompressionMode
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2.storage_mcap import zstd
from test_recover import chunked
from test_recover import leave
from test_recover import read
from test_recover import records

BOTH = [StoragePlugin.MCAP, StoragePlugin.SQLITE3]
HEADER = record(1, string('ros2') + string('other'))
NOTE = struct.pack('<QQ', 0, 0) + string('note.txt') + string('text/plain')
ATTACHMENT = record(9, NOTE + struct.pack('<Q', 5) + b'hello' + struct.pack('<I', 0))
HOLD = 'import sys; f = open(sys.argv[1], sys.argv[2]); print("open", flush=True); input()'
with_proc = pytest.mark.skipif(
    not writing_process.PROCESSES.is_dir(), reason='nobody tells which files are open'
)


def killed(path, storage=StoragePlugin.MCAP, mode=CompressionMode.NONE):
    """Write a bag of half a second without its metadata.yaml."""
    write_bag(path, recording(seconds=0.5), storage, mode)
    (path / 'metadata.yaml').unlink()
    return path


@contextmanager
def opened(path, mode):
    """Another process has a file open; yield its number."""
    command = [sys.executable, '-c', HOLD, str(path), mode]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout.readline() == 'open\n'
            yield process.pid
        finally:
            process.kill()


@with_proc
@pytest.mark.parametrize('storage', BOTH)
def test_a_bag_that_another_process_writes_is_left_alone(tmp_path, storage):
    bag = killed(tmp_path / 'take', storage)
    (path,) = bag.iterdir()
    before = content(bag)
    with opened(path, 'r+b') as number:
        with pytest.raises(RecordingError, match=f'process {number} is writing in .*take; stop'):
            recover(bag)
        assert content(bag) == before
    with opened(path, 'rb'):  # who only reads loses nothing
        assert recover(bag).messages == 102


@with_proc
def test_where_nobody_tells_which_files_are_open_all_is_recovered(tmp_path, monkeypatch):
    bag = killed(tmp_path / 'take')
    (path,) = bag.iterdir()
    monkeypatch.setattr(writing_process, 'PROCESSES', tmp_path / 'none')
    with opened(path, 'r+b'):
        assert recover(bag).messages == 102


def test_attachments_and_notes_are_not_lost_without_a_word(tmp_path):
    bag, messages = chunked(tmp_path)
    path = bag / 'bag_0.mcap'
    whole = path.read_bytes()  # with the metadata record that rosbag2 has in every file
    begin = [place for place, _ in records(whole)][1]  # behind the header
    notes = record(METADATA, string('notes') + sized(string('operator') + string('ann')))
    path.write_bytes(whole[:begin] + 2 * ATTACHMENT + notes + whole[begin:])
    before = path.read_bytes()
    lost = 'bag_0.mcap: 2 attachments, 1 metadata record, kept as bag_0.mcap.damaged'
    assert recover(bag).loss == lost
    assert (bag / 'bag_0.mcap.damaged').read_bytes() == before
    assert read(bag) == messages


def test_a_topic_that_is_not_cdr_is_told_and_kept(tmp_path):
    bag = tmp_path / 'bag'
    bag.mkdir()
    schema = struct.pack('<H', 1) + string('std_msgs/msg/String') + string('ros2msg')
    made = MAGIC + HEADER + record(SCHEMA, schema + string('string data'))
    for number, (name, encoding) in enumerate([('/cdr', 'cdr'), ('/json', 'json')]):
        channel = struct.pack('<HH', number, 1) + string(name) + string(encoding) + sized(b'')
        made += record(CHANNEL, channel)
        made += record(MESSAGE, struct.pack('<HIQQ', number, 0, 33, 32) + b'data')
    made += record(STATISTICS, struct.pack('<Q', 2))
    (bag / 'x.mcap').write_bytes(made)
    told = Salvage()
    assert [topic.name for topic, *_ in told.messages(bag / 'x.mcap')] == ['/cdr']
    assert not told.is_broken  # both messages were found
    lost = "x.mcap: 1 topic encoded as 'json', kept as x.mcap.damaged"
    assert recover(bag).loss == lost
    assert (bag / 'x.mcap.damaged').read_bytes() == made
    assert read(bag) == [('/cdr', 33, b'data')]


def test_a_file_of_attachments_alone_stays(tmp_path):
    bag = tmp_path / 'bag'
    bag.mkdir()
    (bag / 'x.mcap').write_bytes(MAGIC + HEADER + ATTACHMENT)
    with pytest.raises(RecordingError, match='x.mcap has no message, but 1 attachment; it stays'):
        recover(bag)
    assert content(bag) == {'x.mcap': MAGIC + HEADER + ATTACHMENT}


def test_a_part_that_is_compressed_is_not_left_out(tmp_path, capsys):
    bag, messages = chunked(tmp_path)
    part = (bag / 'bag_0.mcap').read_bytes()
    (bag / 'bag_0.mcap').rename(bag / 'bag_1.mcap')
    (bag / 'bag_0.mcap.zstd').write_bytes(zstd.compress(part))
    before = content(bag)
    assert main(['recover', str(bag)]) == 1
    said = capsys.readouterr().err
    assert "['bag_0.mcap.zstd'] are compressed" in said and '`unzstd` the files' in said
    assert content(bag) == before
    (bag / 'bag_0.mcap').write_bytes(part)  # as unzstd does
    assert main(['recover', str(bag)]) == 0
    information = read_metadata(bag)
    assert information['relative_file_paths'] == ['bag_0.mcap', 'bag_1.mcap']
    assert information['message_count'] == 2 * len(messages)


@pytest.mark.parametrize('storage', BOTH)
def test_messages_that_are_compressed_one_by_one_are_refused(tmp_path, capsys, storage):
    bag = killed(tmp_path / 'take', storage, CompressionMode.MESSAGE)
    before = content(bag)
    assert main(['recover', str(bag)]) == 1
    assert 'its messages are compressed one by one' in capsys.readouterr().err
    assert content(bag) == before


def test_episodes_are_recovered_whatever_else_lies_in_their_folder(tmp_path):
    part, messages = leave(tmp_path, count=100)
    loose = part.parent / 'old.mcap'
    loose.write_bytes(b'old')
    (part.parent / 'metadata.yaml').write_text('of something else')
    assert main(['recover', str(part.parent)]) == 0
    assert read(part.parent / 'episode_000000') == messages
    assert loose.read_bytes() == b'old'


@pytest.mark.parametrize(
    'names',
    [('a.mcap', 'b.mcap'), ('a.mcap', 'take/metadata.yaml'), ('a_0.db3', 'a_1.db3', 'b.db3')],
)
def test_loose_files_of_several_recordings_are_not_made_one_bag(tmp_path, capsys, names):
    for name in names:
        (tmp_path / 'takes' / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / 'takes' / name).write_text('x')
    before = content(tmp_path)
    assert main(['recover', str(tmp_path / 'takes')]) == 1
    said = capsys.readouterr().err
    assert 'takes holds several recordings, some as loose files: move each into a' in said
    assert content(tmp_path) == before


def test_a_folder_of_whole_bags_has_nothing_to_recover(tmp_path, capsys):
    write_bag(tmp_path / 'takes' / 'one', recording(0.5))
    assert main(['recover', str(tmp_path / 'takes')]) == 0
    assert 'takes: no unfinished episodes' in capsys.readouterr().out


def test_only_a_recovered_episode_of_ours_has_an_outcome(tmp_path):
    part, _ = leave(tmp_path, count=100)
    assert outcome_of(recover(part).path) == 'unmarked'
    assert outcome_of(recover(killed(tmp_path / 'take')).path) is None
