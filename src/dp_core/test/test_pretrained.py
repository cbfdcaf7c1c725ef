# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
import pickle

from dp_core.errors import CheckpointError
from dp_core.networks.pretrained import fill
from dp_core.networks.pretrained import read_weights
import pytest
from safetensors.torch import save_file
import torch
from torch import nn


class Malicious:
    """A pickle that writes a file when it is opened."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self):
        return Path.touch, (self.victim,)


@pytest.mark.parametrize('wrapped', ['', 'state_dict', 'model'])
def test_tensors_that_torch_saved_are_read(tmp_path, wrapped):
    weights = {'weight': torch.ones(2)}
    torch.save({wrapped: weights, 'epoch': 3} if wrapped else weights, tmp_path / 'w.pth')
    assert read_weights(tmp_path / 'w.pth')['weight'].tolist() == [1.0, 1.0]


def test_safetensors_are_read(tmp_path):
    save_file({'weight': torch.ones(2)}, tmp_path / 'w.safetensors')
    assert list(read_weights(tmp_path / 'w.safetensors')) == ['weight']


@pytest.mark.parametrize('how', ['torch', 'pickle'])
def test_a_malicious_pickle_is_refused_and_does_not_run(tmp_path, how):
    content = {'weight': Malicious(tmp_path / 'victim')}
    if how == 'torch':
        torch.save(content, tmp_path / 'w.pth')
    else:
        (tmp_path / 'w.pth').write_bytes(pickle.dumps(content))
    with pytest.raises(CheckpointError, match=r'w\.pth is not opened, for it is a pickle of more'):
        read_weights(tmp_path / 'w.pth')
    assert not (tmp_path / 'victim').exists()


def test_a_malicious_pickle_called_safetensors_is_refused(tmp_path):
    torch.save({'weight': Malicious(tmp_path / 'victim')}, tmp_path / 'w.safetensors')
    with pytest.raises(CheckpointError, match='cannot read weights from'):
        read_weights(tmp_path / 'w.safetensors')
    assert not (tmp_path / 'victim').exists()


@pytest.mark.parametrize('content', [b'', b'hello', b'\x80\x04'])
@pytest.mark.parametrize('name', ['w.pth', 'w.safetensors'])
def test_a_damaged_file_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=name):
        read_weights(tmp_path / name)


def test_a_truncated_file_is_named(tmp_path):
    torch.save({'weight': torch.ones(1000)}, tmp_path / 'w.pth')
    whole = (tmp_path / 'w.pth').read_bytes()
    (tmp_path / 'w.pth').write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match='cannot read weights from'):
        read_weights(tmp_path / 'w.pth')


@pytest.mark.filterwarnings('ignore:`torch.jit')
def test_a_program_as_openai_publishes_clip_is_not_run_and_told_where_its_weights_are(tmp_path):
    torch.jit.save(torch.jit.script(nn.Linear(1, 1)), tmp_path / 'ViT-B-16.pt')
    with pytest.raises(CheckpointError, match=r'ViT-B-16\.pt is a program .* as safetensors'):
        read_weights(tmp_path / 'ViT-B-16.pt')


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match='no file of weights at .*absent'):
        read_weights(tmp_path / 'absent.pth')


@pytest.mark.parametrize('content', [[torch.ones(1)], {}, {'weight': 3}])
def test_other_things_than_weights_are_refused(tmp_path, content):
    torch.save(content, tmp_path / 'w.pth')
    with pytest.raises(CheckpointError, match='named tensors'):
        read_weights(tmp_path / 'w.pth')


def test_a_refused_file_changes_nothing():
    module = nn.Linear(2, 2)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    for weights in (
        {'weight': torch.ones(2, 2)},
        {'weight': torch.ones(2, 2), 'bias': torch.ones(3)},
        {'weight': torch.ones(2, 2), 'bias': torch.full((2,), float('nan'))},
    ):
        with pytest.raises(CheckpointError, match='bias'):
            fill(module, weights, 'w.pth')
    assert all(torch.equal(module.state_dict()[n], v) for n, v in before.items())


def test_what_is_not_wanted_stays():
    module = nn.Linear(1, 1)
    bias = module.bias.clone()
    fill(module, {'weight': torch.full((1, 1), 7.0)}, 'w.pth', lambda name: name == 'weight')
    assert module.weight.item() == 7.0
    assert torch.equal(module.bias, bias)
