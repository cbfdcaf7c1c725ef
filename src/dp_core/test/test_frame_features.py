# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from dp_core.frame_features import FrameFeatures
from dp_core.observation import ObservationWindow
import numpy as np
from policy_samples import sample_policy
from policy_samples import SMALL
from policy_samples import TRANSFORMER
import pytest
import torch


def film(n_frames: int) -> np.ndarray:
    return np.random.default_rng(0).integers(256, size=(n_frames, 24, 24, 3), dtype=np.uint8)


def window(frames: np.ndarray, tool: float = 3.0) -> ObservationWindow:
    return ObservationWindow(0, {'tool': np.full((2, 2), tool, np.float32)}, {'front': frames})


def counted(policy) -> list[int]:
    encoded = []
    policy.network.encoder.cameras['front'].register_forward_hook(
        lambda _, __, out: encoded.append(len(out))
    )
    return encoded


def test_windows_that_overlap_encode_each_frame_once():
    policy, frames = sample_policy(images=True), film(9)
    encoded = counted(policy)
    for t in range(8):
        policy.encode([window(frames[t : t + 2])])
    assert encoded == [1] * 9


@pytest.mark.parametrize('config', [SMALL, TRANSFORMER, replace(SMALL, image_crop=0.5)])
def test_what_is_remembered_is_bit_for_bit_what_a_new_policy_encodes(config):
    frames = film(9)
    policy = sample_policy(True, config)
    for t in range(8):
        new = sample_policy(True, config)  # the same weights, and nothing seen yet
        seen = window(frames[t : t + 2], tool=t)
        assert torch.equal(policy.encode([seen]), new.encode([seen]))
        assert np.array_equal(policy.predict(seen, seed=t), new.predict(seen, seed=t))


def test_it_is_the_encoding_of_the_window_frame_by_frame():
    policy, frames = sample_policy(images=True), film(2)
    encoder = policy.network.encoder
    with torch.inference_mode():
        expected = torch.stack(
            [encoder.frame_features('front', torch.from_numpy(f)[None])[0] for f in frames]
        )
    for _ in range(2):
        condition = policy.encode([window(frames)])
        assert torch.equal(encoder.layout.tokens(condition)[0, :, 2:], expected)
    batch = encoder({'tool': torch.zeros(1, 2, 2)}, {'front': torch.from_numpy(frames)[None]})
    torch.testing.assert_close(encoder.layout.tokens(batch)[0, :, 2:], expected)


def test_a_picture_that_stands_for_two_ticks_is_encoded_once():
    policy = sample_policy(images=True)
    encoded = counted(policy)
    policy.encode([window(film(1).repeat(2, axis=0))])
    assert encoded == [1]


def test_one_changed_pixel_is_another_picture():
    policy, frames = sample_policy(images=True), film(2)
    encoded = counted(policy)
    policy.encode([window(frames)])
    frames[1, 23, 23, 2] ^= 1  # in the array that was seen itself
    policy.encode([window(frames)])
    assert encoded == [1, 1, 1]


def test_only_the_last_pictures_are_remembered():
    policy, frames = sample_policy(images=True), film(4)
    encoded = counted(policy)
    features = FrameFeatures(policy.network.encoder, remembered=3)
    with torch.inference_mode():
        features.window('front', frames)
        features.window('front', frames[1:])
        assert len(encoded) == 4
        features.window('front', frames[:1])
        assert len(encoded) == 5


def test_cameras_are_told_apart():
    policy, frames = sample_policy(images=True), film(1)
    policy.network.encoder.cameras['wrist'] = sample_policy(images=True).network.encoder.cameras[
        'front'
    ]
    policy.network.encoder.seen['wrist'] = (24, 24)
    encoded = counted(policy)
    features = FrameFeatures(policy.network.encoder, remembered=3)
    with torch.inference_mode():
        features.window('wrist', frames)
        features.window('front', frames)
    assert encoded == [1]
