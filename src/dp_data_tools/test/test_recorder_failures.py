# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What fails is never half an episode: no messages, no room, a disk or a thread that ends."""

import errno
import sqlite3

from dp_core.errors import ConfigError
from dp_data_tools.recording.episode_folder import unfinished
from dp_data_tools.recording.episodes import Episodes
from dp_data_tools.recording.storage import create_file
import pytest
from recording_samples import Clock
from recording_samples import make_recorder
from recording_samples import play
from recording_samples import record_one
from recording_samples import samples
from recording_samples import STORAGES
from rosbags.rosbag2 import Reader


def test_an_episode_without_messages_is_not_kept(tmp_path):
    recorder = make_recorder(tmp_path / 'demos', allow_missing=True)
    episodes = Episodes(recorder)
    episodes.start()
    assert 'not one message' in episodes.stop().message
    assert not list((tmp_path / 'demos').iterdir())


class FullDisk:
    """A file that takes so many messages, and then says what a full disk says."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, *message):
        self._room -= 1
        if self._room < 0:
            raise OSError(errno.ENOSPC, 'No space left on device')
        self._file.write(*message)


def test_a_full_disk_leaves_finished_episodes_whole_and_the_current_one_recoverable(tmp_path):
    rooms = iter((10**6, 100))

    def create(*where):
        return FullDisk(create_file(*where), next(rooms))

    recorder, episodes, messages = record_one(tmp_path, create=create)
    assert episodes.stop().success
    assert episodes.start().success
    clock = Clock()
    play(recorder, clock, messages[:300])
    recorder._current.writer._thread.join(10.0)
    assert 'No space left on device' in recorder.error
    play(recorder, clock, messages[300:310])
    reply = episodes.stop()
    assert not reply.success
    assert 'NOT kept' in reply.message
    assert 'dp_data_tools recover' in reply.message
    assert [path.name for path in unfinished(tmp_path / 'demos')] == ['.episode_000001.part']
    with Reader(tmp_path / 'demos' / 'episode_000000') as reader:
        assert reader.message_count == 615


class Forgetful(FullDisk):
    """A file that forgets a topic and does not say so."""

    def write(self, *message):
        if message[0] != '/commands':
            self._file.write(*message)


def test_an_episode_that_lacks_messages_is_not_kept(tmp_path):
    _, episodes, _ = record_one(tmp_path, create=lambda *where: Forgetful(create_file(*where), 0))
    reply = episodes.stop()
    assert not reply.success
    assert 'episode_000000 is NOT kept' in reply.message
    assert 'episode_000000_0.mcap has 465 of 615 messages' in reply.message
    assert len(unfinished(tmp_path / 'demos')) == 1


@pytest.mark.parametrize('storage', STORAGES)
def test_a_time_that_the_file_has_no_place_for_ends_the_episode(tmp_path, storage):
    recorder, episodes, _ = record_one(tmp_path, storage)
    recorder.take('/commands', 1 << 80, -1, b'')
    recorder._current.writer._thread.join(10.0)
    assert recorder.error.startswith('writing failed: ')
    assert 'NOT kept' in episodes.stop().message
    assert len(unfinished(tmp_path / 'demos')) == 1


def test_what_finds_no_room_in_the_queue_is_counted_and_told(tmp_path):
    clock = Clock()
    recorder = make_recorder(tmp_path / 'demos', clock, max_queued_bytes=2000)
    messages, topics = samples()
    for each in topics:
        recorder.know(each)
    episodes = Episodes(recorder)
    episodes.start()
    held = recorder._current.writer._wake
    with held:  # the writer thread does not get on
        play(recorder, clock, messages[:100])
    reply = episodes.stop()
    dropped = sum(each.dropped for each in recorder.audits)
    written = sum(each.messages for each in recorder.audits)
    assert dropped > 0
    assert written + dropped == 100
    assert reply.success
    with Reader(tmp_path / 'demos' / 'episode_000000') as reader:
        assert reader.message_count == written


def test_too_little_room_on_the_disk_refuses_an_episode(tmp_path):
    recorder = make_recorder(tmp_path / 'demos', allow_missing=True, min_free_bytes=1 << 60)
    assert recorder.is_nearly_full
    reply = Episodes(recorder).start()
    assert not reply.success
    assert 'MiB left' in reply.message
    assert not list((tmp_path / 'demos').iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'demos').write_text('a file')
    reply = Episodes(make_recorder(tmp_path / 'demos', allow_missing=True)).start()
    assert not reply.success
    assert str(tmp_path / 'demos') in reply.message


def test_sqlite_errors_are_errors_of_the_disk(tmp_path):
    file = create_file('sqlite3', tmp_path, 'bag')
    file._database.close()
    with pytest.raises(OSError, match='bag_0.db3'):
        file.flush()
    file.abort()
    with pytest.raises(FileExistsError):
        create_file('sqlite3', tmp_path, 'bag')
    with pytest.raises(ConfigError, match="'csv', valid: .*mcap"):
        create_file('csv', tmp_path, 'bag')
    assert sqlite3.connect(tmp_path / 'bag_0.db3').execute('SELECT * FROM messages')
