# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import dataclasses

from dp_bringup.chunk_log import load_chunks
from dp_bringup.chunk_log import write_chunks
from dp_core.errors import DatasetError
import numpy as np
import pytest

pytest.importorskip('dp_msgs.msg')

from episode_samples import chunk


def test_chunks_of_an_episode_come_back_as_they_were(tmp_path):
    written = [[chunk(0), chunk(1, jump=0.02)], [chunk(0, inference_s=0.5)]]
    write_chunks(tmp_path / 'chunks.npz', written)
    for episode, chunks in enumerate(written):
        read = load_chunks(tmp_path / 'chunks.npz', episode)
        assert len(read) == len(chunks)
        for mine, theirs in zip(read, chunks):
            for field in dataclasses.fields(mine):
                name = field.name
                np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))


def test_an_episode_without_chunks_is_told(tmp_path):
    write_chunks(tmp_path / 'chunks.npz', [[chunk(0)], []])
    with pytest.raises(DatasetError, match='no chunk of episode 1'):
        load_chunks(tmp_path / 'chunks.npz', 1)


def test_a_file_cut_short_is_told(tmp_path):
    write_chunks(tmp_path / 'chunks.npz', [[chunk(0)]])
    whole = (tmp_path / 'chunks.npz').read_bytes()
    (tmp_path / 'chunks.npz').write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match='cannot read'):
        load_chunks(tmp_path / 'chunks.npz', 0)
