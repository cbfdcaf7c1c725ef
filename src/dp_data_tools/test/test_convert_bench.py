# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The works that are compared give the same dataset, and say what they took."""

import argparse
import shutil
import sys

from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
from dp_data_tools.bench import convert_bench
from dp_data_tools.bench import convert_work
from dp_data_tools.bench.sample_bag import CAMERAS
from dp_data_tools.bench.sample_bag import contract
from dp_data_tools.bench.sample_bag import write_bag
import numpy as np
import pytest


def test_a_small_bag(tmp_path):
    write_bag(tmp_path / 'bag', 2.0)
    for name, work in convert_work.WORKS.items():
        work(tmp_path / 'bag', tmp_path / name)
    assert convert_bench._same_content(tmp_path)


def test_a_dataset_that_is_shorter_or_differs_is_not_the_same(tmp_path):
    what = contract()
    pictures = {stream.name: np.ones((4, 96, 96, 3), np.uint8) for stream in what.images}

    def save(name, rows, change=0.0):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        numbers = {key: np.full((4, 6), change, np.float32) for key in ('arm', 'action')}
        data = {key: array[:rows] for key, array in {**pictures, **numbers}.items()}
        buffer = ReplayBuffer(data, np.array([rows]), np.zeros(1, np.bool_))
        save_dataset(tmp_path / name, what, buffer)

    save('obvious_loop', 4)
    for rows, change, same in ((4, 1e-7, True), (3, 0.0, False), (4, 1e-3, False)):
        save('convert', rows, change)
        assert convert_bench._same_content(tmp_path) is same


def test_figures_add_up(tmp_path, monkeypatch):
    def take(work, folder):
        seconds = {'plain_read': 1.0, 'rosbags_read': 2.0, 'convert': 2.0, 'obvious_loop': 8.0}
        return {'seconds': seconds[work], 'cpu_s': 2 * seconds[work], 'peak_mib': 100.0}

    monkeypatch.setattr(convert_bench, 'write_bag', lambda folder, seconds: folder.mkdir())
    monkeypatch.setattr(convert_bench, '_take', take)
    monkeypatch.setattr(convert_bench, '_same_content', lambda folder: True)
    parser = argparse.ArgumentParser()
    convert_bench.add_arguments(parser)
    options = parser.parse_args(['--gib', '1'])
    options.output = tmp_path / 'data.json'
    found = convert_bench.measure(options)
    assert found['bag']['seconds'] == pytest.approx(2**30 / (60 * 640 * 480 * 3), abs=0.05)
    assert found['times_real_time'] == pytest.approx(found['bag']['seconds'] / 2, abs=0.1)
    assert (found['of_plain_read'], found['times_obvious_loop']) == (0.5, 4.0)
    assert list(tmp_path.iterdir()) == []
    assert len(CAMERAS) == 2


def test_a_work_prints_its_figures(tmp_path, monkeypatch, capsys):
    (tmp_path / 'x.mcap').write_bytes(b'1')
    monkeypatch.setattr(sys, 'argv', ['x', 'plain_read', str(tmp_path), str(tmp_path / 'out')])
    convert_work.main()
    assert '"peak_mib"' in capsys.readouterr().out
