# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.networks.attention import Attention
from dp_core.networks.attention import Layer
from dp_core.networks.attention import may_look_back
import pytest
import torch
from torch import nn

N_EMBED, N_HEADS = 16, 2


def copy_attention(ours: Attention, theirs: nn.MultiheadAttention) -> None:
    theirs.in_proj_weight.data = torch.cat((ours.query.weight, ours.key_value.weight)).detach()
    theirs.in_proj_bias.data = torch.cat((ours.query.bias, ours.key_value.bias)).detach()
    theirs.out_proj.load_state_dict(ours.out.state_dict())


@pytest.mark.parametrize('n_source', [4, 70])  # many tokens take another way in training
def test_attention_equals_that_of_torch(n_source):
    torch.manual_seed(0)
    ours = Attention(N_EMBED, N_HEADS, 0.0)
    theirs = nn.MultiheadAttention(N_EMBED, N_HEADS, batch_first=True)
    copy_attention(ours, theirs)
    x, source = torch.randn(3, 5, 16), torch.randn(3, n_source, 16)
    mask = may_look_back(5, n_source)
    expected, _ = theirs(x, source, source, attn_mask=~mask)  # true where it must not look there
    torch.testing.assert_close(ours(x, source, mask), expected)


@pytest.mark.parametrize('has_memory', [True, False])
def test_a_layer_equals_that_of_torch(has_memory):
    torch.manual_seed(0)
    ours = Layer(N_EMBED, N_HEADS, 0.0, has_memory)
    kind = nn.TransformerDecoderLayer if has_memory else nn.TransformerEncoderLayer
    theirs = kind(
        N_EMBED, N_HEADS, 4 * N_EMBED, 0.0, 'gelu', batch_first=True, norm_first=True
    )  # fmt: skip
    copy_attention(ours.attend_self, theirs.self_attn)
    theirs.linear1.load_state_dict(ours.mlp[0].state_dict())
    theirs.linear2.load_state_dict(ours.mlp[3].state_dict())
    x, memory, mask = torch.randn(3, 5, 16), torch.randn(3, 4, 16), may_look_back(5, 5)
    if has_memory:
        copy_attention(ours.attend_memory, theirs.multihead_attn)
        expected = theirs(x, memory, tgt_mask=~mask)
    else:
        expected = theirs(x, src_mask=~mask)
    torch.testing.assert_close(ours(x, mask, memory if has_memory else None), expected)


def test_attention_in_training_is_the_same_but_for_what_is_dropped():
    """The masks are a module's, so that training may draw them row by row."""
    torch.manual_seed(0)
    ours = Attention(N_EMBED, N_HEADS, dropout=0.5)
    x, source, mask = torch.randn(3, 5, 16), torch.randn(3, 4, 16), may_look_back(5, 4)
    expected = ours.eval()(x, source, mask)
    ours.train()
    assert not torch.allclose(ours(x, source, mask), expected)
    ours.drop.register_forward_hook(lambda _, given, __: given[0])  # nothing is dropped
    torch.testing.assert_close(ours(x, source, mask), expected)


def test_who_may_look_where():
    assert may_look_back(3, 3).int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    # A step token that all may see, then two ticks: action 0 sees tick 0, the others both.
    assert may_look_back(3, 3, ahead=1).int().tolist() == [[1, 1, 0], [1, 1, 1], [1, 1, 1]]
