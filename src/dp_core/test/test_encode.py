# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.encode import unit_images
import torch


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
