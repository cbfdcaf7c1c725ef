# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.networks.condition_layout import ConditionLayout
from dp_core.networks.transformer1d import Transformer1d
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies
import pytest
import torch
from torch import nn

LAYOUT = ConditionLayout(2, (2, 1))


def small(**options: object) -> Transformer1d:
    torch.manual_seed(0)
    return Transformer1d(2, 8, LAYOUT, 2, 2, 16, **options).eval()


def inputs(rows: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.randn(rows, 8, 2), torch.arange(rows), torch.randn(rows, LAYOUT.dim)


def test_output_has_the_shape_of_the_actions():
    assert small()(*inputs()).shape == (3, 8, 2)


# Counted once by building `TransformerForDiffusion` of real-stanford/diffusion_policy @5ba07ac6 as
# its configurations do: Push-T state, Push-T image, kitchen; and Push-T with 4 condition layers.
@pytest.mark.parametrize(
    ('action_dim', 'token_dim', 'n_obs_steps', 'n_embed', 'n_condition_layers', 'count'),
    [
        (2, 20, 2, 256, 0, 8_965_122),
        (2, 66, 2, 256, 0, 8_976_898),
        (9, 60, 4, 768, 0, 80_415_753),
        (2, 20, 2, 256, 4, 11_598_594),
    ],
)
def test_the_network_is_as_large_as_that_of_the_paper(
    action_dim, token_dim, n_obs_steps, n_embed, n_condition_layers, count
):
    layout = ConditionLayout(n_obs_steps, (token_dim,))
    with torch.device('meta'):
        made = Transformer1d(action_dim, 16, layout, 8, 4, n_embed, n_condition_layers)
    assert sum(p.numel() for p in made.parameters()) == count


@settings(max_examples=8, deadline=None)
@given(step=strategies.integers(0, 6), size=strategies.floats(-1e3, 1e3))
def test_an_action_depends_on_no_later_one(step, size):
    made = small(n_condition_layers=1)
    noisy, steps, condition = inputs()
    other = noisy.clone()
    other[:, step + 1 :] += size
    before, after = made(noisy, steps, condition), made(other, steps, condition)
    assert torch.equal(before[:, : step + 1], after[:, : step + 1])


def test_without_the_mask_an_action_depends_on_later_ones():
    made = small(causal=False)
    noisy, steps, condition = inputs()
    other = noisy.clone()
    other[:, 7] += 1.0
    assert not torch.allclose(
        made(noisy, steps, condition)[:, 0], made(other, steps, condition)[:, 0]
    )


def test_the_first_action_sees_no_later_observation_but_the_next_ones_do():
    made = small()
    noisy, steps, condition = inputs()
    other = condition.clone()
    other[:, 2:4] += 1.0  # the first part, two numbers per tick, at tick 1
    other[:, 5] += 1.0  # the second part, one number per tick, at tick 1
    before, after = made(noisy, steps, condition), made(noisy, steps, other)
    assert torch.equal(before[:, 0], after[:, 0])
    assert not torch.allclose(before[:, 1], after[:, 1])


@pytest.mark.parametrize('which', ['noisy', 'steps', 'condition'])
def test_every_input_matters(which):
    made = small()
    values = dict(zip(('noisy', 'steps', 'condition'), inputs(), strict=True))
    before = made(*values.values())
    values[which] = values[which] + 1
    assert not torch.allclose(before, made(*values.values()))


@pytest.mark.parametrize('n_condition_layers', [0, 2])
def test_modulation_before_the_loop_changes_nothing(n_condition_layers):
    made = small(n_condition_layers=n_condition_layers)
    noisy, steps, condition = inputs()
    memory = made.modulation(steps, condition)
    assert memory.shape == (3, 3, 16)
    assert torch.equal(made.denoise(noisy, memory), made(noisy, steps, condition))


def test_rows_of_a_batch_do_not_mix():
    made = small()
    noisy, steps, condition = inputs()
    whole = made(noisy, steps, condition)
    torch.testing.assert_close(whole[1:2], made(noisy[1:2], steps[1:2], condition[1:2]))


@pytest.mark.parametrize('n_condition_layers', [0, 1])
@pytest.mark.parametrize('causal', [True, False])
def test_gradients_reach_every_parameter(n_condition_layers, causal):
    made = small(n_condition_layers=n_condition_layers, causal=causal)
    made(*inputs()).square().sum().backward()
    without = [n for n, p in made.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_dropout_acts_in_training_alone():
    made = small(dropout_embed=0.5)
    values = inputs()
    assert torch.equal(made(*values), made(*values))
    made.train()
    assert not torch.allclose(made(*values), made(*values))


def test_matrices_decay_and_nothing_else_does():
    made = small()
    without = set(made.without_decay())
    decaying = {name: p for name, p in made.named_parameters() if name not in without}
    assert all(p.ndim == 2 for p in decaying.values())
    matrices = [m for m in made.modules() if isinstance(m, nn.Linear)]
    assert len(decaying) == len(matrices)
    assert {'action_position', 'memory_position', 'norm.weight', 'norm.bias'} <= without


def test_it_compiles_as_one_graph():
    made = small()
    values = inputs()
    compiled = torch.compile(made, backend='eager', fullgraph=True)
    assert torch.equal(compiled(*values), made(*values))
