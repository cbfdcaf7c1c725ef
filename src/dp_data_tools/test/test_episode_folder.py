# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Folders get their name when they are whole, and never one that is taken."""

from dp_core.errors import RecordingError
from dp_data_tools.recording import episode_folder
from dp_data_tools.recording.bag_metadata import write_safely
from dp_data_tools.recording.episode_folder import EpisodeFolder
import pytest


def names(root):
    return sorted(path.name for path in root.iterdir())


def test_a_folder_is_hidden_until_it_is_kept(tmp_path):
    folder = EpisodeFolder(tmp_path / 'a' / 'demos', {'task': 'push'})
    assert names(tmp_path / 'a' / 'demos') == ['.episode_000000.part']
    assert episode_folder.read_facts(folder.part) == {'task': 'push'}
    assert folder.keep() == tmp_path / 'a' / 'demos' / 'episode_000000'
    assert names(tmp_path / 'a' / 'demos') == ['episode_000000']


def test_two_recorders_never_share_a_number(tmp_path):
    one, other = EpisodeFolder(tmp_path, {}), EpisodeFolder(tmp_path, {})
    assert (one.name, other.name) == ('episode_000000', 'episode_000001')
    other.keep()
    third = EpisodeFolder(tmp_path, {})
    assert third.name == 'episode_000002'
    one.drop()
    third.leave()
    assert names(tmp_path) == ['.episode_000002.part', 'episode_000001']
    assert EpisodeFolder(tmp_path, {}).name == 'episode_000003'


def test_numbers_go_on_beyond_six_digits_and_other_names_do_not_count(tmp_path):
    for name in ('episode_999999', 'episode_7', 'take_000009', '.episode_x.part'):
        (tmp_path / name).mkdir()
    assert EpisodeFolder(tmp_path, {}).name == 'episode_1000000'
    assert [path.name for path in episode_folder.unfinished(tmp_path)] == ['.episode_1000000.part']
    assert episode_folder.unfinished(tmp_path / 'nowhere') == []


def test_a_folder_is_locked_while_its_recorder_lives(tmp_path):
    folder = EpisodeFolder(tmp_path, {})
    with pytest.raises(RecordingError, match='is being recorded'):
        with episode_folder.claimed(folder.part):
            raise AssertionError('claimed')
    folder.leave()
    with episode_folder.claimed(folder.part):
        with pytest.raises(RecordingError, match='is being recorded'):
            with episode_folder.claimed(folder.part):
                raise AssertionError('claimed twice')


@pytest.mark.parametrize('content', ['', '- a list', '{broken', 'outcome: true'])
def test_facts_that_are_none_are_none(tmp_path, content):
    (tmp_path / 'episode.yaml').write_text(content)
    found = episode_folder.read_facts(tmp_path)
    assert found == ({'outcome': 'True'} if 'true' in content else {})


def test_a_name_that_was_taken_meanwhile_is_told(tmp_path):
    folder = EpisodeFolder(tmp_path, {})
    folder.path.mkdir()
    (folder.path / 'something').write_text('of others')
    with pytest.raises(RecordingError, match='cannot rename'):
        folder.keep()
    assert (folder.path / 'something').read_text() == 'of others'
    assert folder.part.exists()


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / 'facts'
    write_safely(path, 'old')
    write_safely(path, 'new')
    assert path.read_text() == 'new'
    assert names(tmp_path) == ['facts']
