# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.training.draws import draw_noise
from dp_core.training.loss import DenoisingLoss
from policy_samples import sample_policy
import torch


def test_noise_is_a_function_of_seed_and_step():
    shape = torch.Size((64, 8, 2))
    noise, steps = draw_noise(shape, 100, seed=1, step=5)
    again, steps_again = draw_noise(shape, 100, seed=1, step=5)
    assert noise.equal(again)
    assert steps.equal(steps_again)
    assert not noise.equal(draw_noise(shape, 100, seed=1, step=6)[0])
    assert not noise.equal(draw_noise(shape, 100, seed=2, step=5)[0])
    assert 0 <= steps.min() <= steps.max() <= 99
    assert abs(noise.mean()) < 0.1
    assert abs(noise.std() - 1) < 0.1


def test_loss_is_the_mean_square_of_what_the_network_misses():
    network = sample_policy().network
    for parameter in network.denoiser.project.parameters():
        parameter.data.zero_()  # predicts no noise at all
    noise = torch.full((3, 8, 2), 2.0)
    tool = {'tool': torch.zeros(3, 2, 2)}
    loss = DenoisingLoss(network)(tool, {}, noise, torch.zeros(3), noise)
    assert loss.item() == 4.0
