# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import json
from types import SimpleNamespace

from dp_core.checkpoint import save_policy
from dp_core.config import PolicyConfig
from dp_core.denoise import training_scheduler
from dp_core.errors import DatasetError
from dp_core.evaluation.attribution.permuted import attribute
from dp_core.evaluation.attribution.permuted import groups
from dp_core.evaluation.cli import main
from dp_core.normalize import Normalizer
from dp_core.replay_buffer import ReplayBuffer
import numpy as np
from policy_samples import sample_contract
from policy_samples import sample_dataset
from policy_samples import sample_policy
import pytest
import torch

N_EPISODES, LENGTH = 20, 10


def two_streams():
    """The tool stands still and is told to; a second stream, with numbers of its own, is noise."""
    streams = [{'name': name, 'kind': 'vector', 'length': 2} for name in ('tool', 'other')]
    return sample_contract(observations=streams)


def still_buffer(n_episodes: int = N_EPISODES) -> ReplayBuffer:
    rng = np.random.default_rng(0)
    tool = rng.uniform(-1, 1, (n_episodes, 2)).astype(np.float32).repeat(LENGTH, axis=0)
    other = rng.uniform(-1, 1, tool.shape).astype(np.float32)
    ends = LENGTH * np.arange(1, n_episodes + 1)
    data = {'tool': tool, 'other': other, 'action': tool.copy()}
    return ReplayBuffer(data, ends, np.zeros(n_episodes, np.bool_))


class Oracle:
    """Knows that the actions are where the tool stands; ``leak`` mixes the other stream in."""

    def __init__(self, buffer: ReplayBuffer, leak: float = 0.0):
        self.contract = two_streams()
        self.config = PolicyConfig()
        self.normalizer = Normalizer.fit(buffer.data)
        self.alphas = training_scheduler(self.config).alphas_cumprod
        self.leak = leak
        self.device = self.alphas.device
        self.network = SimpleNamespace(encoder=self.encode, denoiser=self.denoise)

    def encode(self, low_dim, images):
        assert not images
        return low_dim['tool'][:, :1] + self.leak * low_dim['other'][:, :1]  # (B, 1, 2)

    def denoise(self, noisy, steps, clean):
        alpha = self.alphas[steps][:, None, None]
        return (noisy - alpha.sqrt() * clean) / (1 - alpha).sqrt()


def rows_of(found):
    return {row.streams: row for row in found.rows}


def test_a_stream_that_is_not_used_changes_nothing():
    buffer = still_buffer()
    found = attribute(Oracle(buffer), buffer, sequences=60, draws=2)
    assert found.loss < 1e-6
    rows = rows_of(found)
    assert rows['other',].increase == 0.0
    assert not rows['other',].matters
    assert rows['tool',].matters
    assert rows['tool',].increase > 0.1
    assert rows['tool', 'other'].loss == rows['tool',].loss


def test_a_stream_that_misleads_is_told_from_one_that_matters():
    """What is mixed in does harm as it is, and as much when it is that of another moment."""
    buffer = still_buffer()
    found = attribute(Oracle(buffer, leak=0.1), buffer, sequences=120, draws=4)
    row = rows_of(found)['other',]
    low, high = row.increase_ci95
    assert low < 0.0 < high
    assert not row.matters


def test_the_same_seed_gives_the_same_report():
    buffer = still_buffer()
    first, again = (attribute(Oracle(buffer), buffer, 40, 2, seed=3) for _ in range(2))
    assert first == again
    assert first != attribute(Oracle(buffer), buffer, 40, 2, seed=4)


def test_the_size_of_a_batch_is_no_matter_for_what_is_swapped():
    buffer = still_buffer()
    whole = attribute(Oracle(buffer), buffer, 40, 2, batch=40)
    parts = attribute(Oracle(buffer), buffer, 40, 2, batch=7)
    assert whole.sequences == parts.sequences == 40
    assert rows_of(parts)['other',].increase == 0.0


def test_kinds_of_streams_are_swapped_together():
    camera = {'kind': 'image', 'size': [24, 24]}
    contract = sample_contract(
        observations=[
            {'name': 'a', 'kind': 'vector', 'length': 2},
            {'name': 'b', 'kind': 'vector', 'length': 2},
            {'name': 'front', 'topic': 'front', **camera},
        ]
    )
    assert groups(contract) == [('a',), ('b',), ('front',), ('a', 'b'), ('a', 'b', 'front')]
    assert groups(sample_contract()) == [('tool',)]


def test_a_real_policy_is_reported_as_file_and_table(tmp_path, capsys):
    sample_dataset(tmp_path / 'data', images=True)
    save_policy(tmp_path / 'policy', sample_policy(images=True))
    words = f'attribution --policy {tmp_path}/policy --dataset {tmp_path}/data --sequences 16'
    assert main([*words.split(), '--draws', '2', '--output', str(tmp_path / 'a.json')]) == 0
    written = json.loads((tmp_path / 'a.json').read_text(encoding='utf-8'))
    assert [row['streams'] for row in written['permuted']] == [
        ['tool'], ['front'], ['tool', 'front'],
    ]  # fmt: skip
    assert written['sequences'] == 16
    assert 0.5 < written['loss'] < 5.0  # a network that has learned nothing
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith('denoising loss')
    assert [line.split()[0] for line in shown[2:]] == ['tool', 'front', 'tool']


def test_data_of_another_contract_are_refused(tmp_path, capsys):
    sample_dataset(tmp_path / 'data', images=True)
    save_policy(tmp_path / 'policy', sample_policy(images=False))
    words = f'attribution --policy {tmp_path}/policy --dataset {tmp_path}/data'
    assert main(words.split()) == 2
    assert 'does not match' in capsys.readouterr().err


def test_counts_must_be_positive(capsys):
    assert main(['attribution', '--policy', 'p', '--dataset', 'd', '--draws', '0']) == 2
    assert '--draws is 0, valid: 1 or more' in capsys.readouterr().err
    assert main(['attribution', '--policy', 'p', '--dataset', 'd', '--sequences', '1']) == 2
    assert '--sequences is 1, valid: 2 or more' in capsys.readouterr().err


def test_one_sequence_cannot_be_swapped():
    buffer = still_buffer(n_episodes=1)
    short = ReplayBuffer(
        {name: values[:8] for name, values in buffer.data.items()},
        np.array([8]),
        np.ones(1, np.bool_),
    )
    oracle = Oracle(buffer)
    oracle.contract = sample_contract(
        observations=oracle.contract.to_dict()['observations'], n_obs_steps=1
    )
    with pytest.raises(DatasetError, match='1 sequences, valid: 2 or more'):
        attribute(oracle, short)
    with pytest.raises(DatasetError, match='1 sequences, valid: 2 or more'):
        attribute(Oracle(buffer), buffer, sequences=1)
    assert torch.is_grad_enabled()
