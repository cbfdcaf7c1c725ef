# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.config import PolicyConfig
from dp_core.denoise import training_scheduler
from dp_core.evaluation.claims.lqr import draw
from dp_core.evaluation.claims.lqr import regress
from dp_core.evaluation.claims.lqr import through_our_loop
from dp_core.evaluation.claims.lqr_denoiser import GaussianDenoiser
from dp_core.evaluation.claims.lqr_system import carts
from dp_core.evaluation.claims.lqr_system import cost
from dp_core.evaluation.claims.lqr_system import demonstrate
import numpy as np
import pytest
import torch


@pytest.mark.parametrize(('sampler', 'steps'), [('ddim', 10), ('ddim', 100), ('ddpm', 100)])
def test_our_loop_turns_the_optimal_denoiser_into_the_feedback(sampler, steps):
    figures = through_our_loop(PolicyConfig(sampler=sampler, inference_steps=steps))
    assert figures['one_step_error_n'] < 1e-5  # of forces up to 6 N
    assert figures['all_steps_error_n'] < 1e-5
    assert figures['mean_error_with_disturbances'] < 0.05


def test_clipping_to_the_range_of_the_data_does_not_act():
    config = PolicyConfig()
    states = torch.eye(4)
    clipped, mean = draw(carts(0.0), 16, config, states)
    free, _ = draw(carts(0.0), 16, PolicyConfig(clip_sample=False), states)
    torch.testing.assert_close(clipped, free, atol=1e-5, rtol=0)
    torch.testing.assert_close(clipped, mean, atol=1e-5, rtol=0)


def test_the_denoiser_of_certain_actions_is_the_papers():
    # x_k = sqrt(c) a + sqrt(1 - c) eps, so eps = (x_k - sqrt(c) a) / sqrt(1 - c)
    config = PolicyConfig()
    kept = training_scheduler(config).alphas_cumprod[37]
    denoiser = GaussianDenoiser(lambda s: -2.0 * s[:, None], np.zeros((1, 1)), config)
    noise, state = torch.tensor([[[0.7]]]), torch.tensor([[0.4]])
    noisy = kept.sqrt() * -0.8 + (1 - kept).sqrt() * noise
    films = denoiser.modulation(torch.tensor([37]), state)
    torch.testing.assert_close(denoiser.denoise(noisy, films), noise)


def test_no_linear_correction_of_the_denoiser_lowers_the_loss():
    # What the best guess leaves over is uncorrelated with what it has seen.
    config, n = PolicyConfig(), 200_000
    spread = np.array([[0.09, 0.03], [0.03, 0.04]])
    denoiser = GaussianDenoiser(lambda s: s.new_full((len(s), 2, 1), 0.3), spread, config)
    rng = np.random.default_rng(0)
    clean = torch.from_numpy(rng.multivariate_normal([0.3, 0.3], spread, n)).float()
    noise = torch.from_numpy(rng.standard_normal((n, 2))).float()
    steps = torch.full((n,), 40)
    noisy = training_scheduler(config).add_noise(clean, noise, steps)
    films = denoiser.modulation(steps, torch.zeros(n, 1))
    left = noise - denoiser.denoise(noisy[:, :, None], films)[:, :, 0]
    assert left.mean(dim=0).abs().max() < 0.005
    assert (left.T @ noisy / n).abs().max() < 0.005


def test_the_demonstrator_is_optimal_and_what_follows_is_its_closed_loop():
    system = carts(noise=0.0)
    gains = system.gains(5)
    np.testing.assert_allclose(gains[0], -system.K)
    states, actions = system.roll_out(lambda s, _: -s @ system.K.T, 5, 3, seed=0)
    np.testing.assert_allclose(np.linalg.norm(states[:, 0], axis=1), 2.0)
    np.testing.assert_allclose(actions, np.einsum('tus,es->etu', gains, states[:, 0]))

    def total(gain):
        return cost(*system.roll_out(lambda s, _: -s @ gain.T, 400, 20, seed=1)).mean()

    for scale in (0.98, 1.02):
        assert total(scale * system.K) > total(system.K)


def test_the_spread_is_that_of_demonstrated_actions():
    system = carts(noise=0.05)
    state = np.tile([[1.0, 0.0, -1.0, 0.5]], (20_000, 1))
    rng = np.random.default_rng(0)
    actions = []
    for _ in range(4):
        actions.append(-state @ system.K.T)
        state = state @ system.F.T + 0.05 * rng.standard_normal(state.shape)
    measured = np.cov(np.concatenate(actions, axis=1).T)
    np.testing.assert_allclose(measured, system.spread(4), atol=4e-4)


def test_gains_are_found_by_regression_beside_a_constant():
    gains = np.arange(24.0).reshape(3, 2, 4)
    states = np.random.default_rng(0).standard_normal((30, 4))
    actions = np.einsum('tus,bs->btu', gains, states) + 5.0
    np.testing.assert_allclose(regress(states, actions), gains, atol=1e-9)


def test_demonstrations_are_cut_not_ended():
    buffer = demonstrate(carts(0.05), steps=24, episodes=3, seed=0)
    assert buffer.episode_ends.tolist() == [24, 48, 72]
    assert buffer.no_end_pad.all()
    K = carts(0.05).K
    np.testing.assert_allclose(buffer.data['action'], -buffer.data['state'] @ K.T, atol=1e-5)
