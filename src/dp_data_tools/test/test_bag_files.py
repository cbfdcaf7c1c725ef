# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Bags are found wherever people put them, and a changed bag is another one."""

import os

from conversion import forbid
from dp_core.errors import DatasetError
from dp_data_tools.bag_files import find_bags
from dp_data_tools.bag_files import state_of
from dp_data_tools.bag_files import storage_files
import pytest


def make(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text('x')


def found(root, *paths):
    return [str(bag.relative_to(root)) for bag in find_bags([root / path for path in paths])]


def test_folders_of_bags_are_searched_and_keep_their_order(tmp_path):
    make(
        tmp_path,
        'b/metadata.yaml',
        'a/monday/take_1/metadata.yaml',
        'a/monday/take_1/take_1_0.mcap',
        'a/tuesday/one.mcap',
        'a/.take_9.part/metadata.yaml',
        'a/notes/readme.txt',
    )
    assert found(tmp_path, 'b', 'a') == ['b', 'a/monday/take_1', 'a/tuesday']


def test_a_folder_of_files_is_one_split_bag_only_when_they_are_numbered_from_0(tmp_path):
    make(tmp_path, 'split/x_0.mcap', 'split/x_1.mcap', 'split/x_10.mcap')
    make(tmp_path, 'many/x_01.mcap', 'many/x_02.mcap', 'whole/x_0.db3', 'whole/x_1.db3')
    assert found(tmp_path, 'many') == ['many/x_01.mcap', 'many/x_02.mcap']
    assert found(tmp_path, 'split') == [f'split/x_{i}.mcap' for i in ('0', '1', '10')]
    assert found(tmp_path, 'whole') == ['whole']
    assert [f.name for f in storage_files(tmp_path / 'whole')] == ['x_0.db3', 'x_1.db3']


def test_a_file_is_a_bag_and_a_missing_path_stays_to_be_told(tmp_path):
    make(tmp_path, 'one.mcap')
    assert found(tmp_path, 'one.mcap', 'nowhere') == ['one.mcap', 'nowhere']
    with pytest.raises(FileNotFoundError, match='does not exist'):
        storage_files(tmp_path / 'nowhere')


def test_a_stray_file_hides_no_bags(tmp_path):
    make(tmp_path, 'a/take_1/metadata.yaml', 'a/take_2/take_2_0.mcap', 'a/stray.mcap')
    make(tmp_path, 'b/old.db3', 'b/x/one.mcap', 'b/x_0.mcap/metadata.yaml')
    make(tmp_path, 'c/x_0.mcap', 'c/x_1.mcap', 'c/more/metadata.yaml')
    assert found(tmp_path, 'a') == ['a/stray.mcap', 'a/take_1', 'a/take_2']
    assert found(tmp_path, 'b') == ['b/old.db3', 'b/x', 'b/x_0.mcap']
    assert found(tmp_path, 'c') == ['c', 'c/more']


def test_compressed_files_are_found_and_need_the_metadata(tmp_path):
    make(tmp_path, 'whole/metadata.yaml', 'whole/x_0.mcap.zstd', 'notes/a.txt.zstd')
    make(tmp_path, 'killed/x_0.mcap.zstd', 'killed/x_1.mcap', 'many/a.mcap.zstd', 'many/b.mcap')
    make(tmp_path, 'unpacked/x_0.db3.zstd', 'unpacked/x_0.db3', 'unpacked/x_1.db3')
    places = ['killed', 'many/a.mcap.zstd', 'many/b.mcap', 'unpacked', 'whole']
    assert found(tmp_path, '.') == places
    assert [f.name for f in storage_files(tmp_path / 'unpacked')] == ['x_0.db3', 'x_1.db3']
    words = r"zstd'\] are compressed, which only a metadata.yaml tells"
    for place in ('killed', 'killed/x_0.mcap.zstd', 'many/a.mcap.zstd'):
        with pytest.raises(ValueError, match=words):
            storage_files(tmp_path / place)
    with pytest.raises(ValueError, match='files of rosbag2 are valid'):
        storage_files(tmp_path / 'notes' / 'a.txt.zstd')


def test_a_folder_that_cannot_be_read_is_left_to_whoever_reads_it(tmp_path, monkeypatch):
    make(tmp_path, 'a/take_1/metadata.yaml', 'a/lost+found/x.mcap')
    forbid(monkeypatch, tmp_path / 'a' / 'lost+found')
    assert found(tmp_path, 'a') == ['a/lost+found', 'a/take_1']
    assert found(tmp_path, 'a/lost+found') == ['a/lost+found']


def test_links_in_circles_are_not_followed(tmp_path):
    make(tmp_path, 'a/take_1/metadata.yaml', 'a/more/x.mcap')
    (tmp_path / 'a' / 'more' / 'all').symlink_to(tmp_path / 'a')
    (tmp_path / 'a' / 'more' / 'same').symlink_to('.')
    assert found(tmp_path, 'a') == ['a/more', 'a/take_1']


def test_an_empty_folder_and_a_bag_given_twice_are_refused(tmp_path):
    make(tmp_path, 'a/x/metadata.yaml', 'empty/readme.txt')
    with pytest.raises(DatasetError, match='cannot read bag .*empty: there is no rosbag2'):
        find_bags([tmp_path / 'empty'])
    with pytest.raises(DatasetError, match='are given more than once'):
        find_bags([tmp_path / 'a', tmp_path / 'a' / 'x'])


def test_a_bag_that_was_changed_has_another_state(tmp_path):
    make(tmp_path, 'a/x.mcap', 'a/metadata.yaml', 'a/readme.txt')
    before = state_of(tmp_path / 'a')
    assert [name for name, _, _ in before] == ['metadata.yaml', 'x.mcap']
    os.utime(tmp_path / 'a' / 'readme.txt', ns=(1, 1))
    assert state_of(tmp_path / 'a') == before
    os.utime(tmp_path / 'a' / 'x.mcap', ns=(1, 1))
    assert state_of(tmp_path / 'a') != before
    (tmp_path / 'a' / 'y.mcap').symlink_to('nowhere')
    assert state_of(tmp_path / 'a')[2] == ('y.mcap', 0, 0)
