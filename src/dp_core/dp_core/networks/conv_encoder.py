# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One camera image -> features: a small convolutional network ending in a spatial softmax."""

from collections.abc import Sequence

from dp_core.networks.spatial_softmax import SpatialSoftmax
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional


class ConvEncoder(nn.Module):
    """Stride-2 convolutions with group normalisation; sees no statistics of a batch."""

    def __init__(self, channels: Sequence[int], n_groups: int, out_dim: int) -> None:
        """Create one level per entry of `channels`; all but the last halve the image."""
        super().__init__()
        layers: list[nn.Module] = []
        n_in = 3
        for level, n_out in enumerate(channels):
            stride = 1 if level == len(channels) - 1 and level > 0 else 2
            size = 5 if level == 0 else 3
            layers.append(nn.Conv2d(n_in, n_out, size, stride=stride, padding=size // 2))
            layers.append(nn.GroupNorm(n_groups, n_out))
            layers.append(nn.ReLU())
            n_in = n_out
        self.features = nn.Sequential(*layers)
        self.keypoints = nn.Conv2d(n_in, out_dim // 2, 1)
        self.softmax = SpatialSoftmax()
        self.project = nn.Sequential(
            nn.Linear(out_dim, out_dim), nn.ReLU(), nn.Linear(out_dim, out_dim)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) in [-1, 1] to (B, out_dim)."""
        images = images.contiguous(memory_format=torch.channels_last)
        maps = self.features(images)  # (B, C, H / 2^levels, W / 2^levels), last level not halved
        points = self.softmax(self.keypoints(maps))  # (B, out_dim), x and y of each keypoint
        features: Tensor = points + self.project(functional.relu(points))
        return features
