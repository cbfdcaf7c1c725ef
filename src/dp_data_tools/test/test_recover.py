# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a killed recording left becomes a whole bag again, or stays as it is with a message."""

from pathlib import Path
import shutil
import struct
import subprocess
import sys
import time

from bag_samples import recording
from bag_samples import write_bag
from dp_core.errors import RecordingError
from dp_data_tools.cli import main
from dp_data_tools.recording.bag_metadata import read_metadata
from dp_data_tools.recording.episodes import Episodes
from dp_data_tools.recording.mcap_file import CHUNK
from dp_data_tools.recording.mcap_file import MESSAGE_INDEX
from dp_data_tools.recording.recover import recover
from dp_data_tools.recording.storage import create_file
import pytest
from recording_samples import Clock
from recording_samples import make_recorder
from recording_samples import play
from recording_samples import samples
from rosbags.rosbag2 import Reader
from rosbags.rosbag2 import StoragePlugin


def leave(tmp_path, storage='mcap', count=None):
    """Leave an episode behind as a recorder does that is killed after a flush."""
    clock = Clock()
    recorder = make_recorder(tmp_path / 'demos', clock, storage)
    messages, topics = samples()
    for each in topics:
        recorder.know(each)
    Episodes(recorder).start()
    play(recorder, clock, messages[:count])
    recorder._current.writer.drain()
    recorder.abandon()
    (part,) = (tmp_path / 'demos').iterdir()
    return part, messages[:count]


def read(bag):
    with Reader(bag) as reader:
        return [(c.topic, t, bytes(data)) for c, t, data in reader.messages()]


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_everything_that_was_flushed_is_recovered(tmp_path, storage, capsys):
    part, messages = leave(tmp_path, storage)
    with pytest.raises(FileNotFoundError, match='metadata'):
        read(part)
    assert main(['recover', str(tmp_path / 'demos')]) == 0
    assert 'episode_000000: 615 messages, 2.99' in capsys.readouterr().out
    bag = tmp_path / 'demos' / 'episode_000000'
    assert [path.name for path in (tmp_path / 'demos').iterdir()] == ['episode_000000']
    assert read(bag) == messages
    custom = read_metadata(bag)['custom_data']
    assert (custom['recovered'], custom['contract']) == ('true', 'name: sample\n')
    assert main(['recover', str(tmp_path / 'demos')]) == 0  # nothing is left to do
    assert main(['recover', str(bag)]) == 1


@pytest.mark.parametrize('part_kept', [0.1, 0.37, 0.5, 0.93, 0.9999])
def test_an_mcap_file_cut_anywhere_gives_its_whole_messages(tmp_path, part_kept):
    part, messages = leave(tmp_path)
    (path,) = part.glob('*.mcap')
    with path.open('r+b') as file:
        file.truncate(int(path.stat().st_size * part_kept))
    recovered = recover(part)
    found = read(recovered.path)
    assert found == messages[: len(found)]
    assert len(found) > 0.9 * part_kept * len(messages) - 200
    assert recovered.loss == 'episode_000000_0.mcap: what came after the last whole message'


def chunked(tmp_path):
    """Write the sample as one mcap file of many chunks; return its folder and its messages."""
    messages, topics = samples()
    bag = tmp_path / 'bag'
    bag.mkdir()
    file = create_file('mcap', bag, 'bag')
    file._chunk_bytes = 20_000
    for each in topics:
        file.add_topic(each)
    for name, log_ns, data in messages:
        file.write(name, log_ns, log_ns, data)
    file.close('')
    return bag, messages


def test_a_damaged_chunk_is_skipped_and_told_and_the_file_is_kept(tmp_path):
    bag, messages = chunked(tmp_path)
    path = bag / 'bag_0.mcap'
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    recovered = recover(bag)
    lost = 'bag_0.mcap: 1 damaged chunks skipped, kept as bag_0.mcap.damaged'
    assert recovered.loss == lost
    assert (bag / 'bag_0.mcap.damaged').read_bytes() == content
    found = read(bag)
    assert 0.7 * len(messages) < len(found) < len(messages)
    assert set(found) <= set(messages)


@pytest.mark.parametrize(
    ('opcode', 'closed'), [(CHUNK, True), (CHUNK, False), (MESSAGE_INDEX, True)]
)
def test_a_length_beyond_the_end_of_the_file_is_not_taken_for_a_cut(tmp_path, opcode, closed):
    bag, messages = chunked(tmp_path)
    path = bag / 'bag_0.mcap'
    content = bytearray(path.read_bytes())
    place = [place for place, found in records(content) if found == opcode][3]
    content[place + 1 + 3] ^= 0x40  # 1 GiB
    path.write_bytes(content if closed else content[:-100])
    damaged = path.read_bytes()
    assert recover(bag).loss.endswith('last whole message, kept as bag_0.mcap.damaged')
    assert (bag / 'bag_0.mcap.damaged').read_bytes() == damaged
    found = read(bag)
    assert 0 < len(found) < len(messages) and found == messages[: len(found)]


def records(content):
    """Where each record of an mcap file begins, and its opcode."""
    place = 8
    while place + 9 <= len(content) - 8:
        opcode, length = struct.unpack_from('<BQ', content, place)
        yield place, opcode
        place += 9 + length


@pytest.mark.parametrize('damage', [b'\0' * 9, b'\x06' + b'\xff' * 8])
@pytest.mark.parametrize('chunk', [0, 3])
def test_what_damage_may_hide_is_kept(tmp_path, damage, chunk):
    bag, messages = chunked(tmp_path)
    path = bag / 'bag_0.mcap'
    content = path.read_bytes()
    begin = [place for place, opcode in records(content) if opcode == CHUNK][chunk]
    path.write_bytes(content[:begin] + damage + content[begin + 9 :])
    if chunk == 0:
        with pytest.raises(RecordingError, match='bag_0.mcap is damaged before its first message'):
            recover(bag)
        assert path.stat().st_size == len(content)
        return
    lost = 'bag_0.mcap: what came after the last whole message, kept as bag_0.mcap.damaged'
    assert recover(bag).loss == lost
    assert (bag / 'bag_0.mcap.damaged').stat().st_size == len(content)
    found = read(bag)
    assert 0 < len(found) < len(messages) and found == messages[: len(found)]


def test_zeros_at_the_end_are_no_loss(tmp_path):
    """A disk that lost its power may keep the length of a file and not the bytes."""
    part, messages = leave(tmp_path)
    (path,) = part.glob('*.mcap')
    with path.open('ab') as file:
        file.write(bytes(10_000))
    recovered = recover(part)
    assert (recovered.loss, read(recovered.path)) == ('', messages)


@pytest.mark.parametrize('storage', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_bags_of_others_without_metadata_are_recovered(tmp_path, storage):
    bag = write_bag(tmp_path / 'take', recording(seconds=0.5), storage)
    messages = read(bag)
    (bag / 'metadata.yaml').unlink()
    assert main(['recover', str(bag)]) == 0
    assert read(bag) == messages


def test_nothing_to_recover_is_told_and_left_alone(tmp_path, capsys):
    root = tmp_path / 'demos'
    (root / '.episode_000000.part').mkdir(parents=True)
    other = root / '.episode_000001.part'
    other.mkdir()
    (other / 'episode_000001_0.mcap').write_bytes(b'no mcap')
    assert main(['recover', str(root), str(tmp_path / 'none')]) == 1
    said = capsys.readouterr().err
    assert 'no .mcap or .db3 file' in said
    assert 'is not an mcap file' in said
    assert 'none is not a folder' in said
    assert [path.name for path in other.iterdir()] == ['episode_000001_0.mcap']


def test_what_is_being_recorded_is_not_recovered(tmp_path):
    recorder = make_recorder(tmp_path / 'demos', allow_missing=True)
    Episodes(recorder).start()
    with pytest.raises(RecordingError, match='is being recorded'):
        recover(tmp_path / 'demos' / '.episode_000000.part')
    recorder.abandon()


def test_a_name_that_is_taken_is_not_overwritten(tmp_path):
    part, _ = leave(tmp_path, count=100)
    taken = tmp_path / 'demos' / 'episode_000000'
    taken.mkdir()
    with pytest.raises(RecordingError, match='exists already'):
        recover(part)
    taken.rmdir()
    assert recover(part).messages == 100


def test_an_interrupted_recovery_can_be_repeated(tmp_path):
    part, messages = leave(tmp_path, count=100)
    shutil.copy(next(part.glob('*.mcap')), part / 'episode_000000_0.mcap.recovered')
    assert read(recover(part).path) == messages


def test_an_episode_that_was_whole_but_for_its_name_loses_nothing(tmp_path, monkeypatch):
    from dp_data_tools.recording.episode_folder import EpisodeFolder

    clock = Clock()
    recorder = make_recorder(tmp_path / 'demos', clock)
    messages, topics = samples(seconds=0.5)
    for each in topics:
        recorder.know(each)
    episodes = Episodes(recorder)
    episodes.start()
    play(recorder, clock, messages)
    monkeypatch.setattr(EpisodeFolder, 'keep', EpisodeFolder.leave)  # killed before the renaming
    episodes.mark_success()
    episodes.stop()
    (part,) = (tmp_path / 'demos').iterdir()
    (part / 'episode.yaml').unlink()
    bag = recover(part).path
    assert read(bag) == messages
    custom = read_metadata(bag)['custom_data']
    assert (custom['outcome'], custom['recovered']) == ('success', 'true')


def test_a_success_that_was_told_outlives_the_recorder(tmp_path):
    recorder = make_recorder(tmp_path / 'demos')
    messages, topics = samples(seconds=0.5)
    for each in topics:
        recorder.know(each)
    episodes = Episodes(recorder)
    episodes.start()
    play(recorder, Clock(), messages)
    assert episodes.mark_success().success
    recorder._current.writer.drain()
    recorder.abandon()
    (part,) = (tmp_path / 'demos').iterdir()
    assert read_metadata(recover(part).path)['custom_data']['outcome'] == 'success'


KILLED = """
import sys, time
sys.path[:0] = {path!r}
from recording_samples import *
from dp_data_tools.recording.episodes import Episodes
from dp_data_tools.recording.mcap_file import CHUNK
clock = Clock()
recorder = make_recorder({root!r}, clock, {storage!r})
messages, topics = samples()
for each in topics:
    recorder.know(each)
episodes = Episodes(recorder)
episodes.start()
play(recorder, clock, messages)
print(episodes.stop().message, flush=True)
episodes.start()
for n, message in enumerate(messages):
    play(recorder, clock, [message])
    if n == 300:
        time.sleep(0.6)
print('all', flush=True)
time.sleep(60)
"""


@pytest.mark.ros
@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_sigkill_costs_at_most_the_last_moment(tmp_path, storage):
    root = tmp_path / 'demos'
    script = KILLED.format(
        path=[str(Path(__file__).parent), *sys.path], root='ROOT', storage=storage
    ).replace("'ROOT'", f'__import__("pathlib").Path({str(root)!r})')
    process = subprocess.Popen([sys.executable, '-c', script], stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            if line.strip() == 'all':
                break
        time.sleep(1.2)  # longer than what a writer keeps to itself
    finally:
        process.kill()
        process.wait()
    messages = samples()[0]
    assert sorted(path.name for path in root.iterdir()) == [
        '.episode_000001.part',
        'episode_000000',
    ]
    assert read(root / 'episode_000000') == messages
    assert main(['recover', str(root)]) == 0
    assert read(root / 'episode_000001') == messages
