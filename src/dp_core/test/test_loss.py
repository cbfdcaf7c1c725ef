# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.training.draws import draw
from dp_core.training.draws import draw_noise
from dp_core.training.loss import DenoisingLoss
from policy_samples import sample_contract
from policy_samples import sample_policy
import pytest
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


def test_guesses_that_share_an_observation_are_as_good_as_those_that_do_not():
    loss = DenoisingLoss(sample_policy(images=True).network)
    tool, front = torch.rand(2, 2, 2), torch.randint(256, (2, 2, 24, 24, 3), dtype=torch.uint8)
    draws = draw(2, sample_contract(), 100, seed=1, step=5, each=3)
    rest = draws.noise * 0.5, draws.timesteps, draws.noise  # R = 6
    shared = loss({'tool': tool}, {'front': front}, *rest)
    alone = [x.repeat_interleave(3, dim=0) for x in (tool, front)]
    assert shared.item() == pytest.approx(
        loss({'tool': alone[0]}, {'front': alone[1]}, *rest).item()
    )


def test_the_draws_of_a_sequence_follow_each_other():
    draws = draw(4, sample_contract(), 100, seed=1, step=5, each=3)
    assert draws.noise.shape == (12, 8, 2)
    some = draws.of(slice(1, 3))
    assert some.noise.equal(draws.noise[3:9])
    assert some.timesteps.equal(draws.timesteps[3:9])
    assert some.row_keys.equal(draws.row_keys[3:9])
    assert len(set(draws.row_keys.tolist())) == 12
