# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from collections import namedtuple
import logging
import os

from dp_core.errors import DatasetError
from dp_core.replay_buffer import load_datasets
from dp_core.replay_buffer import save_dataset
from dp_core.training import pictures
from dp_core.training.dataset import SequenceDataset
from dp_core.training.fingerprint import fingerprint
from dp_core.training.options import TrainConfig
from dp_core.training.pictures import chosen_cache
from dp_core.training.pictures import Cutter
from dp_core.training.pictures import load_for_training
import numpy as np
from policy_samples import sample_buffer
from policy_samples import sample_contract
from policy_samples import sample_dataset
import pytest
import zarr


@pytest.fixture
def folders(tmp_path):
    save_dataset(tmp_path / 'b', sample_contract(images=True), sample_buffer((9, 15), images=True))
    return [sample_dataset(tmp_path / 'a', images=True), tmp_path / 'b']


def test_batches_from_the_disk_are_those_from_memory(folders):
    batches = []
    for cache in ('memory', 'disk', 'disk'):  # unpacked, then found again
        contract, buffer = load_for_training(folders, cache)
        dataset = SequenceDataset(contract, buffer, image_crop=0.75)
        batches.append(dataset.batch(np.arange(len(dataset)), seed=1, step=2))
    for batch in batches[1:]:
        assert batch.images['front'].equal(batches[0].images['front'])
        assert batch.low_dim['tool'].equal(batches[0].low_dim['tool'])
    assert sorted(p.name for p in (folders[0] / 'cache').iterdir()) == ['front.json', 'front.npy']


def test_a_run_is_the_same_wherever_its_pictures_lie(folders, tmp_path):
    """As of a run that was killed, and goes on with less memory free."""
    options = TrainConfig(datasets=tuple(folders), output=tmp_path / 'run', steps=1)
    prints = [fingerprint(options, load_for_training(folders, c)[1]) for c in ('memory', 'disk')]
    assert prints[0] == prints[1]
    other = load_for_training(folders[::-1], 'memory')[1]
    assert fingerprint(options, other) != prints[0]


def test_a_cache_of_another_store_is_made_anew(folders):
    load_for_training(folders[:1], 'disk')
    target = folders[0] / 'cache' / 'front.npy'
    store = folders[0] / 'replay_buffer.zarr'
    target.write_bytes(b'old')
    os.utime(store, ns=(1, store.stat().st_mtime_ns + 1))
    _, buffer = load_for_training(folders[:1], 'disk')
    assert np.array_equal(buffer.data['front'], load_datasets(folders[:1])[1].data['front'])


def test_a_cache_of_pictures_that_were_changed_in_place_is_made_anew(folders):
    """As by whoever exchanges red and blue in the store itself."""
    load_for_training(folders[:1], 'disk')
    array = zarr.open_group(folders[0] / 'replay_buffer.zarr', mode='r+')['data/front']
    array[0] = 255 - array[0]
    _, buffer = load_for_training(folders[:1], 'disk')
    assert np.array_equal(buffer.data['front'], load_datasets(folders[:1])[1].data['front'])


@pytest.mark.parametrize(
    ('free', 'processes', 'expected'),
    [(10**6, 1, 'held in memory'), (10**5, 1, 'memory-mapped from'), (10**5, 1, 'for'),
     (10**6, 20, 'for each of 20 processes')],
)  # fmt: skip
def test_the_size_decides_and_is_told(folders, monkeypatch, caplog, free, processes, expected):
    memory = namedtuple('Memory', 'available')(free)
    monkeypatch.setattr(pictures.psutil, 'virtual_memory', lambda: memory)
    if expected == 'for':
        expected = f'{folders[0]}/cache'
    with caplog.at_level(logging.INFO):
        chosen = chosen_cache(folders[:1], 'auto', processes)  # 55,296 bytes of pictures
    assert expected in caplog.text
    assert (chosen == 'disk') == (free < 2 * 55_296 * processes)
    _, buffer = load_for_training(folders[:1], chosen)
    assert isinstance(buffer.data['front'], np.memmap) == (chosen == 'disk')


def test_a_dataset_without_pictures_makes_no_cache(tmp_path):
    folder = sample_dataset(tmp_path / 'numbers')
    load_for_training([folder], 'disk')
    assert not (folder / 'cache').exists()


def test_a_disk_that_is_full_is_told(folders, monkeypatch):
    def full(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(np.lib.format, 'open_memmap', full)
    with pytest.raises(DatasetError, match=r"unpack 'front' .* No space .* --cache memory"):
        load_for_training(folders[:1], 'disk')
    assert not list((folders[0] / 'cache').iterdir())


def test_cuts_of_several_arrays_worked_out_by_hand():
    frames = np.arange(5 * 3 * 3 * 3, dtype=np.uint8).reshape(5, 3, 3, 3)
    whole, parts = Cutter([frames], (2, 2)), Cutter([frames[:2], frames[2:]], (2, 2))
    numbers = np.array([[0, 1], [3, 4]])
    tops, lefts = np.array([[0], [1]]), np.array([[1], [0]])
    cut = whole.cut(numbers, tops, lefts)
    assert np.array_equal(cut[0, 1], frames[1, 0:2, 1:3])
    assert np.array_equal(cut[1, 0], frames[3, 1:3, 0:2])
    assert np.array_equal(cut, parts.cut(numbers, tops, lefts))
    assert whole.places == (2, 2)
