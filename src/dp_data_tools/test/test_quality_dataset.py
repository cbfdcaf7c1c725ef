# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Datasets are read episode by episode, with the units and pairs that their contract tells."""

from pathlib import Path

from bag_samples import contract
from bag_samples import plane_contract
from bag_samples import POSE
from bag_samples import pose
from bag_samples import recording
from bag_samples import write_bag
from dp_core.contract import Contract
from dp_core.errors import DatasetError
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
from dp_data_tools.cli import main
from dp_data_tools.dataset_folder import is_dataset
from dp_data_tools.quality.dataset import open_dataset
from dp_data_tools.quality.episode import Pair
from dp_data_tools.quality.examine import examine
from dp_data_tools.quality.scan import scan_bag
from dp_data_tools.quality.sources import read_dataset
from dp_data_tools.quality.sources import tell_apart
import numpy as np
import pytest
from quality_samples import loud
from quality_samples import motion
from test_quality_bags import between
from test_quality_bags import CAMERA
from test_quality_bags import messages
import yaml

PUSHT = Path(__file__).parents[2] / 'dp_core' / 'data' / 'pusht_human'


def arrays(rows, seed=0, lag_s=0.1, images=True):
    """Numbers and pictures of one episode at 10 Hz."""
    times_s = 0.1 * np.arange(rows)
    data = {'arm': motion(times_s - lag_s, seed), 'action': motion(times_s, seed)}
    data = {name: values.astype(np.float32) for name, values in data.items()}
    if images:
        noise = np.random.default_rng(seed)
        data['front'] = noise.integers(60, 200, (rows, 8, 8, 3), np.uint8)
    return data


def dataset(path, episodes, what=None):
    """Write episodes, each a mapping of arrays."""
    data = {name: np.concatenate([e[name] for e in episodes]) for name in episodes[0]}
    ends = np.cumsum([len(e['action']) for e in episodes])
    buffer = ReplayBuffer(data, ends, np.zeros(len(ends), np.bool_))
    save_dataset(path, what or contract(), buffer)
    return path


def check(path):
    return examine(read_dataset(path, lambda: None), 'demo')


def test_a_clean_dataset_is_silent_but_for_the_measured_lag(tmp_path):
    path = dataset(tmp_path / 'd', [arrays(80 + 5 * k, k) for k in range(6)])
    assert is_dataset(path)
    found = check(path)
    assert not loud(found)
    assert found[0].value == pytest.approx(100, abs=2)


def test_one_episode_of_a_dataset(tmp_path):
    parts = [arrays(30, 0), arrays(40, 1)]
    with open_dataset(dataset(tmp_path / 'd', parts)) as folder:
        assert folder.ends.tolist() == [30, 70]
        episode = folder.episode(1)
        assert np.array_equal(folder.rows('front', 1), parts[1]['front'])
        assert folder.episode(1, pictures=False).pictures == ()
    assert (episode.index, episode.bag, episode.duration_s) == (1, '', pytest.approx(4.0))
    arm, action = episode.states[0], episode.actions[0]
    assert (arm.name, arm.dims, arm.unit) == ('arm', ('a', 'b'), 'rad')
    assert np.array_equal(arm.values, parts[1]['arm'].astype(float))
    assert action.times_s[-1] == pytest.approx(3.9)
    assert episode.pairs == (Pair('action', 'a', 'arm', 'a'), Pair('action', 'b', 'arm', 'b'))
    assert episode.pictures[0].mean == pytest.approx(
        parts[1]['front'].reshape(40, -1).mean(axis=1)
    )
    assert [t for t, _ in episode.pictures[0].thumbnails] == pytest.approx(
        [0.4 * k for k in range(10)]
    )


def test_a_frozen_camera_in_one_episode(tmp_path):
    parts = [arrays(60, k) for k in range(3)]
    parts[1]['front'][20:30] = parts[1]['front'][19]
    found = [f for f in check(dataset(tmp_path / 'd', parts)) if f.severity == 'error']
    assert [(f.check, f.episode, f.subject) for f in found] == [('frozen', 1, 'front')]
    assert found[0].value == pytest.approx(1.0)
    assert found[0].time_s == pytest.approx(1.9)


def test_depth_has_no_brightness(tmp_path):
    parts = [arrays(60, k) for k in range(3)]
    for part in parts:
        part['front'][:] = 1 + (part['front'] > 190)  # all of it near
    path = tmp_path / 'd'
    assert {f.check for f in check(dataset(path / 'colour', parts)) if f.severity == 'error'} == {
        'black'
    }
    what = contract().to_dict()
    what['observations'][1]['depth_m'] = [0.1, 3.0]
    assert not loud(check(dataset(path / 'depth', parts, Contract.from_dict(what))))


def test_black_pictures_and_nan_are_dropped(tmp_path):
    parts = [arrays(60, k) for k in range(4)]
    parts[0]['front'][5] = 0
    parts[2]['action'][7, 1] = np.nan
    path = dataset(tmp_path / 'd', parts)
    origins = [{'bag': f'take_{k}', 'episode': k % 2} for k in range(4)]
    (path / 'episodes.yaml').write_text(yaml.safe_dump(origins))
    assert main(['check', str(path), '--drop-list', str(tmp_path / 'drop.yaml')]) == 1
    drop = yaml.safe_load((tmp_path / 'drop.yaml').read_text())['drop']
    assert [(d['bag'], d['episode']) for d in drop] == [('take_0', 0), ('take_2', 0)]
    assert drop[0]['reason'] == 'black front: 1 of 60 pictures are black'
    assert drop[1]['reason'].startswith('not_finite action/b: 1 of 60 values')


def test_a_dataset_that_does_not_know_its_bags_is_dropped_by_its_own_name(tmp_path):
    parts = [arrays(60, 0), arrays(60, 0)]
    path = dataset(tmp_path / 'd', parts)
    assert main(['check', str(path), '--drop-list', str(tmp_path / 'drop.yaml')]) == 1
    drop = yaml.safe_load((tmp_path / 'drop.yaml').read_text())['drop']
    assert [(d['bag'], d['episode']) for d in drop] == [(str(path), 1)]


def test_actions_beyond_the_contracts_bounds(tmp_path):
    what = contract(
        actions=[
            {
                'name': 'arm',
                'kind': 'joint_position',
                'dims': ['a', 'b'],
                'joints': ['a', 'b'],
                'controller': 'jtc',
                'low': [-0.4, -9.0],
                'high': [9.0, 9.0],
            }
        ]
    )
    part = arrays(80)
    found = [f for f in check(dataset(tmp_path / 'd', [part], what)) if f.check == 'limit']
    assert [(f.subject, f.threshold) for f in found] == [('action/a', -0.4)]
    assert found[0].value == pytest.approx(float(part['action'][:, 0].min()))
    assert found[0].time_s == pytest.approx(0.1 * int(part['action'][:, 0].argmin()))


def test_a_plane_is_paired_with_the_tool_not_with_what_it_pushes(tmp_path):
    pose = {'kind': 'pose', 'frame': 'world', 'features': ['x', 'y', 'cos_yaw', 'sin_yaw']}
    streams = [
        {'name': 'block', 'topic': 'block', **pose},
        {'name': 'tool', 'topic': 'tool', **pose, 'features': ['x', 'y']},
    ]
    what = Contract.from_dict({**plane_contract().to_dict(), 'observations': streams})
    times_s = 0.1 * np.arange(100)
    turn = np.stack([np.cos(times_s), np.sin(times_s)], axis=1)
    block = np.concatenate([motion(times_s, 7), turn], axis=1)
    part = {'tool': motion(times_s - 0.1), 'action': motion(times_s), 'block': block}
    part = {name: values.astype(np.float32) for name, values in part.items()}
    with open_dataset(dataset(tmp_path / 'd', [part], what)) as folder:
        episode = folder.episode(0)
    assert episode.pairs == (Pair('action', 'x', 'tool', 'x'), Pair('action', 'y', 'tool', 'y'))
    tracks = {track.name: (track.dims, track.unit) for track in episode.states}
    assert tracks == {
        'block': (('x', 'y'), 'm'),
        'block rotation': (('cos_yaw', 'sin_yaw'), ''),
        'tool': (('x', 'y'), 'm'),
    }


def test_two_action_groups_are_two_tracks(tmp_path):
    group = {'kind': 'joint_position', 'controller': 'jtc'}
    what = contract(
        camera=False,
        actions=[
            {'name': 'left', **group, 'dims': ['a'], 'joints': ['a']},
            {'name': 'right', **group, 'dims': ['b'], 'joints': ['b']},
        ],
    )
    path = dataset(tmp_path / 'd', [arrays(90, images=False)], what)
    with open_dataset(path) as folder:
        episode = folder.episode(0)
    assert [track.name for track in episode.actions] == ['action/left', 'action/right']
    assert [pair.label for pair in episode.pairs] == ['action/left/a', 'action/right/b']
    assert not loud(check(path))


def test_people_pushing_a_t_are_without_fault():
    with open_dataset(PUSHT) as folder:
        assert len(folder.ends) == 206
        found = examine([folder.episode(k) for k in range(0, 206, 4)], 'demo')
    assert not loud(found)
    assert found[0].value == pytest.approx(239, abs=3)
    assert found[0].source == 'demo'


def test_a_bag_and_the_dataset_made_of_it_agree(tmp_path, capsys):
    bag = write_bag(tmp_path / 'take_7', recording(1.5, drop=lambda topic, ms: 'front' in topic))
    contract(camera=False).save(tmp_path / 'c.yaml')
    out = str(tmp_path / 'out')
    arguments = ['--contract', str(tmp_path / 'c.yaml'), '--action-topic', '/commands']
    assert main(['convert', str(bag), '--output', out, *arguments]) == 0
    with open_dataset(Path(out)) as folder:
        assert folder.episode(0).bag == 'take_7'
    assert main(['check', str(bag), out]) == 0
    assert 'out: 1 episode, 0 errors' in capsys.readouterr().out


@pytest.mark.parametrize('damage', ['chunk', 'array', 'ends', 'contract'])
def test_damaged_datasets_are_refused_by_name(tmp_path, capsys, damage):
    path = dataset(tmp_path / 'd', [arrays(30)])
    store = path / 'replay_buffer.zarr'
    if damage == 'chunk':
        chunk = next(p for p in (store / 'data' / 'arm').iterdir() if p.name[0].isdigit())
        chunk.write_bytes(b'rubbish')
    elif damage == 'array':
        (store / 'data' / 'arm').rename(store / 'data' / 'leg')
    elif damage == 'ends':
        (store / 'meta' / 'episode_ends').rename(tmp_path / 'gone')
    else:
        (path / 'contract.yaml').unlink()
    assert main(['check', str(path)]) == 1
    said = capsys.readouterr().err
    assert {
        'chunk': "cannot read 'arm' of",
        'array': "lacks ['arm']; it has ['action', 'front', 'leg']",
        'ends': 'cannot read',
        'contract': 'cannot read contract',
    }[damage] in said


def test_what_is_neither_a_bag_nor_a_dataset(tmp_path):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DatasetError, match='there is no rosbag2 recording in it'):
        tell_apart([tmp_path / 'empty'])
    with pytest.raises(DatasetError, match='holds none of'), open_dataset(tmp_path / 'empty'):
        pass
    for name in ('b', 'a'):
        write_bag(tmp_path / 'takes' / name, recording(0.5))
    bags, datasets = tell_apart([tmp_path / 'takes', PUSHT])
    assert [path.name for path in bags] == ['a', 'b']
    assert datasets == [PUSHT]
    assert Contract.load(PUSHT / 'contract.yaml').name == 'pusht'


def test_what_check_drops_convert_leaves_out(tmp_path, capsys):
    takes = tmp_path / 'takes'
    for k in range(3):
        change = between(CAMERA, 990, 1510, value=2) if k == 1 else lambda topic, k, ms: {}
        write_bag(takes / f'take_{k}', messages(3.0, change, seed=k))
    drop, out = tmp_path / 'drop.yaml', tmp_path / 'out'
    contract().save(tmp_path / 'c.yaml')
    assert main(['check', str(takes), '--drop-list', str(drop)]) == 1
    made = ['--contract', str(tmp_path / 'c.yaml'), '--action-topic', '/commands']
    assert main(['convert', str(takes), '--output', str(out), '--drop', str(drop), *made]) == 0
    with open_dataset(out) as folder:
        assert [origin['bag'] for origin in folder.origins] == ['take_0', 'take_2']
    assert main(['check', str(out), '--strict']) == 0
    said = capsys.readouterr().out
    assert 'the state follows the action after 100 ms' in said


def test_the_height_of_a_command_in_a_plane_is_not_compared(tmp_path):
    rows = 200
    tool, target = motion(np.arange(rows) / 50), motion(np.arange(rows) / 50 + 0.1)
    made = [('/tool_pose', POSE, 20 * k + 2, pose(20 * k, *tool[k])) for k in range(rows)]
    made += [('/tool_target', POSE, 20 * k + 3, pose(20 * k, *target[k])) for k in range(rows)]
    for topic, _, _, message in made:
        message.pose.position.z = 0.015 if topic == '/tool_pose' else 0.0
    bag = write_bag(tmp_path / 'bag', sorted(made, key=lambda entry: entry[2]))
    found = examine([scan_bag(bag)], 'bag')
    assert not loud(found)
    assert {f.check for f in found} == {'action_lag', 'zero_variance'}
