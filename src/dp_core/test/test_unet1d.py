# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.networks.condition_layout import ConditionLayout
from dp_core.networks.film import FILM_NUMBERS
from dp_core.networks.residual1d import ResidualBlock
from dp_core.networks.step_embedding import StepEmbedding
from dp_core.networks.unet1d import Unet1d
import pytest
import torch


def small_unet(**options: object) -> Unet1d:
    torch.manual_seed(0)
    return Unet1d(2, ConditionLayout(2, (3,)), (8, 16, 32), 3, 4, 8, **options)


ALL_OPTIONS = [
    {},
    {'film': 'scale'},
    {'film': 'shift'},
    {'local_horizon': 16},
    {'local_horizon': 16, 'film': 'shift'},
]


def test_output_has_the_shape_of_the_actions():
    noise = small_unet()(torch.randn(5, 16, 2), torch.arange(5), torch.randn(5, 6))
    assert noise.shape == (5, 16, 2)


# Counted once by building `ConditionalUnet1D` of real-stanford/diffusion_policy @5ba07ac6 with the
# same options: Push-T state (20 numbers, To 2) and Push-T image (66 numbers, To 2) of its
# configurations, and a small one (18 numbers, To 2) with each option.
@pytest.mark.parametrize(
    ('down_dims', 'token_dim', 'step_dim', 'options', 'count'),
    [
        ((256, 512, 1024), 20, 256, {}, 65_783_298),
        ((512, 1024, 2048), 66, 128, {}, 251_511_938),
        ((64, 128, 256), 18, 128, {}, 4_545_218),
        ((64, 128, 256), 18, 128, {'film': 'shift'}, 4_249_538),
        ((64, 128, 256), 18, 128, {'local_horizon': 16}, 4_504_898),
    ],
)
def test_the_network_is_as_large_as_that_of_the_paper(
    down_dims, token_dim, step_dim, options, count
):
    with torch.device('meta'):
        unet = Unet1d(2, ConditionLayout(2, (token_dim,)), down_dims, 5, 8, step_dim, **options)
    assert sum(p.numel() for p in unet.parameters()) == count


@pytest.mark.parametrize('options', ALL_OPTIONS)
def test_modulation_before_the_loop_changes_nothing(options):
    unet = small_unet(**options)
    noisy, steps, condition = torch.randn(3, 16, 2), torch.arange(3), torch.randn(3, 6)
    films = unet.modulation(steps, condition)
    assert torch.equal(unet.denoise(noisy, films), unet(noisy, steps, condition))


@pytest.mark.parametrize('options', ALL_OPTIONS)
@pytest.mark.parametrize('which', ['noisy', 'steps', 'condition'])
def test_every_input_matters(which, options):
    unet = small_unet(**options)
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
    assert unet.film.out_features == unet.n_film == sum(block.n_film for block in blocks)
    ends = [0, *(block.numbers.stop for block in blocks)]
    assert [block.numbers.start for block in blocks] == ends[:-1]  # one after another
    assert [b.n_film // 2 for b in blocks] == [8, 16, 32, 8, 16, 32, 32, 32, 16, 8, 16, 8]


def test_film_scales_then_shifts():
    block = ResidualBlock(4, 4, 3, 4)
    film = torch.cat((torch.zeros(1, 4), torch.full((1, 4), 7.0)), dim=-1)
    x = torch.randn(1, 8, 4)
    expected = block.second(torch.full_like(x, 7.0)) + x
    torch.testing.assert_close(block(x, film), expected)


@pytest.mark.parametrize(('film', 'expected'), [('scale', 6.0), ('shift', 5.0)])
def test_film_of_one_number_scales_or_shifts(film, expected):
    block = ResidualBlock(4, 4, 3, 4, film)
    block.first = torch.nn.Identity()
    block.second = torch.nn.Identity()
    assert FILM_NUMBERS[film] == 1
    x = torch.full((1, 8, 4), 2.0)
    assert block(x, torch.full((1, 4), 3.0)).unique().item() == expected + 2.0  # the shortcut


def test_local_conditioning_adds_each_tick_at_its_place():
    """The first sequence added, and the last, change most where the tick lies: at step 0."""
    unet = small_unet(local_horizon=16)
    n_film = unet.film.out_features
    base = unet.modulation(torch.zeros(1), torch.zeros(1, 6))[:, n_film:][0].reshape(2, 16, 8)
    other = torch.tensor([[5.0, 5.0, 5.0, 0.0, 0.0, 0.0]])  # tick 0 alone
    moved = unet.modulation(torch.zeros(1), other)[:, n_film:][0].reshape(2, 16, 8)
    change = (moved - base).abs().mean(dim=2)  # (2, 16)
    assert (change[:, :2].mean(dim=1) > 2 * change[:, 8:].mean(dim=1)).all()


def test_rows_of_a_batch_do_not_mix():
    unet = small_unet()
    noisy, steps, condition = torch.randn(3, 16, 2), torch.arange(3), torch.randn(3, 6)
    whole = unet(noisy, steps, condition)
    torch.testing.assert_close(whole[1:2], unet(noisy[1:2], steps[1:2], condition[1:2]))


@pytest.mark.parametrize('options', ALL_OPTIONS)
def test_gradients_reach_every_parameter(options):
    unet = small_unet(**options)
    unet(torch.randn(2, 16, 2), torch.arange(2), torch.randn(2, 6)).square().sum().backward()
    without = [n for n, p in unet.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_step_embedding_tells_steps_apart():
    embedded = StepEmbedding(8)(torch.arange(100))
    distances = torch.cdist(embedded, embedded) + torch.eye(100)
    assert distances.min() > 1e-3


def test_it_compiles_as_one_graph():
    unet = Unet1d(2, ConditionLayout(2, (3,)), (4, 8), 3, 4, 8, local_horizon=16)
    inputs = torch.randn(2, 16, 2), torch.arange(2), torch.randn(2, 6)
    compiled = torch.compile(unet, backend='eager', fullgraph=True)
    assert torch.equal(compiled(*inputs), unet(*inputs))
