# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from dp_core.errors import DatasetError
from dp_core.replay_buffer import load_dataset
from dp_core.replay_buffer import ReplayBuffer
from dp_core.training.dataset import EpochOrder
from dp_core.training.dataset import sequence_frames
from dp_core.training.dataset import SequenceDataset
import numpy as np
from policy_samples import sample_buffer
from policy_samples import sample_contract
import pytest

PUSHT = Path(__file__).parents[1] / 'data' / 'pusht_human'


def cut_buffer(lengths, cuts) -> ReplayBuffer:
    buffer = sample_buffer(lengths)
    return ReplayBuffer(buffer.data, buffer.episode_ends, np.array(cuts))


def test_sequences_repeat_first_and_last_frame():
    frames = sequence_frames(sample_buffer((8,)), sample_contract())  # To 2, Tp 8, Ta 4
    assert frames.tolist() == [
        [0, 0, 1, 2, 3, 4, 5, 6],
        [0, 1, 2, 3, 4, 5, 6, 7],
        [1, 2, 3, 4, 5, 6, 7, 7],
        [2, 3, 4, 5, 6, 7, 7, 7],
        [3, 4, 5, 6, 7, 7, 7, 7],
    ]


def test_a_cut_segment_gets_no_end_padding():
    frames = sequence_frames(cut_buffer((8, 8), [True, False]), sample_contract())
    assert frames[:2].tolist() == [[0, 0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6, 7]]
    assert len(frames) == 2 + 5
    assert frames[2].tolist() == [8, 8, 9, 10, 11, 12, 13, 14]


def test_short_episode_is_refused_and_short_segment_dropped():
    with pytest.raises(DatasetError, match='episode 1 has 7 frames, but the horizon is 8'):
        sequence_frames(sample_buffer((9, 7)), sample_contract())
    frames = sequence_frames(cut_buffer((8, 3), [False, True]), sample_contract())
    assert len(frames) == 5
    with pytest.raises(DatasetError, match='no segment'):
        sequence_frames(cut_buffer((3,), [True]), sample_contract())


def test_human_demonstrations_give_the_published_number_of_sequences():
    contract, buffer = load_dataset(PUSHT)
    assert len(sequence_frames(buffer, contract)) == 24_208


def test_batch_is_normalised_and_aligned():
    buffer = sample_buffer((20,))
    dataset = SequenceDataset(sample_contract(), buffer)
    batch = dataset.batch(np.array([5]))
    frames = sequence_frames(buffer, sample_contract())[5]
    seen = dataset.normalizer['tool'].unnormalize(batch.low_dim['tool'][0].numpy())
    np.testing.assert_allclose(seen, buffer.data['tool'][frames[:2]], atol=1e-6)
    told = dataset.normalizer['action'].unnormalize(batch.actions[0].numpy())
    np.testing.assert_allclose(told, buffer.data['action'][frames], atol=1e-6)
    assert batch.actions.abs().max() <= 1.0


def test_images_are_cropped_at_a_repeatable_place():
    dataset = SequenceDataset(sample_contract(images=True), sample_buffer(images=True), 0.75)
    rows = np.arange(4)
    images = dataset.batch(rows, seed=1, step=2).images['front']
    assert images.shape == (4, 2, 18, 18, 3)
    assert images.equal(dataset.batch(rows, seed=1, step=2).images['front'])
    assert not images.equal(dataset.batch(rows, seed=1, step=3).images['front'])


def test_a_cut_is_the_same_part_of_both_frames_of_a_window():
    contract, buffer = sample_contract(images=True), sample_buffer((20,), images=True)
    stored = buffer.data['front']  # (20, 24, 24, 3)
    stored[...] = np.arange(20)[:, None, None, None]
    stored[..., 0] = np.arange(24)[:, None]
    stored[..., 1] = np.arange(24)
    rows = np.array([7, 0, 7])
    images = SequenceDataset(contract, buffer, 0.75).batch(rows, 1, 2).images['front'].numpy()
    drawn = np.random.default_rng([1, 2]).integers(7, size=(2, 3))  # tops, lefts
    frames = sequence_frames(buffer, contract)[rows, :2]
    assert (images[:, :, 0, 0, 0] == drawn[0][:, None]).all()
    assert (images[:, :, 0, 0, 1] == drawn[1][:, None]).all()
    assert (images[..., 2] == frames[:, :, None, None]).all()
    assert (np.diff(images[..., 0].astype(int), axis=2) == 1).all()


def test_constant_dimension_is_announced(caplog):
    buffer = sample_buffer((20,))
    buffer.data['tool'][:, 1] = 7.0
    dataset = SequenceDataset(sample_contract(), buffer)
    assert 'tool: dimensions [1] are constant' in caplog.text
    assert not dataset.batch(np.arange(3)).low_dim['tool'][..., 1].any()


def test_order_visits_everything_once_per_epoch_and_is_a_function_of_the_step():
    order = EpochOrder(10, 3, seed=7)
    first = np.concatenate([order(step) for step in range(3)])
    assert len(set(first.tolist())) == 9
    assert EpochOrder(10, 3, seed=7)(2).tolist() == first[6:].tolist()
    assert order(3).tolist() != order(0).tolist()
    assert EpochOrder(10, 3, seed=8)(0).tolist() != first[:3].tolist()


def test_order_fills_a_batch_from_a_small_set():
    assert sorted(EpochOrder(2, 5, seed=0)(4).tolist()) in ([0, 0, 0, 1, 1], [0, 0, 1, 1, 1])


def scaled(buffer, name, scale):
    """Return a buffer with one stream farther from its middle."""
    middle = (buffer.data[name].min(axis=0) + buffer.data[name].max(axis=0)) / 2
    far = (middle + scale * (buffer.data[name] - middle)).astype(np.float32)
    return ReplayBuffer({**buffer.data, name: far}, buffer.episode_ends, buffer.no_end_pad)


def test_what_lies_beyond_given_limits_is_told_by_name_and_amount(caplog):
    contract, buffer = sample_contract(), sample_buffer()
    given = SequenceDataset(contract, buffer).normalizer
    SequenceDataset(contract, scaled(buffer, 'tool', 1.0005), 1.0, given)
    assert not caplog.text
    SequenceDataset(contract, scaled(buffer, 'tool', 3.0), 1.0, given)
    assert 'tool: beyond the limits' in caplog.text and '{0: 3.0, 1: 3.0}' in caplog.text
    caplog.clear()
    SequenceDataset(contract, scaled(buffer, 'action', 1.02), 1.0, given)
    assert '{0: 1.02, 1: 1.02}; the policy stops at them' in caplog.text


def test_actions_far_beyond_given_limits_are_refused():
    contract, buffer = sample_contract(), sample_buffer()
    given = SequenceDataset(contract, buffer).normalizer
    with pytest.raises(DatasetError, match=r'action: .*\{0: 1.6, 1: 1.6\}, valid: up to 1.5; '):
        SequenceDataset(contract, scaled(buffer, 'action', 1.6), 1.0, given)


def test_numbers_that_are_none_are_refused_with_given_limits_too():
    contract, buffer = sample_contract(), sample_buffer()
    given = SequenceDataset(contract, buffer).normalizer
    buffer.data['action'][5] = np.nan
    with pytest.raises(DatasetError, match='action: 1 of 32 frames contain NaN'):
        SequenceDataset(contract, buffer, 1.0, given)
