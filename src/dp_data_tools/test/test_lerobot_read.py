# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""LeRobot datasets, ours and those of others, as datasets of ours."""

import json
from pathlib import Path
import re
from tempfile import TemporaryDirectory

from bag_samples import contract
from dp_core.contract import Contract
from dp_core.errors import ContractError
from dp_core.replay_buffer import load_dataset
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
from dp_data_tools.cli import main
from dp_data_tools.dataset_folder import open_dataset
from dp_data_tools.lerobot.mapping import numbers_of
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lerobot_samples import change_info
from lerobot_samples import export
from lerobot_samples import lerobot
from lerobot_samples import PUSHT
from lerobot_samples import require_equal
from lerobot_samples import sample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

DATA = 'data/chunk-000/file-000.parquet'
EPISODES = 'meta/episodes/chunk-000/file-000.parquet'
VIDEO = 'videos/observation.images.front/chunk-000/file-000.mp4'
present = pytest.mark.skipif(not PUSHT.is_dir(), reason='the sample is not on this machine')


def change_episodes(folder, change):
    """Change the rows of meta/episodes."""
    rows = pq.read_table(folder / EPISODES).to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows), folder / EPISODES)


@pytest.mark.parametrize('pictures', ['lossless', 'png'])
def test_there_and_back_is_the_same_bit_for_bit(tmp_path, pictures):
    folder = lerobot(tmp_path, '--pictures', pictures)
    assert export(folder, 'zarr', tmp_path / 'again') == 0
    require_equal(tmp_path / 'ours', tmp_path / 'again')


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 20), st.just(2)),
        elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
    )
)
@settings(max_examples=8, deadline=None)
def test_any_finite_number_is_the_same_bit_for_bit(values):
    with TemporaryDirectory() as name:
        place = Path(name)
        data = {'arm': values, 'action': -values}
        buffer = ReplayBuffer(data, np.array([len(values)]), np.zeros(1, np.bool_))
        save_dataset(place / 'ours', contract(False), buffer)
        assert export(lerobot(place), 'zarr', place / 'again') == 0
        require_equal(place / 'ours', place / 'again')


def test_without_images(tmp_path):
    folder = lerobot(tmp_path)
    assert export(folder, 'zarr', tmp_path / 'again', '--without-images', '--zip') == 0
    what, buffer = load_dataset(tmp_path / 'again')
    assert [s.name for s in what.observations] == ['arm']
    assert buffer.data['arm'][:, 0].tolist() == list(range(36))


def test_rows_are_found_again_wherever_one_looks(tmp_path):
    with open_dataset(lerobot(tmp_path, '--pictures', 'lossless')) as dataset:
        ours = load_dataset(tmp_path / 'ours')[1].data
        for first, end in ((30, 36), (3, 5), (0, 36), (11, 13), (20, 22), (5, 5)):
            for name, values in ours.items():
                found = dataset.buffer.data[name][first:end]
                assert np.array_equal(found, values[first:end]), (name, first, end)


@present
def test_the_human_demonstrations_there_and_back(tmp_path, capsys):
    assert export(PUSHT, 'zarr', tmp_path / 'zarr', '--without-images') == 0
    said = capsys.readouterr().out
    assert '206 episodes, 25650 frames of state and action' in said
    assert 'does not name it: observation.image, next.reward, next.done, next.success' in said
    what, buffer = load_dataset(tmp_path / 'zarr')
    table = pq.read_table(PUSHT / DATA)
    columns = {'state': 'observation.state', 'action': 'action'}
    for name, column in columns.items():
        wanted = np.array(table[column].to_pylist(), np.float32)
        assert buffer.data[name].tobytes() == wanted.tobytes()
    ends = pq.read_table(PUSHT / EPISODES)['dataset_to_index'].to_pylist()
    assert buffer.episode_ends.tolist() == ends
    assert what.actions[0].dims == ('motor_0', 'motor_1')
    assert export(tmp_path / 'zarr', 'lerobot', tmp_path / 'again') == 0
    again = pq.read_table(tmp_path / 'again' / DATA)
    for name in ('observation.state', 'action', 'episode_index', 'frame_index', 'index'):
        assert again[name].to_pylist() == table[name].to_pylist()
    rows = pq.read_table(tmp_path / 'again' / EPISODES)
    assert rows['dataset_to_index'].to_pylist() == ends
    assert rows['tasks'].to_pylist() == pq.read_table(PUSHT / EPISODES)['tasks'].to_pylist()
    assert export(tmp_path / 'again', 'zarr', tmp_path / 'zarr_2') == 0
    require_equal(tmp_path / 'zarr', tmp_path / 'zarr_2')


@present
def test_absent_videos_are_told_with_what_to_do(tmp_path, capsys):
    assert export(PUSHT, 'zarr', tmp_path / 'out') == 1
    said = capsys.readouterr().err
    assert 'videos/observation.image/chunk-000/file-000.mp4 is missing' in said
    assert '--without-images' in said
    assert not list(tmp_path.iterdir())


def test_another_order_of_joints_is_put_in_order(tmp_path):
    folder = lerobot(tmp_path, camera=False)
    features = json.loads((folder / 'meta/info.json').read_text())['features']
    features['observation.state']['names'] = {'motors': ['b.pos', 'a.pos']}
    features['action']['names'] = None
    change_info(folder, features=features)
    assert export(folder, 'zarr', tmp_path / 'again') == 0
    data, ours = (load_dataset(tmp_path / name)[1].data for name in ('again', 'ours'))
    assert np.array_equal(data['arm'], ours['arm'][:, ::-1])
    assert np.array_equal(data['action'], ours['action'])  # without names: as they are


def renamed():
    """The contract of the joints a and b, whose numbers it calls first and second."""
    what = contract(camera=False).to_dict()
    what['actions'][0]['dims'] = ['first', 'second']
    return Contract.from_dict(what)


def test_an_action_named_by_its_joints_is_put_in_order(tmp_path):
    folder = lerobot(tmp_path, lengths=(4, 3, 5), camera=False)
    features = json.loads((folder / 'meta/info.json').read_text())['features']
    features['action']['names'] = ['b.pos', 'a.pos']
    change_info(folder, features=features)
    (folder / 'meta/contract.yaml').unlink()
    (tmp_path / 'c.yaml').write_text(yaml.safe_dump(renamed().to_dict()))
    assert export(folder, 'zarr', tmp_path / 'd', '--contract', str(tmp_path / 'c.yaml')) == 0
    data, ours = (load_dataset(tmp_path / name)[1].data for name in ('d', 'ours'))
    assert np.array_equal(data['action'], ours['action'][:, ::-1])


@pytest.mark.parametrize(
    ('key', 'about', 'words'),
    [
        ('action', {'names': ['a', 'other']}, "['a', 'other'], the contract asks for ['first'"),
        ('action', {'names': ['a', 'first']}, "['a', 'first'], the contract asks for ['first'"),
        ('action', {'names': None, 'shape': [3]}, "['0', '1', '2'], the contract asks for ['fi"),
        ('observation.state', {'names': None, 'shape': [1]}, "['0'], the contract asks for ['a'"),
    ],
)
def test_numbers_that_are_not_those_of_the_contract_are_refused(key, about, words):
    vector = {'dtype': 'float32', 'shape': [2], 'names': None}
    features = {'observation.state': vector, 'action': vector}
    assert numbers_of(renamed(), features) == {
        'arm': ('observation.state', [0, 1]),
        'action': ('action', [0, 1]),
    }
    features[key] = {**vector, **about}
    with pytest.raises(ContractError, match=re.escape(f'{key!r} holds {words}')):
        numbers_of(renamed(), features)


def test_numbers_without_names_are_not_found_by_their_places():
    """The contract calls the numbers of a vector 0 and 1; a third one may be anything."""
    what = contract(False, observations=[{'name': 'state', 'kind': 'vector', 'length': 2}])
    vector = {'dtype': 'float32', 'shape': [2], 'names': None}
    features = {'observation.state': vector, 'action': vector}
    assert numbers_of(what, features)['state'] == ('observation.state', [0, 1])
    features['observation.state'] = {**vector, 'shape': [3]}
    with pytest.raises(ContractError, match=r"holds \['0', '1', '2'\], the contract asks for"):
        numbers_of(what, features)


def test_names_may_come_with_their_places(tmp_path):
    folder = lerobot(tmp_path, camera=False)
    features = json.loads((folder / 'meta/info.json').read_text())['features']
    features['observation.state']['names'] = {'a': 1, 'b': 0}
    features['action']['names'] = {'x': 'a', 'y': ['b']}
    change_info(folder, features=features)
    assert export(folder, 'zarr', tmp_path / 'again') == 0
    data, ours = (load_dataset(tmp_path / name)[1].data for name in ('again', 'ours'))
    assert np.array_equal(data['arm'], ours['arm'][:, ::-1])
    assert np.array_equal(data['action'], ours['action'])


def test_a_contract_chooses_its_streams(tmp_path):
    folder = lerobot(tmp_path, lengths=(4, 3, 5))
    (folder / 'meta/contract.yaml').unlink()
    what = contract().to_dict()
    what['observations'][0]['joints'] = ['b']
    what['observations'][1]['size'] = [16, 12]
    (tmp_path / 'c.yaml').write_text(yaml.safe_dump(what))
    assert export(folder, 'zarr', tmp_path / 'd', '--contract', str(tmp_path / 'c.yaml')) == 0
    data, ours = (load_dataset(tmp_path / name)[1].data for name in ('d', 'ours'))
    assert np.array_equal(data['arm'][:, 0], ours['arm'][:, 1])
    assert data['front'].shape == (12, 16, 12, 3)


def test_joints_of_others_in_degrees_are_refused(tmp_path, capsys):
    folder = lerobot(tmp_path)  # up to 35
    (folder / 'meta/contract.yaml').unlink()
    contract().save(tmp_path / 'c.yaml')
    assert export(folder, 'zarr', tmp_path / 'd', '--contract', str(tmp_path / 'c.yaml')) == 1
    assert 'reaches 35.0, which is no angle in rad' in capsys.readouterr().err
    assert not (tmp_path / 'd').exists()


def test_a_dataset_without_contract_is_taken_as_it_is(tmp_path):
    folder = lerobot(tmp_path, '--pictures', 'lossless')
    (folder / 'meta/contract.yaml').unlink()
    assert export(folder, 'zarr', tmp_path / 'd') == 0
    what, buffer = load_dataset(tmp_path / 'd')
    assert [(s.name, s.kind) for s in what.observations] == [
        ('state', 'vector'),
        ('front', 'image'),
    ]
    assert what.actions[0].dims == ('a', 'b')
    assert what.tasks == ('sample',)
    assert np.array_equal(buffer.data['front'], load_dataset(tmp_path / 'ours')[1].data['front'])


def test_an_action_that_is_no_list_of_numbers_is_refused(tmp_path, capsys):
    folder = lerobot(tmp_path)
    features = json.loads((folder / 'meta/info.json').read_text())['features']
    features['action']['dtype'] = 'int64'
    change_info(folder, features=features)
    assert export(folder, 'zarr', tmp_path / 'd') == 1
    assert "'action' is int64 of shape [2], valid: a list of numbers" in capsys.readouterr().err


@pytest.mark.parametrize(
    'change, words',
    [
        ({'dt_s': 0.05}, 'dt_s is 0.05 s, but '),
        (
            {'joints': ['a', 'c']},
            "'observation.state' holds ['a', 'b'], the contract asks for ['a",
        ),
        ({'camera': 'rear'}, "no camera for 'rear'; it has ['observation.images.front']"),
    ],
)
def test_a_contract_that_does_not_fit_is_refused(tmp_path, capsys, change, words):
    folder = lerobot(tmp_path)
    what = contract().to_dict()
    what['dt_s'] = change.get('dt_s', 0.1)
    what['observations'][0]['joints'] = change.get('joints', ['a', 'b'])
    what['observations'][1]['name'] = change.get('camera', 'front')
    (tmp_path / 'c.yaml').write_text(yaml.safe_dump(what))
    assert export(folder, 'zarr', tmp_path / 'd', '--contract', str(tmp_path / 'c.yaml')) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / 'd').exists()


def test_a_contract_of_our_own_dataset_cannot_be_exchanged(tmp_path, capsys):
    ours = sample(tmp_path / 'ours')
    assert export(ours, 'lerobot', tmp_path / 'd', '--without-images') == 1
    assert 'is a dataset of ours' in capsys.readouterr().err


def cut(path, keep=0.6):
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])


def lengthen(rows):
    rows[1]['length'], rows[1]['dataset_to_index'] = 10, 22


def shift(rows):
    for row, (begin, end) in zip(rows, ((0, 11), (11, 21), (21, 36))):
        row['dataset_from_index'], row['dataset_to_index'] = begin, end
        row['length'] = end - begin


def shorten(rows):
    del rows[2]


DAMAGE = {
    'version': (
        lambda f: change_info(f, codebase_version='v2.1'),
        'is a LeRobot dataset of version v2.1, valid: v3.0; LeRobot makes one of it',
    ),
    'no json': (lambda f: (f / 'meta/info.json').write_text('{'), 'cannot read'),
    'fps': (lambda f: change_info(f, fps=0), 'fps is 0, valid: a positive number'),
    'path': (lambda f: change_info(f, data_path='{oh}'), "has path '{oh}', valid: one like"),
    'no action': (lambda f: change_info(f, features={}), "has no feature 'action'; it has []"),
    'no shape': (
        lambda f: change_info(f, features={'action': {'dtype': 'float32'}}),
        "feature 'action' is {'dtype': 'float32'}, it lacks dtype or shape",
    ),
    'origins': (lambda f: (f / 'meta/episodes.yaml').write_text('['), 'cannot read'),
    'contract': (lambda f: (f / 'meta/contract.yaml').write_text('['), 'is not valid YAML'),
    'cut rows': (lambda f: cut(f / DATA), 'cannot read'),
    'no rows': (lambda f: (f / DATA).unlink(), 'cannot read'),
    'cut video': (lambda f: cut(f / VIDEO), 'file-000.mp4'),
    'no video': (lambda f: (f / VIDEO).unlink(), 'is missing, and with it the pictures'),
    'no episodes': (lambda f: (f / EPISODES).unlink(), 'has no parquet files'),
    'cut episodes': (lambda f: cut(f / EPISODES), 'cannot read'),
    'length': (
        lambda f: change_episodes(f, lengthen),
        'episode 2 of length 15 is rows 21 to 36; episode 2 must begin at row 22',
    ),
    'border': (
        lambda f: change_episodes(f, shift),
        'row 11 is of episode 0; by its length in meta/episodes it is of episode 1',
    ),
    'total': (
        lambda f: change_episodes(f, shorten),
        'says 3 episodes of 36 frames, meta/episodes has 2 of 21',
    ),
}


@pytest.mark.parametrize('damage', DAMAGE)
def test_damage_is_told_and_nothing_is_left(tmp_path, capsys, damage):
    folder = lerobot(tmp_path)
    change, words = DAMAGE[damage]
    change(folder)
    capsys.readouterr()
    assert export(folder, 'zarr', tmp_path / 'd') == 1
    assert words in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ['lero', 'ours']


def test_a_video_that_ends_early_is_told(tmp_path, capsys):
    folder = lerobot(tmp_path)

    def late(rows):
        rows[2]['videos/observation.images.front/from_timestamp'] = 2.4

    change_episodes(folder, late)
    assert export(folder, 'zarr', tmp_path / 'd') == 1
    assert 'has no frame at 3.6 s: it ends before' in capsys.readouterr().err


def test_check_stats_and_view_take_lerobot_datasets(tmp_path, capsys):
    folder = lerobot(tmp_path, '--pictures', 'lossless')
    capsys.readouterr()
    assert main(['stats', str(folder)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert main(['stats', str(tmp_path / 'ours')]) == 0
    ours = json.loads(capsys.readouterr().out)
    for key in ('rows', 'rows_per_episode', 'numbers', 'pictures', 'contract'):
        assert figures[key] == ours[key]
    findings = []
    for path in (folder, tmp_path / 'ours'):
        main(['check', str(path), '--json', str(tmp_path / 'found.json')])
        text = (tmp_path / 'found.json').read_text().replace(str(path), 'PATH')
        findings.append(json.loads(text))
    assert findings[0] == findings[1]
    picture = tmp_path / 'episode.png'
    assert main(['view', str(folder), '--episode', '2', '--output', str(picture)]) == 0
    assert picture.read_bytes()[1:4] == b'PNG'
