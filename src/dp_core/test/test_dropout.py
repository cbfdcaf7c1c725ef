# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.training.dropout import draw_row_keys
from dp_core.training.dropout import mixed
from dp_core.training.dropout import RowDropout
import pytest
import torch
from torch import nn


def net(p=0.25):
    return nn.Sequential(nn.Dropout(p), nn.Sequential(nn.Identity(), nn.Dropout(p)))


def test_the_hash_is_splitmix64():
    # State 0 after one increment by the golden ratio: the generator's first published number.
    golden = torch.tensor(-7046029254386353131)
    assert mixed(golden).item() % 2**64 == 0xE220A8397B1DCDAF


def test_masks_belong_to_rows_whoever_computes_them():
    network = net()
    dropout, keys = RowDropout(network), draw_row_keys(6, seed=1, step=2)
    values = torch.randn(6, 5, 7)
    dropout.draw_from(keys)
    whole = network(values)
    for rows in (slice(0, 2), slice(2, 6)):
        dropout.draw_from(keys[rows])
        assert network(values[rows]).equal(whole[rows])


def test_frames_flattened_into_the_batch_keep_their_masks():
    layer = nn.Sequential(nn.Dropout(0.5))
    RowDropout(layer).draw_from(draw_row_keys(4, 0, 0))
    values = torch.ones(4, 3, 8)
    assert layer(values.flatten(0, 1)).equal(layer(values).flatten(0, 1))


def test_an_observation_that_rows_share_is_dropped_by_the_first_ones_key():
    layer = nn.Sequential(nn.Dropout(0.5))
    dropout, keys, values = RowDropout(layer), draw_row_keys(6, 0, 0), torch.ones(2, 8)
    dropout.draw_from(keys)
    shared = layer(values)
    dropout.draw_from(keys[::3])
    assert layer(values).equal(shared)


@pytest.mark.parametrize('p', [0.1, 0.5])
def test_the_asked_share_is_dropped_and_the_mean_stays(p):
    layer = nn.Sequential(nn.Dropout(p))
    RowDropout(layer).draw_from(draw_row_keys(64, 3, 4))
    dropped = layer(torch.ones(64, 1000))
    assert (dropped == 0).float().mean() == pytest.approx(p, abs=0.01)
    assert dropped.mean() == pytest.approx(1.0, abs=0.02)
    shares = (dropped == 0).float().mean(dim=1)
    assert shares.std() == pytest.approx((p * (1 - p) / 1000) ** 0.5, rel=0.35)  # as by chance


@pytest.mark.slow
def test_compiled_layers_drop_the_same():
    """The compiler once made all blocks of 16 places of a row alike, in every other layer."""
    layers = nn.ModuleList([nn.Dropout(0.5) for _ in range(4)])
    RowDropout(layers).draw_from(draw_row_keys(2, 0, 0))

    def drop(values):
        return torch.stack([layer(values) for layer in layers])

    values = torch.ones(2, 3, 40)
    assert torch.compile(drop, dynamic=False)(values).equal(drop(values))


def test_layers_rows_steps_and_seeds_are_dropped_differently():
    network = nn.ModuleList([nn.Dropout(0.5), nn.Dropout(0.5)])
    dropout, ones = RowDropout(network), torch.ones(2, 64)
    masks = []
    for seed, step in ((0, 0), (0, 1), (1, 0)):
        dropout.draw_from(draw_row_keys(2, seed, step))
        masks += [row for layer in network for row in layer(ones)]
    assert len({tuple(mask.tolist()) for mask in masks}) == 12


def test_no_layers_mask_is_anothers_shifted():
    network = nn.ModuleList([nn.Dropout(0.5) for _ in range(12)])
    RowDropout(network).draw_from(draw_row_keys(1, 0, 0))
    signs = [layer(torch.ones(1, 1024))[0] - 1.0 for layer in network]  # 1 where kept, else -1
    for k, first in enumerate(signs):
        for second in signs[k + 1 :]:
            alike = [float(first[16:1008] @ second[16 + s : 1008 + s]) for s in range(-16, 17)]
            assert max(map(abs, alike)) < 0.25 * 992  # eight deviations of chance


def test_nothing_is_dropped_in_evaluation():
    network = net().eval()
    RowDropout(network).draw_from(draw_row_keys(2, 0, 0))
    values = torch.randn(2, 3)
    assert network(values).equal(values)
