# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from dp_core.config import PolicyConfig
from dp_core.encode import module_key
from dp_core.encode import ObservationEncoder
from dp_core.encode import unit_images
from dp_core.errors import ConfigError
from policy_samples import sample_contract
from policy_samples import sample_policy
from policy_samples import sample_window
from policy_samples import SMALL
import pytest
import torch
from torch import nn

RESNET = replace(SMALL, image_encoder='resnet18', image_channels=PolicyConfig().image_channels)


def two_cameras(size: int = 40) -> list[dict[str, object]]:
    return [
        {'name': name, 'kind': 'image', 'topic': name, 'size': [size, size]}
        for name in ('front', 'wrist')
    ]


def test_pixels_from_0_to_255_become_minus_1_to_1_in_a_buffer_or_a_new_tensor():
    frames = torch.arange(256, dtype=torch.uint8).repeat(6).reshape(2, 16, 16, 3)
    unit = unit_images(frames)
    assert unit.equal(frames.permute(0, 3, 1, 2) / 127.5 - 1.0)
    assert unit.shape == (2, 3, 16, 16)
    assert (float(unit.min()), float(unit.max())) == (-1.0, 1.0)
    again = unit_images(frames.flip(0), unit)
    assert again.data_ptr() == unit.data_ptr()
    assert again.equal(unit_images(frames.flip(0)))


def test_what_is_given_stays_as_it_is():
    frames = torch.full((1, 2, 2, 3), 5.0)
    unit_images(frames)
    assert (frames == 5.0).all()


@pytest.mark.parametrize('shared', [False, True])
def test_the_condition_holds_each_camera_with_all_its_ticks(shared):
    contract = sample_contract(observations=two_cameras(24))
    encoder = ObservationEncoder(contract, replace(SMALL, share_image_encoder=shared))
    assert encoder.layout.parts == (8, 8)
    images = {
        n: torch.randint(256, (3, 2, 24, 24, 3), dtype=torch.uint8) for n in ('front', 'wrist')
    }
    condition = encoder({}, images)
    assert condition.shape == (3, 2 * 2 * 8)
    tokens = encoder.layout.tokens(condition)  # (B, To, 16)
    for tick in range(2):
        for place, name in enumerate(('front', 'wrist')):
            features = encoder.frame_features(name, images[name][:, tick])
            torch.testing.assert_close(tokens[:, tick, 8 * place : 8 * place + 8], features)
    assert len(encoder.cameras) == (1 if shared else 2)


def test_a_policy_with_resnet_predicts():
    contract = sample_contract(observations=two_cameras())
    encoder = ObservationEncoder(contract, RESNET)
    frames = torch.randint(256, (1, 2, 40, 40, 3), dtype=torch.uint8)
    assert encoder({}, {'front': frames, 'wrist': frames}).shape == (1, 32)


def test_all_cameras_begin_with_the_weights_of_the_file(tmp_path):
    encoder = ObservationEncoder(sample_contract(observations=two_cameras()), RESNET)
    trunk = encoder.cameras['front'].trunk
    torch.save(trunk.state_dict(), tmp_path / 'w.pth')
    other = encoder.cameras['wrist'].trunk
    assert not torch.equal(other.conv1.weight, trunk.conv1.weight)
    encoder.load_image_weights(tmp_path / 'w.pth')
    assert torch.equal(other.conv1.weight, trunk.conv1.weight)


def test_weights_for_an_encoder_that_takes_none_are_refused(tmp_path):
    with pytest.raises(ConfigError, match='nothing to fill with .*w.pth'):
        sample_policy(images=True).network.encoder.load_image_weights(tmp_path / 'w.pth')


def test_the_centre_of_the_picture_is_seen():
    policy = sample_policy(True, replace(SMALL, image_crop=0.5))
    window = sample_window(images=True)
    base = policy.encode([window])
    window.images['front'][:, :6] = 0  # 12 of 24 rows are seen, from the sixth on
    assert torch.equal(base, policy.encode([window]))
    window.images['front'][:, 6] = 0
    assert not torch.equal(base, policy.encode([window]))


def test_no_encoder_has_statistics_of_batches():
    encoder = ObservationEncoder(sample_contract(observations=two_cameras()), RESNET)
    assert not [m for m in encoder.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]


TAKEN = ('forward', 'half', 'type', 'values', 'training', 'state_dict', '_modules')


def test_any_stream_may_have_the_name_of_something_in_pytorch():
    taken = {name for name in dir(nn.ModuleDict()) if not name.startswith('___')}  # a compiler's
    assert not [name for name in taken if module_key(name) == name]
    cameras = [{**two_cameras(24)[0], 'name': name} for name in TAKEN]
    shape = {'kind': 'vector', 'length': 1, 'samples': 4, 'sample_dt_s': 0.01}
    windows = [{**shape, 'name': name} for name in ('keys', 'pop')]
    encoder = ObservationEncoder(sample_contract(observations=[*cameras, *windows]), SMALL)
    images = {n: torch.randint(256, (3, 2, 24, 24, 3), dtype=torch.uint8) for n in TAKEN}
    low_dim = {'keys': torch.randn(3, 2, 4), 'pop': torch.randn(3, 2, 4)}
    assert encoder(low_dim, images).shape == (3, encoder.layout.dim)
    again = ObservationEncoder(sample_contract(observations=[*cameras, *windows]), SMALL)
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(again(low_dim, images), encoder(low_dim, images))
    assert module_key('front') == 'front'  # as in every checkpoint so far
