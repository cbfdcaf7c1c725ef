# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The diffusion step as numbers a network can read."""

import math

import torch
from torch import nn
from torch import Tensor


class Sinusoids(nn.Module):
    """Sines and cosines of the step at wavelengths from 2 pi to 20,000 pi (1706.03762, 3.5)."""

    def __init__(self, dim: int) -> None:
        """Create `dim` waves (even); there is nothing to learn."""
        super().__init__()
        frequencies = torch.exp(torch.arange(dim // 2) * (-math.log(1e4) / (dim // 2 - 1)))
        self.register_buffer('frequencies', frequencies, persistent=False)

    def forward(self, timesteps: Tensor) -> Tensor:
        """Embed timesteps (B,) as (B, dim)."""
        angles = timesteps[:, None].float() * self.frequencies  # type: ignore[operator]
        return torch.cat((angles.sin(), angles.cos()), dim=-1)


class StepEmbedding(nn.Module):
    """Sinusoids of the step, followed by a two-layer network."""

    def __init__(self, dim: int) -> None:
        """Create an embedding of `dim` numbers (even)."""
        super().__init__()
        self.waves = Sinusoids(dim)
        self.net = nn.Sequential(nn.Linear(dim, 4 * dim), nn.Mish(), nn.Linear(4 * dim, dim))

    def forward(self, timesteps: Tensor) -> Tensor:
        """Embed timesteps (B,) as (B, dim)."""
        embedded: Tensor = self.net(self.waves(timesteps))
        return embedded
