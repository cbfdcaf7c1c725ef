# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Where in the image each feature is (Finn et al., 1509.06113): pooling that keeps positions."""

import torch
from torch import nn
from torch import Tensor


class SpatialSoftmax(nn.Module):
    """Expected position of each channel's activation: where a feature is, not how strong."""

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, C, H, W) to (B, 2 C): x and y of each channel in [-1, 1]."""
        weights = x.float().flatten(2).softmax(dim=-1).reshape(x.shape)  # (B, C, H, W)
        height, width = x.shape[2:]
        ys = torch.linspace(-1.0, 1.0, height, device=x.device)
        xs = torch.linspace(-1.0, 1.0, width, device=x.device)
        across = (weights.sum(dim=2) * xs).sum(dim=-1)  # (B, C)
        down = (weights.sum(dim=3) * ys).sum(dim=-1)  # (B, C)
        return torch.cat((across, down), dim=-1)
