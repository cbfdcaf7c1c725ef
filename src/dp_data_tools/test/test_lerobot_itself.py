# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""LeRobot itself reads what we write, and we read what it writes; where it is installed."""

from dp_core.replay_buffer import load_dataset
from lerobot_samples import export
from lerobot_samples import lerobot
import numpy as np
import pytest

datasets = pytest.importorskip('lerobot.datasets.lerobot_dataset')


def pixels(picture):
    """Picture (h, w, 3) uint8 of one (3, h, w) of 0 to 1."""
    return np.rint(picture.numpy().transpose(1, 2, 0) * 255).astype(np.uint8)


@pytest.mark.parametrize('pictures', ['lossless', 'png', 'h264', 'av1'])
def test_it_reads_the_same_numbers_and_frames(tmp_path, pictures):
    folder = lerobot(tmp_path, '--pictures', pictures)
    read = datasets.LeRobotDataset('local/sample', root=folder)
    ours = load_dataset(tmp_path / 'ours')[1]
    assert (len(read), read.num_episodes, read.fps) == (36, 3, 10)
    for row in range(36):
        item = read[row]
        assert item['task'] == 'sample'
        assert item['observation.state'].numpy().tobytes() == ours.data['arm'][row].tobytes()
        assert item['action'].numpy().tobytes() == ours.data['action'][row].tobytes()
        seen = pixels(item['observation.images.front'])
        if pictures in ('lossless', 'png'):
            assert np.array_equal(seen, ours.data['front'][row])
        else:
            assert seen.shape == (8, 8, 3)
    stats = read.meta.stats['action']
    assert stats['mean'] == pytest.approx(ours.data['action'].mean(axis=0), rel=1e-5)
    assert set(stats) == {'min', 'max', 'mean', 'std', 'count', 'q01', 'q10', 'q50', 'q90', 'q99'}


@pytest.mark.parametrize('videos', [True, False])
def test_what_it_writes_is_read(tmp_path, videos):
    names = ['a.pos', 'b.pos']
    numbers = {'dtype': 'float32', 'shape': (2,), 'names': names}
    camera = {
        'dtype': 'video' if videos else 'image',
        'shape': (48, 64, 3),
        'names': ['height', 'width', 'channels'],
    }
    features = {
        'observation.state': numbers,
        'action': numbers,
        'observation.images.front': camera,
    }
    root = tmp_path / 'theirs'
    made = datasets.LeRobotDataset.create(
        'local/made', fps=10, features=features, root=root, use_videos=videos
    )
    random = np.random.default_rng(0)
    states = random.normal(size=(30, 2)).astype(np.float32)
    for length in (12, 18):
        for row in range(length):
            made.add_frame(
                {
                    'observation.state': states[row],
                    'action': -states[row],
                    'observation.images.front': random.integers(0, 255, (48, 64, 3), np.uint8),
                    'task': 'push',
                }
            )
        made.save_episode()
    made.finalize()
    theirs = datasets.LeRobotDataset('local/made', root=root)
    assert export(root, 'zarr', tmp_path / 'ours') == 0
    what, ours = load_dataset(tmp_path / 'ours')
    assert what.tasks == ('push',)
    assert ours.episode_ends.tolist() == [12, 30]
    for row in range(30):
        item = theirs[row]
        assert item['observation.state'].numpy().tobytes() == ours.data['state'][row].tobytes()
        assert item['action'].numpy().tobytes() == ours.data['action'][row].tobytes()
        assert np.array_equal(pixels(item['observation.images.front']), ours.data['front'][row])
