# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from dp_core.config import PolicyConfig
from dp_core.denoise import Known
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


class Stubborn(Oracle):
    """Sees zeros everywhere, and keeps what it was shown."""

    def __init__(self, config: PolicyConfig, like: torch.Tensor):
        super().__init__(config, torch.zeros_like(like))
        self.shown: list[torch.Tensor] = []

    def denoise(self, noisy, films):
        self.shown.append(noisy)
        return super().denoise(noisy, films)


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


SAMPLERS = [('ddim', 10), ('ddim', 16), ('ddpm', 100), ('ddpm', 20)]


def with_known(config, known, seed=0, batch=2):
    """Sample a network that sees zeros, with something known."""
    network = Stubborn(config, torch.zeros(batch, 8, 2))
    generators = [torch.Generator().manual_seed(seed + i) for i in range(batch)]
    noise = torch.stack([torch.randn(8, 2, generator=g) for g in generators])
    actions = sample(
        network, sampling_scheduler(config), torch.zeros(batch, 3), noise, generators, known
    )
    return actions, network, noise


@pytest.mark.parametrize(('sampler', 'steps'), SAMPLERS)
def test_with_all_of_it_known_the_sample_is_what_is_known(sampler, steps):
    x0 = torch.rand(2, 8, 2) * 1.6 - 0.8
    config = PolicyConfig(sampler=sampler, inference_steps=steps)
    actions, _, _ = with_known(config, Known(x0, torch.ones(8, 2)))
    assert torch.equal(actions, x0)


@pytest.mark.parametrize(('sampler', 'steps'), SAMPLERS)
def test_with_nothing_known_the_sample_is_bit_for_bit_the_same(sampler, steps):
    config = PolicyConfig(sampler=sampler, inference_steps=steps)
    plain, _, _ = with_known(config, None)
    free, _, _ = with_known(config, Known(torch.ones(1, 8, 2), torch.zeros(8, 2)))
    assert torch.equal(plain, free)


@pytest.mark.parametrize(('sampler', 'steps'), SAMPLERS)
def test_the_network_sees_what_is_certain_with_the_noise_of_each_step(sampler, steps):
    config = PolicyConfig(sampler=sampler, inference_steps=steps)
    x0, weights = torch.full((1, 8, 2), 0.5), torch.zeros(8, 2)
    weights[:3] = 1.0
    actions, network, noise = with_known(config, Known(x0, weights))
    for step, shown in zip(network.calls, network.shown, strict=True):
        alpha = network.alphas[step]
        expected = alpha.sqrt() * 0.5 + (1 - alpha).sqrt() * noise[:, :3]
        torch.testing.assert_close(shown[:, :3], expected, atol=1e-6, rtol=0)
    assert (actions[:, :3] == 0.5).all()
    torch.testing.assert_close(actions[:, 3:], torch.zeros(2, 5, 2), atol=1e-3, rtol=0)


@pytest.mark.parametrize(('sampler', 'steps'), [('ddim', 10), ('ddpm', 100)])
def test_a_weight_draws_by_its_share(sampler, steps):
    """The network insists on 0; of the known 0.8 remains what the weight says at the last step."""
    config = PolicyConfig(sampler=sampler, inference_steps=steps)
    weights = torch.linspace(0.0, 1.0, 8)[:, None].repeat(1, 2)
    actions, _, _ = with_known(config, Known(torch.full((1, 8, 2), 0.8), weights))
    torch.testing.assert_close(actions, (0.8 * weights).expand(2, 8, 2), atol=1e-3, rtol=0)


@pytest.mark.parametrize(('sampler', 'steps'), SAMPLERS)
def test_a_warm_start_leaves_out_steps_and_begins_at_the_level_of_the_next(sampler, steps):
    config = PolicyConfig(sampler=sampler, inference_steps=steps)
    x0 = torch.rand(1, 8, 2) * 1.6 - 0.8
    _, network, noise = with_known(config, Known(x0, torch.zeros(8, 2), skipped=steps // 2))
    timesteps = sampling_scheduler(config).timesteps.tolist()
    assert network.calls == timesteps[steps // 2 :]
    alpha = network.alphas[network.calls[0]]
    torch.testing.assert_close(network.shown[0], alpha.sqrt() * x0 + (1 - alpha).sqrt() * noise)
