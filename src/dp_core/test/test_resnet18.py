# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

from dp_core.errors import CheckpointError
from dp_core.errors import ConfigError
from dp_core.networks.resnet18 import ResNet18
from dp_core.networks.torchvision_import import torchvision_models
import pytest
import torch
from torch import nn


@pytest.fixture(scope='module')
def encoder():
    torch.manual_seed(0)
    return ResNet18((64, 96), 8)


@pytest.fixture(scope='module')
def imagenet():
    """A ResNet-18 as torchvision ships them: normalised over batches, with a classifier."""
    torch.manual_seed(1)
    return torchvision_models().resnet18(weights=None).state_dict()


def test_features_have_their_shape_and_no_sign(encoder):
    features = encoder(torch.rand(2, 3, 64, 96) * 2 - 1)
    assert features.shape == (2, 8)
    assert (features >= 0).all()


def test_it_is_as_large_as_the_one_of_the_paper():
    """11,176,512 of the trunk, counted in torchvision; 32 keypoints of 512; 64 x 64 and 64."""
    assert sum(p.numel() for p in ResNet18((84, 84), 64).parameters()) == 11_197_088


def test_groups_of_sixteen_channels_take_the_place_of_batches(encoder):
    kinds = {type(m) for m in encoder.modules()}
    assert nn.BatchNorm2d not in kinds
    norms = [m for m in encoder.modules() if isinstance(m, nn.GroupNorm)]
    assert len(norms) == 20
    assert {m.num_channels // m.num_groups for m in norms} == {16}


def test_a_row_does_not_depend_on_the_others(encoder):
    images = torch.rand(2, 3, 64, 96) * 2 - 1
    torch.testing.assert_close(encoder(images)[:1], encoder(images[:1]))


def test_gradients_reach_every_parameter():
    torch.manual_seed(0)
    encoder = ResNet18((64, 96), 8)
    encoder(torch.randn(4, 3, 64, 96)).square().sum().backward()
    without = [n for n, p in encoder.named_parameters() if p.grad is None or not p.grad.any()]
    # A softmax forgets what is added everywhere.
    assert set(without) <= {'keypoints.bias'}


def test_images_without_places_are_refused():
    with pytest.raises(ConfigError, match='sees 32 x 240 pixels, valid: more than 32'):
        ResNet18((32, 240), 8)


def test_weights_of_imagenet_fill_the_convolutions_and_leave_the_norms(tmp_path, imagenet):
    torch.save(imagenet, tmp_path / 'resnet18.pth')
    encoder = ResNet18((64, 64), 8)
    encoder.load_pretrained(tmp_path / 'resnet18.pth')
    own = encoder.trunk.state_dict()
    name = 'layer2.0.downsample.0.weight'
    assert torch.equal(own[name], imagenet[name])
    assert (own['layer2.0.downsample.1.weight'] == 1).all()
    assert (own['bn1.weight'] == 1).all()


def test_weights_of_groups_fill_the_norms_too(tmp_path, encoder):
    weights = {name: value + 0.5 for name, value in encoder.trunk.state_dict().items()}
    torch.save({'state_dict': weights}, tmp_path / 'groups.pth')
    other = ResNet18((64, 64), 8)
    other.load_pretrained(tmp_path / 'groups.pth')
    assert torch.equal(other.trunk.state_dict()['bn1.weight'], weights['bn1.weight'])


def test_weights_of_a_deeper_network_are_refused(tmp_path, imagenet):
    del imagenet['layer3.1.conv2.weight']
    torch.save(imagenet, tmp_path / 'other.pth')
    with pytest.raises(CheckpointError, match=r'lacks 1 of \d+ weights, such as .*layer3.1.conv2'):
        ResNet18((64, 64), 8).load_pretrained(tmp_path / 'other.pth')


def test_weights_of_a_resnet_34_are_not_cut_down(tmp_path):
    """They have every name and shape of a ResNet-18, and more."""
    torch.save(torchvision_models().resnet34(weights=None).state_dict(), tmp_path / 'deep.pth')
    with pytest.raises(CheckpointError, match=r'a ResNet-18 has no layer1\.2\.'):
        ResNet18((64, 64), 8).load_pretrained(tmp_path / 'deep.pth')


def test_a_frozen_encoder_cannot_begin_with_norms_it_would_never_learn(tmp_path, imagenet):
    torch.save(imagenet, tmp_path / 'resnet18.pth')
    encoder = ResNet18((64, 64), 8)
    encoder.trunk.requires_grad_(False)
    with pytest.raises(ConfigError, match='image_learning_rate 0 would never learn'):
        encoder.load_pretrained(tmp_path / 'resnet18.pth')


def test_torchvision_is_loaded_by_whoever_wants_it_alone():
    """Policies without a ResNet start without it."""
    code = 'import sys, dp_core.encode; print("torchvision" in sys.modules)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'False'
