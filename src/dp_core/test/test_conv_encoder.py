# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.networks.conv_encoder import ConvEncoder
from dp_core.networks.dilated_encoder import DilatedEncoder
from dp_core.networks.spatial_softmax import SpatialSoftmax
from dp_core.networks.state_encoder import encode_state
import pytest
import torch
from torch import nn


def test_spatial_softmax_finds_a_bright_pixel():
    x = torch.zeros(1, 1, 5, 9)
    x[0, 0, 4, 2] = 100.0  # last row of five: y = 1; third column of nine: x = -0.5
    torch.testing.assert_close(SpatialSoftmax()(x), torch.tensor([[-0.5, 1.0]]))


def test_spatial_softmax_of_nothing_is_the_centre():
    torch.testing.assert_close(SpatialSoftmax()(torch.zeros(1, 2, 4, 4)), torch.zeros(1, 4))


@pytest.mark.parametrize('kind', [ConvEncoder, DilatedEncoder])
def test_encoder_sees_where_something_is(kind):
    torch.manual_seed(0)
    encoder = kind((8, 8, 8), 4, 8)
    images = -torch.ones(2, 3, 24, 24)
    images[0, :, 2:6, 2:6] = 1.0
    images[1, :, 16:20, 16:20] = 1.0
    features = encoder(images)
    assert features.shape == (2, 8)
    assert (features[0] - features[1]).abs().max() > 1e-3


@pytest.mark.parametrize('kind', [ConvEncoder, DilatedEncoder])
def test_gradients_reach_every_parameter(kind):
    torch.manual_seed(0)
    encoder = kind((8, 8, 8, 8), 4, 8)
    encoder(torch.randn(4, 3, 32, 32)).square().sum().backward()
    without = [n for n, p in encoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert set(without) <= {'keypoints.bias'}  # a softmax forgets what is added everywhere


@pytest.mark.parametrize(('kind', 'seen'), [(ConvEncoder, 33), (DilatedEncoder, 145)])
def test_how_much_of_the_image_a_place_of_the_last_map_sees(kind, seen):
    """Pixels that the logits of the middle depend on, in a row through it."""
    torch.manual_seed(0)
    encoder = kind((8, 8, 8, 8), 4, 8)
    for module in encoder.modules():  # statistics would let every place depend on all pixels
        for name, child in module.named_children():
            if isinstance(child, nn.GroupNorm):
                setattr(module, name, nn.Identity())
    logits = []
    encoder.keypoints.register_forward_hook(lambda _, __, out: logits.append(out))
    images = torch.randn(1, 3, 256, 256, requires_grad=True)
    encoder(images)
    logits[0][0, :, 16, 16].sum().backward()
    assert images.grad.abs().sum(dim=(0, 1, 2)).count_nonzero() == seen


def test_state_encoder_lines_up_ticks_oldest_first():
    a, b = torch.tensor([[[1.0], [2.0]]]), torch.tensor([[[10.0, 11.0], [20.0, 21.0]]])
    assert encode_state([a, b]).tolist() == [[1.0, 10.0, 11.0, 2.0, 20.0, 21.0]]
