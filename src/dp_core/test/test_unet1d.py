# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.networks.unet1d import ResidualBlock
from dp_core.networks.unet1d import StepEmbedding
from dp_core.networks.unet1d import Unet1d
import pytest
import torch


def small_unet() -> Unet1d:
    torch.manual_seed(0)
    return Unet1d(2, 6, (8, 16, 32), kernel_size=3, n_groups=4, step_embedding_dim=8)


def test_output_has_the_shape_of_the_actions():
    noise = small_unet()(torch.randn(5, 16, 2), torch.arange(5), torch.randn(5, 6))
    assert noise.shape == (5, 16, 2)


def test_full_size_has_the_number_of_parameters_of_the_paper_recipe():
    unet = Unet1d(2, 36, (64, 128, 256), 5, 8, 128)
    assert sum(p.numel() for p in unet.parameters()) == 4_545_218


def test_modulation_before_the_loop_changes_nothing():
    unet = small_unet()
    noisy, steps, condition = torch.randn(3, 16, 2), torch.arange(3), torch.randn(3, 6)
    films = unet.modulation(steps, condition)
    assert torch.equal(unet.denoise(noisy, films), unet(noisy, steps, condition))


@pytest.mark.parametrize('which', ['noisy', 'steps', 'condition'])
def test_every_input_matters(which):
    unet = small_unet()
    inputs = {
        'noisy': torch.randn(1, 16, 2),
        'steps': torch.tensor([3]),
        'condition': torch.randn(1, 6),
    }
    before = unet(*inputs.values())
    inputs[which] = inputs[which] + 1
    assert not torch.allclose(before, unet(*inputs.values()))


def test_each_block_gets_its_own_film_numbers():
    unet = small_unet()
    blocks = [m for m in unet.modules() if isinstance(m, ResidualBlock)]
    assert unet.film.out_features == sum(2 * block.n_out for block in blocks)
    assert [b.n_out for b in blocks] == [8, 16, 32, 8, 16, 32, 32, 32, 16, 8, 16, 8]


def test_film_scales_then_shifts():
    block = ResidualBlock(4, 4, 3, 4)
    film = torch.cat((torch.zeros(1, 4), torch.full((1, 4), 7.0)), dim=-1)
    x = torch.randn(1, 8, 4)
    expected = block.second(torch.full_like(x, 7.0)) + x
    torch.testing.assert_close(block(x, film), expected)


def test_rows_of_a_batch_do_not_mix():
    unet = small_unet()
    noisy, steps, condition = torch.randn(3, 16, 2), torch.arange(3), torch.randn(3, 6)
    whole = unet(noisy, steps, condition)
    torch.testing.assert_close(whole[1:2], unet(noisy[1:2], steps[1:2], condition[1:2]))


def test_gradients_reach_every_parameter():
    unet = small_unet()
    unet(torch.randn(2, 16, 2), torch.arange(2), torch.randn(2, 6)).square().sum().backward()
    without = [n for n, p in unet.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_step_embedding_tells_steps_apart():
    embedded = StepEmbedding(8)(torch.arange(100))
    distances = torch.cdist(embedded, embedded) + torch.eye(100)
    assert distances.min() > 1e-3
