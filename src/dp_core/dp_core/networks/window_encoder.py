# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A high-rate stream -> features: the samples before a tick through strided convolutions in time.

As Lee et al. (1810.10191) read force and torque: each level halves the window until one step is
left. Nothing is normalised on the way, for how strong a force is must come through; so the weights
are drawn to keep the size of the signal (He et al., 1502.01852), or five levels would fade it.
"""

import math

from dp_core.networks.conv1d import Conv
from torch import nn
from torch import Tensor
from torch.nn import functional

_WIDTHS = (16, 32, 64)  # channels of the levels; the last goes on
_TAPS = 5


class WindowEncoder(nn.Module):
    """Strided convolutions with Mish, then one linear layer."""

    def __init__(self, channels: int, samples: int, out_dim: int) -> None:
        """Create levels for windows of this many samples, each of this many channels."""
        super().__init__()
        self.shape = (samples, channels)
        levels: list[nn.Module] = []
        n_in, left = channels, samples
        while left > 1:
            n_out = _WIDTHS[min(len(levels), len(_WIDTHS) - 1)]
            levels.append(_level(n_in, n_out))
            n_in, left = n_out, (left + 1) // 2
        self.levels = nn.ModuleList(levels)
        self.project = nn.Linear(n_in, out_dim)

    def forward(self, windows: Tensor) -> Tensor:
        """Map windows (N, samples * channels), oldest sample first, to (N, out_dim)."""
        x = windows.reshape(-1, *self.shape)  # (N, samples, channels)
        for level in self.levels:
            x = functional.mish(level(x))  # (N, half as many, more channels)
        features: Tensor = self.project(x[:, 0])  # (N, out_dim)
        return features


def _level(n_in: int, n_out: int) -> Conv:
    level = Conv(n_in, n_out, _TAPS, stride=2)
    bound = math.sqrt(6.0 / (_TAPS * n_in))
    nn.init.uniform_(level.weight, -bound, bound)
    nn.init.zeros_(level.bias)
    return level
