# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from dp_core.config import PolicyConfig
from dp_core.denoise import sample
from dp_core.denoise import sampling_scheduler
from dp_core.denoise import training_scheduler
import pytest
import torch


class Oracle:
    """Predicts the noise exactly, knowing the clean actions; counts its calls."""

    def __init__(self, config: PolicyConfig, clean: torch.Tensor):
        self.alphas = training_scheduler(config).alphas_cumprod
        self.clean = clean
        self.calls: list[int] = []

    def modulation(self, timesteps, condition):
        assert condition.shape == (len(timesteps), 3)
        return timesteps[:, None]  # so that denoise sees the step of each row

    def denoise(self, noisy, films):
        step = int(films[0, 0])
        assert (films == step).all()
        self.calls.append(step)
        alpha = self.alphas[step]
        return (noisy - alpha.sqrt() * self.clean) / (1 - alpha).sqrt()


def run(config, clean, seed=0):
    oracle = Oracle(config, clean)
    generators = [torch.Generator().manual_seed(seed + i) for i in range(len(clean))]
    noise = torch.stack([torch.randn(clean.shape[1:], generator=g) for g in generators])
    condition = torch.zeros(len(clean), 3)
    return sample(oracle, sampling_scheduler(config), condition, noise, generators), oracle


@pytest.mark.parametrize(('sampler', 'steps'), [('ddim', 10), ('ddim', 16), ('ddpm', 100)])
def test_a_perfect_network_recovers_the_clean_actions(sampler, steps):
    clean = torch.rand(2, 8, 2) * 1.6 - 0.8
    config = PolicyConfig(sampler=sampler, inference_steps=steps)
    actions, oracle = run(config, clean)
    torch.testing.assert_close(actions, clean, atol=1e-3, rtol=0)
    assert len(oracle.calls) == steps


def test_ten_ddim_steps_are_the_leading_ones():
    _, oracle = run(PolicyConfig(), torch.zeros(1, 8, 2))
    assert oracle.calls == [90, 80, 70, 60, 50, 40, 30, 20, 10, 0]


def test_predicted_clean_actions_are_clamped():
    wild = torch.full((1, 8, 2), 5.0)
    actions, _ = run(PolicyConfig(), wild)
    torch.testing.assert_close(actions, torch.ones_like(wild))
    free, _ = run(replace(PolicyConfig(), clip_sample=False), wild)
    torch.testing.assert_close(free, wild, atol=1e-2, rtol=0)


def test_the_squared_cosine_schedule_ends_in_noise():
    alphas = training_scheduler(PolicyConfig()).alphas_cumprod
    assert alphas[0] > 0.999
    assert alphas[-1] < 1e-6
    assert (alphas.diff() < 0).all()
