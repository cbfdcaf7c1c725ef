# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from dp_core.errors import ContractError
from dp_core.errors import DatasetError
from dp_core.replay_buffer import load_commands
from dp_core.replay_buffer import load_dataset
from dp_core.replay_buffer import load_datasets
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
import numpy as np
from policy_samples import sample_buffer
from policy_samples import sample_contract
import pytest
import zarr

PUSHT = Path(__file__).parents[1] / 'data' / 'pusht_human'


@pytest.mark.parametrize('zipped', [False, True])
def test_round_trip(tmp_path, zipped):
    buffer = sample_buffer(images=True)
    save_dataset(tmp_path / 'd', sample_contract(images=True), buffer, zipped)
    contract, again = load_dataset(tmp_path / 'd')
    assert contract == sample_contract(images=True)
    for name, array in buffer.data.items():
        np.testing.assert_array_equal(again.data[name], array)
        assert again.data[name].dtype == array.dtype
    assert again.episode_ends.tolist() == [20, 32]
    assert len(again) == 32


def test_layout_is_the_one_of_diffusion_policy(tmp_path):
    save_dataset(tmp_path / 'd', sample_contract(), sample_buffer())
    root = zarr.open(tmp_path / 'd' / 'replay_buffer.zarr', mode='r')
    assert root.metadata.zarr_format == 2
    assert sorted(root['data'].array_keys()) == ['action', 'tool']
    assert root['meta/episode_ends'].dtype == np.int64


def test_frames_that_are_all_zero_are_stored_as_others_are(tmp_path):
    buffer = sample_buffer(images=True)
    black = {name: np.zeros_like(array) for name, array in buffer.data.items()}
    none = ReplayBuffer(black, buffer.episode_ends, buffer.no_end_pad)
    save_dataset(tmp_path / 'd', sample_contract(images=True), none)
    assert (tmp_path / 'd' / 'replay_buffer.zarr' / 'data' / 'front' / '0.0.0.0').exists()
    assert not load_dataset(tmp_path / 'd')[1].data['front'].any()


def test_store_without_cut_marks_is_read(tmp_path):
    save_dataset(tmp_path / 'd', sample_contract(), sample_buffer())
    del zarr.open(tmp_path / 'd' / 'replay_buffer.zarr', mode='r+')['meta/no_end_pad']
    assert load_dataset(tmp_path / 'd')[1].no_end_pad.tolist() == [False, False]


def test_existing_dataset_is_never_overwritten(tmp_path):
    save_dataset(tmp_path / 'd', sample_contract(), sample_buffer())
    with pytest.raises(DatasetError, match='exists already'):
        save_dataset(tmp_path / 'd', sample_contract(), sample_buffer())
    assert [p.name for p in tmp_path.iterdir()] == ['d']


def test_what_lies_beside_a_dataset_is_nobodys_to_delete(tmp_path):
    (tmp_path / 'd.partial').mkdir()
    (tmp_path / 'd.partial' / 'notes.txt').write_text('mine')
    save_dataset(tmp_path / 'd', sample_contract(), sample_buffer())
    assert sorted(path.name for path in tmp_path.iterdir()) == ['d', 'd.partial']
    assert (tmp_path / 'd.partial' / 'notes.txt').read_text() == 'mine'
    assert (tmp_path / 'd').stat().st_mode == (tmp_path / 'd.partial').stat().st_mode


class Unreadable:
    """Frames that cannot be read, such as those of a disk that is gone."""

    def __init__(self, array):
        self.shape, self.dtype = array.shape, array.dtype

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        raise OSError('the disk is gone')


def test_a_dataset_that_cannot_be_written_leaves_nothing(tmp_path):
    buffer = sample_buffer()
    buffer.data['action'] = Unreadable(buffer.data['action'])
    with pytest.raises(OSError, match='the disk is gone'):
        save_dataset(tmp_path / 'd', sample_contract(), buffer)
    assert not list(tmp_path.iterdir())


def test_the_commands_of_one_episode_are_read_without_the_pictures(tmp_path):
    buffer = sample_buffer(images=True)
    save_dataset(tmp_path / 'd', sample_contract(images=True), buffer)
    del zarr.open(tmp_path / 'd' / 'replay_buffer.zarr', mode='r+')['data/front']
    contract, actions = load_commands(tmp_path / 'd', 1)
    assert contract == sample_contract(images=True)
    np.testing.assert_array_equal(actions, buffer.data['action'][20:32])
    assert load_commands(tmp_path / 'd', 0)[1].shape == (20, 2)
    for wrong in (2, -1):
        with pytest.raises(DatasetError, match=f'no episode {wrong} in .*, valid: 0 to 1'):
            load_commands(tmp_path / 'd', wrong)
    sample_contract(actions=[{'name': 'f', 'kind': 'vector', 'dims': ['f']}]).save(
        tmp_path / 'd' / 'contract.yaml'
    )
    with pytest.raises(DatasetError, match=r"\(2,\), the contract 'sample' says \(1,\)"):
        load_commands(tmp_path / 'd', 0)


def test_missing_dataset_is_named(tmp_path):
    with pytest.raises(DatasetError, match='no dataset folder at .*absent'):
        load_dataset(tmp_path / 'absent')
    with pytest.raises(ContractError, match=r'contract\.yaml'):
        load_dataset(tmp_path)
    sample_contract().save(tmp_path / 'contract.yaml')
    with pytest.raises(DatasetError, match=r'replay_buffer\.zarr'):
        load_dataset(tmp_path)


def test_damaged_zip_is_named(tmp_path):
    save_dataset(tmp_path / 'd', sample_contract(), sample_buffer(), zipped=True)
    store = tmp_path / 'd' / 'replay_buffer.zarr.zip'
    store.write_bytes(store.read_bytes()[:500])
    with pytest.raises(DatasetError, match=r'cannot read .*replay_buffer\.zarr\.zip'):
        load_dataset(tmp_path / 'd')


def test_contract_mismatch_names_the_stream():
    buffer = sample_buffer()
    with pytest.raises(DatasetError, match="lacks 'front'; it has"):
        buffer.require_contract(sample_contract(images=True))
    narrow = ReplayBuffer(
        {**buffer.data, 'tool': buffer.data['tool'][:, :1]}, buffer.episode_ends, buffer.no_end_pad
    )
    with pytest.raises(DatasetError, match=r"'tool' have shape \(1,\).*says \(2,\)"):
        narrow.require_contract(sample_contract())


def test_datasets_of_one_contract_are_read_as_one(tmp_path):
    for name in ('a', 'b'):
        save_dataset(tmp_path / name, sample_contract(), sample_buffer((9, 4)))
    _, both = load_datasets([tmp_path / 'a', tmp_path / 'b'])
    assert both.episode_ends.tolist() == [9, 13, 22, 26]
    np.testing.assert_array_equal(both.data['tool'][13:], both.data['tool'][:13])
    save_dataset(tmp_path / 'c', sample_contract(dt_s=0.2), sample_buffer())
    with pytest.raises(ContractError, match=r'dt_s is 0\.1, there it is 0\.2'):
        load_datasets([tmp_path / 'a', tmp_path / 'c'])


def test_unequal_lengths_are_refused():
    with pytest.raises(DatasetError, match='tool has 3 frames, episode_ends say 4'):
        ReplayBuffer({'tool': np.zeros((3, 2))}, np.array([4]), np.zeros(1, bool))
    with pytest.raises(DatasetError, match='must rise'):
        ReplayBuffer({}, np.array([4, 4]), np.zeros(2, bool))


def test_shipped_human_demonstrations():
    contract, buffer = load_dataset(PUSHT)
    assert contract.name == 'pusht'
    assert len(buffer) == 25_650
    assert len(buffer.episode_ends) == 206
    assert buffer.data['action'].min() == 12.0
    assert buffer.data['action'].max() == 511.0
    np.testing.assert_array_equal(buffer.data['agent_pos'][0], [222.0, 97.0])


@pytest.mark.parametrize(
    ('name', 'dtype', 'valid'),
    [
        ('front', np.float32, 'float32, valid: uint8'),
        ('front', np.uint16, 'uint16, valid: uint8'),
        ('tool', np.complex64, 'complex64, valid: real numbers'),
        ('tool', np.bool_, 'bool, valid: real numbers'),
        ('action', object, 'object, valid: real numbers'),
    ],
)
def test_types_that_are_no_pictures_or_numbers_are_refused(name, dtype, valid):
    buffer = sample_buffer(images=True)
    buffer.data[name] = buffer.data[name].astype(dtype)
    with pytest.raises(DatasetError, match=f'frames of {name!r} have type {valid}'):
        buffer.require_contract(sample_contract(images=True))


@pytest.mark.parametrize('dtype', [np.float16, np.float64, np.int32, np.uint8])
def test_any_real_numbers_will_do(dtype):
    buffer = sample_buffer()
    buffer.data['tool'] = buffer.data['tool'].astype(dtype)
    buffer.require_contract(sample_contract())
