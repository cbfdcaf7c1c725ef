# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.networks.conv1d import Conv
from dp_core.networks.conv1d import GroupNorm
from dp_core.networks.conv1d import Upsample
import pytest
import torch
from torch import nn


@pytest.mark.parametrize(('kernel_size', 'stride'), [(1, 1), (3, 1), (5, 1), (3, 2)])
def test_convolution_equals_conv1d(kernel_size, stride):
    ours = Conv(6, 8, kernel_size, stride)
    theirs = nn.Conv1d(6, 8, kernel_size, stride, padding=kernel_size // 2)
    theirs.weight.data = ours.weight.data.permute(0, 2, 1)
    theirs.bias.data = ours.bias.data
    x = torch.randn(3, 16, 6)
    torch.testing.assert_close(ours(x), theirs(x.mT).mT)


def test_convolution_with_hand_checked_numbers():
    conv = Conv(1, 1, 3)
    conv.weight.data = torch.tensor([[[1.0], [10.0], [100.0]]])
    conv.bias.data.zero_()
    x = torch.tensor([[[1.0], [2.0], [3.0]]])
    assert conv(x).flatten().tolist() == [210.0, 321.0, 32.0]


def test_upsample_equals_transposed_convolution():
    ours = Upsample(6)
    theirs = nn.ConvTranspose1d(6, 6, 4, stride=2, padding=1)
    taps = [ours.odd[:, 1], ours.even[:, 1], ours.odd[:, 0], ours.even[:, 0]]
    theirs.weight.data = torch.stack([tap.T for tap in taps], dim=-1)
    theirs.bias.data = ours.bias.data
    x = torch.randn(3, 4, 6)
    torch.testing.assert_close(ours(x), theirs(x.mT).mT)


def test_group_norm_equals_the_channels_first_one():
    ours, theirs = GroupNorm(2, 6), nn.GroupNorm(2, 6)
    for norm in (ours, theirs):
        norm.weight.data = torch.arange(6.0)
        norm.bias.data = torch.arange(6.0) - 3
    x = torch.randn(3, 16, 6)
    torch.testing.assert_close(ours(x), theirs(x.mT).mT)


def test_weights_are_drawn_in_the_range_of_conv1d():
    weight = Conv(64, 64, 5).weight
    bound = 1 / (64 * 5) ** 0.5
    assert 0.99 * bound < weight.abs().max() <= bound
