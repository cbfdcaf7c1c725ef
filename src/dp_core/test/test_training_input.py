# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What people feed a run by mistake: it ends with one clear line, or is told and borne."""

import os
import pickle

from dp_core.checkpoint import load_policy
from dp_core.checkpoint import save_policy
from dp_core.checkpoint import STATISTICS_FILE
from dp_core.checkpoint import WEIGHTS_FILE
from dp_core.errors import CheckpointError
from dp_core.replay_buffer import save_dataset
from dp_core.training.cli import main
import numpy as np
from policy_samples import sample_buffer
from policy_samples import sample_contract
from policy_samples import sample_dataset
from policy_samples import sample_policy
import pytest
import torch


def run(tmp_path, capsys, *datasets, more=()):
    """Train two steps; return exit code and the last line said."""
    small = ['--no-compile', '--precision', 'fp32', '--down-dims', '8', '16', '--batch-size', '2']
    names = [str(folder) for folder in datasets]
    output = ['--output', str(tmp_path / 'run'), '--steps', '2']
    code = main(['--dataset', *names, *output, *small, *more])
    said = capsys.readouterr()
    return code, (said.err.strip() or said.out.strip()).splitlines()[-1]


def dataset(folder, change=None, lengths=(20, 12), images=False, **contract):
    buffer = sample_buffer(lengths, images=images)
    if change:
        change(buffer.data)
    save_dataset(folder, sample_contract(images, **contract), buffer)
    return folder


def test_datasets_of_two_contracts_are_refused(tmp_path, capsys):
    one, other = dataset(tmp_path / 'a'), dataset(tmp_path / 'b', dt_s=0.2)
    code, said = run(tmp_path, capsys, one, other)
    assert code == 2
    assert 'dt_s' in said
    assert f'{tmp_path}/b' in said


def test_weights_of_another_contract_are_refused(tmp_path, capsys):
    save_policy(tmp_path / 'policy', sample_policy())
    other = dataset(tmp_path / 'a', dt_s=0.2)
    code, said = run(tmp_path, capsys, other, more=['--init-from', str(tmp_path / 'policy')])
    assert code == 2
    assert 'dt_s is' in said


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_numbers_that_are_none_are_counted_and_found(tmp_path, capsys, value):
    bad = dataset(tmp_path / 'a', lambda data: data['action'].__setitem__((7, 1), value))
    code, said = run(tmp_path, capsys, bad)
    assert code == 2
    assert 'action: 1 of 32 frames contain NaN or infinity, the first is frame 7' in said


def test_a_constant_dimension_is_told_and_borne(tmp_path, capsys, caplog):
    still = dataset(tmp_path / 'a', lambda data: data['tool'].__setitem__((slice(None), 1), 7.0))
    assert run(tmp_path, capsys, still)[0] == 0
    assert 'tool: dimensions [1] are constant' in caplog.text


def test_a_single_episode_is_enough(tmp_path, capsys):
    assert run(tmp_path, capsys, dataset(tmp_path / 'a', lengths=(9,)))[0] == 0
    load_policy(tmp_path / 'run')


def test_an_episode_shorter_than_the_horizon_is_named(tmp_path, capsys):
    code, said = run(tmp_path, capsys, dataset(tmp_path / 'a', lengths=(20, 7)))
    assert code == 2
    assert 'episode 1 has 7 frames, but the horizon is 8' in said


def test_pictures_of_another_size_are_refused(tmp_path, capsys):
    folder = dataset(tmp_path / 'a', images=True)
    camera = {'name': 'front', 'kind': 'image', 'topic': 'front', 'size': [48, 48]}
    numbers = {'name': 'tool', 'kind': 'vector', 'length': 2}
    sample_contract(observations=[numbers, camera]).save(folder / 'contract.yaml')
    code, said = run(tmp_path, capsys, folder)
    assert code == 2
    assert "frames of 'front' have shape (24, 24, 3)" in said


def test_a_checkpoint_of_the_wrong_kind_is_called_what_it_is(tmp_path):
    with pytest.raises(CheckpointError, match=r'is a dataset \(contract.yaml\), no checkpoint'):
        load_policy(sample_dataset(tmp_path / 'data'))
    other = tmp_path / 'other'
    other.mkdir()
    (other / 'model.safetensors').touch()
    with pytest.raises(CheckpointError, match="another library's policy.*valid: a folder with"):
        load_policy(other)
    torch.save({}, tmp_path / 'latest.ckpt')
    with pytest.raises(CheckpointError, match=r'latest\.ckpt is a file, which is never opened'):
        load_policy(tmp_path / 'latest.ckpt')


class Malicious:
    """A pickle that would make a folder when it is loaded."""

    def __init__(self, proof):
        self.proof = proof

    def __reduce__(self):
        return os.mkdir, (str(self.proof),)


@pytest.mark.parametrize('name', [WEIGHTS_FILE, STATISTICS_FILE])
@pytest.mark.parametrize('save', [torch.save, lambda what, to: to.write_bytes(pickle.dumps(what))])
def test_a_program_offered_as_weights_is_not_run(tmp_path, name, save):
    proof = tmp_path / 'was_run'
    save_policy(tmp_path / 'policy', sample_policy())
    save(Malicious(proof), tmp_path / 'policy' / name)
    with pytest.raises(CheckpointError, match=f'{name} is a pickle .* never opened'):
        load_policy(tmp_path / 'policy')
    assert not proof.exists()


def test_missing_statistics_are_named(tmp_path):
    save_policy(tmp_path / 'policy', sample_policy())
    from safetensors.torch import load_file
    from safetensors.torch import save_file

    path = tmp_path / 'policy' / STATISTICS_FILE
    kept = {n: v for n, v in load_file(path).items() if not n.startswith('action')}
    save_file(kept, path)
    with pytest.raises(CheckpointError, match=r"no statistics for 'action'; there are \['tool'\]"):
        load_policy(tmp_path / 'policy')


def test_a_device_that_is_absent_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    code, said = run(tmp_path, capsys, dataset(tmp_path / 'a'), more=['--device', 'cuda'])
    assert code == 2
    assert "device is 'cuda' and this process needs GPU 0, but PyTorch" in said
    assert not (tmp_path / 'run').exists()
