# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One camera image -> features: small enough for a CPU, and wide enough to see a whole object.

A place of the last map of the plain small encoder (`conv_encoder.py`) sees 17 pixels with three
levels. That is less than the length of an object in a 96-pixel image, so how the object lies has
to be put together from where its parts are. Here the map goes through convolutions with growing
gaps (Yu and Koltun, 1511.07122): as many weights each, and 129 pixels. And the spatial softmax,
which begins nearly uniform so that every keypoint lies in the middle, learns how sharp to be.
"""

from collections.abc import Sequence

from dp_core.networks.spatial_softmax import SpatialSoftmax
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional

_HALVINGS = 3  # the map has one place for 8 x 8 pixels, whatever the number of levels
_GAPS = (1, 2, 4)


class DilatedEncoder(nn.Module):
    """Strided convolutions, three dilated ones with shortcuts, a spatial softmax."""

    def __init__(self, channels: Sequence[int], n_groups: int, out_dim: int) -> None:
        """Create one level for each entry of ``channels``; the first three halve the image."""
        super().__init__()
        levels: list[nn.Module] = []
        n_in = 3
        for level, n_out in enumerate(channels):
            size, stride = 5 if level == 0 else 3, 2 if level < _HALVINGS else 1
            levels.append(_block(n_in, n_out, n_groups, size, stride, 1))
            n_in = n_out
        self.levels = nn.Sequential(*levels)
        self.wide = nn.ModuleList(_block(n_in, n_in, n_groups, 3, 1, gap) for gap in _GAPS)
        self.keypoints = nn.Conv2d(n_in, out_dim // 2, 1)
        self.log_sharpness = nn.Parameter(torch.zeros(()))
        self.softmax = SpatialSoftmax()
        self.project = nn.Linear(out_dim, out_dim)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) in [-1, 1] to (B, out_dim)."""
        images = images.contiguous(memory_format=torch.channels_last)
        x = self.levels(images)  # (B, C, H / 8, W / 8)
        for block in self.wide:
            x = x + block(x)
        logits = self.keypoints(x) * self.log_sharpness.exp()  # (B, out_dim / 2, H / 8, W / 8)
        points: Tensor = self.softmax(logits)  # (B, out_dim): x and y of each keypoint
        return points + functional.relu(self.project(points))


def _block(
    n_in: int, n_out: int, n_groups: int, size: int, stride: int, gap: int
) -> nn.Sequential:
    """Convolution, group normalisation, ReLU: (B, n_in, H, W) to (B, n_out, H / stride, ...)."""
    padding = size // 2 * gap
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, size, stride, padding, dilation=gap),
        nn.GroupNorm(n_groups, n_out),
        nn.ReLU(),
    )
