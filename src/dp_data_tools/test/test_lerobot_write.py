# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What LeRobot gets, read here without our reader: tables by pyarrow, videos by PyAV."""

import json

import av
from bag_samples import contract
import cv2
from dp_core.contract import Contract
from dp_core.replay_buffer import load_dataset
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
from dp_data_tools.lerobot.video_writer import VideoWriter
from lerobot_samples import export
from lerobot_samples import lerobot
from lerobot_samples import sample
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

DATA = 'data/chunk-000/file-000.parquet'
EPISODES = 'meta/episodes/chunk-000/file-000.parquet'
VIDEO = 'videos/observation.images.front/chunk-000/file-000.mp4'


def frames(path):
    """Times [s] and pictures of a video."""
    with av.open(str(path)) as video:
        found = [
            (f.pts * f.time_base, f.to_ndarray(format='rgb24')) for f in video.decode(video=0)
        ]
    return [float(time) for time, _ in found], np.stack([picture for _, picture in found])


def test_rows_hold_every_number_bit_for_bit(tmp_path):
    folder = lerobot(tmp_path)
    table = pq.read_table(folder / DATA).to_pydict()
    row = np.arange(36, dtype=np.float32)
    assert np.array_equal(np.array(table['observation.state'], np.float32)[:, 1], row / 2)
    assert np.array_equal(np.array(table['action'], np.float32)[:, 0], row + np.float32(0.1))
    assert table['index'] == list(range(36))
    assert table['episode_index'] == [0] * 12 + [1] * 9 + [2] * 15
    assert table['frame_index'] == [*range(12), *range(9), *range(15)]
    assert table['task_index'] == [0] * 36
    assert table['timestamp'][12:15] == [0.0, pytest.approx(0.1), pytest.approx(0.2)]
    assert pq.ParquetFile(folder / DATA).num_row_groups == 3  # an episode each


def test_info_names_features_as_lerobot_does(tmp_path):
    info = json.loads((lerobot(tmp_path) / 'meta/info.json').read_text())
    assert info['codebase_version'] == 'v3.0'
    assert (info['fps'], info['total_episodes'], info['total_frames']) == (10, 3, 36)
    assert info['splits'] == {'train': '0:3'}
    features = info['features']
    assert features['observation.state'] == {
        'dtype': 'float32',
        'shape': [2],
        'names': ['a', 'b'],
    }
    camera = features['observation.images.front']
    assert (camera['dtype'], camera['shape']) == ('video', [8, 8, 3])
    assert camera['info']['video.fps'] == 10
    assert list(features) == [
        'observation.state',
        'observation.images.front',
        'action',
        'timestamp',
        'frame_index',
        'episode_index',
        'index',
        'task_index',
    ]


def test_names_bear_those_of_streams_and_groups_where_there_are_several(tmp_path):
    arm = contract(False).observations[0]
    one = {'kind': 'joint_position', 'dims': ['q'], 'controller': 'c'}
    what = Contract.from_dict(
        {
            **contract(False).to_dict(),
            'observations': [
                {'name': 'arm', 'kind': 'joint_state', 'topic': 't', 'joints': list(arm.joints)},
                {'name': 'tool', 'kind': 'pose', 'topic': 'p', 'features': ['z', 'rotation_6d']},
            ],
            'actions': [
                {'name': 'left', 'joints': ['l'], **one},
                {'name': 'right', 'joints': ['r'], **one},
            ],
        }
    )

    rng = np.random.default_rng(0)
    data = {
        name: rng.normal(size=(9, width)).astype(np.float32)
        for name, width in (('arm', 2), ('tool', 7), ('action', 2))
    }
    save_dataset(tmp_path / 'ours', what, ReplayBuffer(data, np.array([9]), np.zeros(1, np.bool_)))
    folder = lerobot(tmp_path)
    features = json.loads((folder / 'meta/info.json').read_text())['features']
    turns = [f'tool.r{k}' for k in range(6)]
    assert features['observation.state']['names'] == ['arm.a', 'arm.b', 'tool.z', *turns]
    assert features['action']['names'] == ['left.q', 'right.q']
    state = np.array(pq.read_table(folder / DATA)['observation.state'].to_pylist(), np.float32)
    assert np.array_equal(state, np.concatenate([data['arm'], data['tool']], axis=1))
    assert export(folder, 'zarr', tmp_path / 'again') == 0
    assert np.array_equal(load_dataset(tmp_path / 'again')[1].data['tool'], data['tool'])


def test_a_single_number_is_a_plain_column(tmp_path):
    what = Contract.from_dict(
        {
            **contract(False).to_dict(),
            'observations': [{'name': 'arm', 'kind': 'vector', 'length': 1}],
        }
    )

    data = {'arm': np.ones((5, 1), np.float32), 'action': np.zeros((5, 2), np.float32)}
    save_dataset(tmp_path / 'ours', what, ReplayBuffer(data, np.array([5]), np.zeros(1, np.bool_)))
    folder = lerobot(tmp_path)
    assert pq.read_table(folder / DATA)['observation.state'].to_pylist() == [1.0] * 5
    assert export(folder, 'zarr', tmp_path / 'again') == 0
    assert load_dataset(tmp_path / 'again')[1].data['arm'].shape == (5, 1)


def test_episodes_say_where_they_are_and_what_they_are_about(tmp_path):
    folder = lerobot(tmp_path, '--task', 'push the T')
    rows = pq.read_table(folder / EPISODES).to_pylist()
    assert [row['episode_index'] for row in rows] == [0, 1, 2]
    assert [row['length'] for row in rows] == [12, 9, 15]
    assert [row['dataset_from_index'] for row in rows] == [0, 12, 21]
    assert [row['dataset_to_index'] for row in rows] == [12, 21, 36]
    begins = [row['videos/observation.images.front/from_timestamp'] for row in rows]
    assert begins == pytest.approx([0.0, 1.2, 2.1])
    assert {tuple(row['tasks']) for row in rows} == {('push the T',)}
    tasks = pq.read_table(folder / 'meta/tasks.parquet')
    assert tasks.to_pydict() == {'task_index': [0], 'task': ['push the T']}
    assert json.loads(tasks.schema.metadata[b'pandas'])['index_columns'] == ['task']


def test_a_video_shows_each_frame_at_its_time(tmp_path):
    folder = lerobot(tmp_path, '--pictures', 'lossless')
    times, pictures = frames(folder / VIDEO)
    assert times == [k / 10 for k in range(36)]
    assert np.array_equal(pictures, load_dataset(tmp_path / 'ours')[1].data['front'])


@pytest.mark.parametrize('codec, error', [('av1', 6.0), ('h264', 4.0)])
def test_lossy_videos_are_near(tmp_path, codec, error):
    smooth = np.add.outer(np.arange(64), 2 * np.arange(64))[..., None].astype(np.uint8)
    pictures = np.repeat(smooth, 3, axis=2)[None].repeat(20, axis=0)
    pictures = (pictures // 2 + np.arange(20)[:, None, None, None]).astype(np.uint8)
    what = contract().to_dict()
    what['observations'][1]['size'] = [64, 64]

    zeros = np.zeros((20, 2), np.float32)
    data = {'arm': zeros, 'action': zeros, 'front': pictures}
    buffer = ReplayBuffer(data, np.array([20]), np.zeros(1, np.bool_))
    save_dataset(tmp_path / 'ours', Contract.from_dict(what), buffer)
    times, seen = frames(lerobot(tmp_path, '--pictures', codec) / VIDEO)
    assert times == [k / 10 for k in range(20)]
    assert np.abs(seen.astype(int) - pictures).mean() < error


def test_depth_is_lossless_whatever_the_codec(tmp_path):
    what = contract().to_dict()
    what['observations'][1]['depth_m'] = [0.2, 2.0]
    folder = lerobot(tmp_path, '--pictures', 'h264', what=Contract.from_dict(what))
    pictures = frames(folder / VIDEO)[1]
    assert np.array_equal(pictures, load_dataset(tmp_path / 'ours')[1].data['front'])


def test_png_lies_in_the_rows(tmp_path):
    folder = lerobot(tmp_path, '--pictures', 'png')
    rows = pq.read_table(folder / DATA)['observation.images.front'].to_pylist()
    first = cv2.imdecode(np.frombuffer(rows[30]['bytes'], np.uint8), 1)[..., ::-1]
    assert np.array_equal(first, load_dataset(tmp_path / 'ours')[1].data['front'][30])
    assert not (folder / 'videos').exists()
    assert json.loads((folder / 'meta/info.json').read_text())['video_path'] is None


def test_statistics_are_those_of_all_rows(tmp_path):
    stats = json.loads((lerobot(tmp_path) / 'meta/stats.json').read_text())
    row = np.arange(36) / 2
    found = {key: value[1] for key, value in stats['observation.state'].items() if key != 'count'}
    assert found == pytest.approx(
        {
            'min': 0.0,
            'max': 17.5,
            'mean': 8.75,
            'std': row.std(),
            'q01': np.quantile(row, 0.01),
            'q10': 1.75,
            'q50': 8.75,
            'q90': 15.75,
            'q99': np.quantile(row, 0.99),
        }
    )
    assert stats['observation.state']['count'] == [36]
    camera = stats['observation.images.front']
    assert np.shape(camera['mean']) == (3, 1, 1)
    some = load_dataset(tmp_path / 'ours')[1].data['front'][[0, 10, 12, 21, 31]] / 255
    assert np.ravel(camera['mean']) == pytest.approx(some.mean(axis=(0, 1, 2)))
    assert np.ravel(camera['std']) == pytest.approx(some.std(axis=(0, 1, 2)))
    assert np.ravel(camera['max']) == pytest.approx(some.max(axis=(0, 1, 2)))
    assert camera['count'] == [5]
    assert stats['index']['max'] == [35.0]


def test_long_videos_are_split_between_episodes(tmp_path, monkeypatch):
    monkeypatch.setattr('dp_data_tools.lerobot.video_writer.LONGEST_S', 2)
    folder = lerobot(tmp_path, '--pictures', 'lossless')  # 12, 9 and 15 frames, 20 in a file
    name = 'videos/observation.images.front/'
    rows = pq.read_table(folder / EPISODES).to_pylist()
    assert [row[f'{name}file_index'] for row in rows] == [0, 1, 2]
    assert [row[f'{name}from_timestamp'] for row in rows] == [0.0, 0.0, 0.0]
    assert len(frames(folder / VIDEO.replace('file-000', 'file-002'))[0]) == 15
    assert export(folder, 'zarr', tmp_path / 'again') == 0
    again = load_dataset(tmp_path / 'again')[1].data['front']
    assert np.array_equal(again, load_dataset(tmp_path / 'ours')[1].data['front'])


def test_an_episode_too_long_for_a_video_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('dp_data_tools.lerobot.video_writer.LONGEST_S', 1)
    sample(tmp_path / 'ours')
    assert export(tmp_path / 'ours', 'lerobot', tmp_path / 'lerobot') == 1
    assert 'valid: 1 s at most; pictures in files have no such limit' in capsys.readouterr().err
    assert not (tmp_path / 'lerobot').exists()


def test_a_large_data_file_is_followed_by_another(tmp_path, monkeypatch):
    monkeypatch.setattr('dp_data_tools.lerobot.tables.DATA_MIB', 0)
    folder = lerobot(tmp_path, camera=False)
    assert len(list((folder / 'data').rglob('*.parquet'))) == 3
    rows = pq.read_table(folder / EPISODES).to_pylist()
    assert [row['data/file_index'] for row in rows] == [0, 1, 2]
    assert export(folder, 'zarr', tmp_path / 'again') == 0
    assert load_dataset(tmp_path / 'again')[1].episode_ends.tolist() == [12, 21, 36]


def test_a_video_that_lost_frames_is_noticed(tmp_path, monkeypatch, capsys):
    def forget(self, frame, real=VideoWriter._mux):
        if frame is None or frame.pts != 7:
            real(self, frame)

    monkeypatch.setattr(VideoWriter, '_mux', forget)
    sample(tmp_path / 'ours')
    assert export(tmp_path / 'ours', 'lerobot', tmp_path / 'out') == 1
    assert 'has 35 frames of 36' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_what_is_known_of_the_episodes_travels_in_meta(tmp_path):
    ours = sample(tmp_path / 'ours')
    origins = [{'bag': f'take_{k}', 'episode': 0, 'frames': n} for k, n in enumerate((12, 9, 15))]
    (ours / 'episodes.yaml').write_text(yaml.safe_dump(origins))
    (ours / 'conversion.yaml').write_text('actions: {arm: {kind: command}}\n')
    folder = lerobot(tmp_path)
    assert yaml.safe_load((folder / 'meta/episodes.yaml').read_text()) == origins
    assert export(folder, 'zarr', tmp_path / 'again') == 0
    again = yaml.safe_load((tmp_path / 'again/episodes.yaml').read_text())
    assert again == [{**origin, 'task': 'sample'} for origin in origins]
    assert 'command' in (tmp_path / 'again/conversion.yaml').read_text()
