# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""On another device everything is computed there, and from one seed comes the same."""

from dataclasses import replace
import importlib

from dp_core.checkpoint import load_policy
from dp_core.checkpoint import save_policy
from dp_core.continuation import KnownActions
from dp_core.device import device_of
from dp_core.device import is_lost
from dp_core.errors import ConfigError
from dp_core.evaluation.attribution.permuted import attribute
from dp_core.evaluation.claims.modes_regression import RegressionPolicy
from dp_core.policy import PolicyNetwork
from dp_core.training import learner as learning
from dp_core.training.compute import has_bf16
from dp_core.training.dataset import SequenceDataset
from dp_core.training.draws import draw
from dp_core.training.learner import Learner
from dp_core.training.options import TrainConfig
import numpy as np
from policy_samples import sample_buffer
from policy_samples import sample_contract
from policy_samples import sample_policy
from policy_samples import sample_window
from policy_samples import SMALL
from policy_samples import TRANSFORMER
from pretended_device import ELSEWHERE
from pretended_device import Elsewhere
from pretended_device import PretendedDevice
import pytest
import torch

CPU = torch.device('cpu')
LOCAL = replace(SMALL, conditioning='local', image_encoder='dilated', share_image_encoder=True)


def test_the_pretended_device_refuses_what_a_gpu_refuses():
    with PretendedDevice():
        there = torch.ones(2, device=ELSEWHERE)
        assert isinstance(there, Elsewhere)
        assert isinstance(there * torch.tensor(3.0), Elsewhere)  # a number may come from the CPU
        assert (there * torch.tensor(3.0)).cpu().tolist() == [3.0, 3.0]
        for mixed in (torch.add, torch.dot, lambda a, b: torch.cat((a, b))):
            with pytest.raises(RuntimeError, match='of the CPU in between'):
                mixed(there, torch.ones(2))


@pytest.mark.parametrize('config', [SMALL, LOCAL, TRANSFORMER])
@pytest.mark.parametrize(('sampler', 'steps'), [('ddim', 10), ('ddpm', 4)])
def test_another_device_predicts_the_same_from_one_seed(config, sampler, steps):
    windows = [sample_window(True, 1.0), sample_window(True, 9.0)]
    weights = np.linspace(1.0, 0.0, 8)[:, None].repeat(2, axis=1)
    known = KnownActions(np.full((8, 2), 1.0), weights, skip=0.3)

    def predicted(policy):
        single = policy.predict(windows[0], 3)
        return single, *(policy.predict_batch(windows, [3, 4], k) for k in (None, known))

    policy = sample_policy(True, config).with_sampler(sampler, steps)
    here = predicted(policy)
    with PretendedDevice():
        assert policy.to(ELSEWHERE) is policy
        assert policy.device == ELSEWHERE
        there = predicted(policy)  # features that were remembered here are of no use there
        again = predicted(policy.to(CPU))
    for a, b, c in zip(here, there, again, strict=True):
        assert np.array_equal(a, b)
        assert np.array_equal(a, c)


def test_training_on_another_device_learns_and_tries_its_policy_there(monkeypatch):
    contract, window = sample_contract(images=True), sample_window(images=True)
    data = SequenceDataset(contract, sample_buffer(images=True))
    options = TrainConfig(
        ('data',), 'run', steps=2, batch_size=4, clip_norm=1.0, compile=False, bf16=False
    )
    # PyTorch has neither a fused optimiser nor autocast for a device of this name.
    adam = importlib.import_module('torch.optim.adam')
    monkeypatch.setattr(adam, '_device_dtype_check_for_fused', lambda *_: None)
    monkeypatch.setattr(learning, 'precision', lambda *_: torch.enable_grad())

    def learned(device):
        monkeypatch.setattr(learning, 'device_of', lambda *_: device)
        torch.manual_seed(0)
        learner = Learner(PolicyNetwork(contract, LOCAL), LOCAL, options)
        losses = []
        for step in range(2):
            draws = draw(4, contract, learner.timesteps, 0, step, each=2)
            losses.append(float(learner.accumulate(data.batch(np.arange(4)), draws).cpu()))
            learner.update(step, 1e-3)
        learner.restore(learner.state())
        policy = learner.policy(contract, LOCAL, data.normalizer)
        assert policy.device == device
        return [*losses, *policy.predict(window, 0).flat]

    here = learned(CPU)
    with PretendedDevice():
        assert learned(ELSEWHERE) == pytest.approx(here, abs=1e-5)


def test_a_policy_is_examined_where_it_is():
    policy, buffer = sample_policy(images=True), sample_buffer(images=True)
    here = attribute(policy, buffer, sequences=8, draws=2)
    mean = RegressionPolicy(policy.contract, SMALL, policy.normalizer, policy.network)
    wanted = mean.predict(sample_window(images=True))
    with PretendedDevice():
        assert attribute(policy.to(ELSEWHERE), buffer, sequences=8, draws=2) == here
        assert np.array_equal(mean.predict(sample_window(images=True)), wanted)


def test_a_checkpoint_is_the_same_from_wherever_it_is_written(tmp_path):
    policy = sample_policy()
    save_policy(tmp_path / 'here', policy)
    with PretendedDevice():
        save_policy(tmp_path / 'there', policy.to(ELSEWHERE))
    here, there = ((tmp_path / d / 'weights.safetensors').read_bytes() for d in ('here', 'there'))
    assert here == there


def test_a_device_that_is_not_there_is_told_before_anything_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ConfigError, match=r"'gpu', valid: \('cpu', 'cuda'\)"):
        load_policy(tmp_path / 'nowhere', device='gpu')
    with pytest.raises(ConfigError, match="'cuda' .* sees 0; valid here: cpu"):
        load_policy(tmp_path / 'nowhere', device='cuda')


@pytest.mark.parametrize(
    ('answer', 'lost'),
    [('', False), ('CUDA error: out of memory', False), ('CUDA error: illegal address', True)],
)
def test_a_gpu_is_lost_when_it_still_fails_after_an_error(monkeypatch, answer, lost):
    def synchronize(device):
        if answer:
            raise RuntimeError(answer)

    monkeypatch.setattr(torch.cuda, 'synchronize', synchronize)
    assert is_lost(torch.device('cuda', 0)) is lost
    assert is_lost(CPU) is False


def test_bfloat16_that_is_only_emulated_does_not_count(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda **how: asked.append(how))
    assert has_bf16('cuda') is False
    assert asked == [{'including_emulation': False}]


def test_a_gpu_may_round_the_factors_of_matrix_products(monkeypatch):
    done = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(torch.cuda, 'set_device', done.append)
    monkeypatch.setattr(torch.backends.cudnn, 'deterministic', False)
    monkeypatch.setattr(torch, 'set_float32_matmul_precision', done.append)
    assert device_of('cuda', 1) == torch.device('cuda', 1)
    assert done == [1, 'high']
    assert device_of('cpu') == CPU
    assert done == [1, 'high']
