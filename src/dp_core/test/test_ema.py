# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.training.ema import Ema
import pytest
import torch


def test_decay_follows_the_original_schedule():
    ema = Ema({})
    assert [ema.decay(step) for step in (0, 1)] == [0.0, 0.0]
    assert ema.decay(16) == pytest.approx(0.875)  # 1 - 16 ** -0.75
    assert ema.decay(10_000) == pytest.approx(0.999)
    assert ema.decay(10**9) == 0.9999


def test_average_of_hand_checked_numbers():
    weight = torch.tensor([0.0])
    ema = Ema({'w': weight})
    ema.update([torch.tensor([8.0])], step=0)  # decay 0: takes the new one
    assert ema.weights['w'].item() == 8.0
    ema.update([torch.tensor([0.0])], step=16)  # decay 0.875: keeps 7 of 8
    assert ema.weights['w'].item() == pytest.approx(7.0)
    assert weight.item() == 0.0
