# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One camera image -> features: ResNet-18 as the paper changes it.

Chi et al. (2303.04137v5, "Visual Encoder") train it with the denoiser, end to end, and change
two things. Spatial softmax takes the place of the average over the image, for the policy needs to
know where things are. Group normalisation takes the place of batch normalisation: statistics of
a batch and the average of weights over training do not go together.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
import re

from dp_core.errors import CheckpointError
from dp_core.errors import ConfigError
from dp_core.networks.pretrained import fill
from dp_core.networks.pretrained import read_weights
from dp_core.networks.spatial_softmax import SpatialSoftmax
from dp_core.networks.torchvision_import import torchvision_models
from torch import nn
from torch import Tensor
from torch.nn import functional

_REDUCTION = 32  # pixels of the image per place of the last map
_CHANNELS = 512  # of the last map
_PER_GROUP = 16  # channels that are normalised together


class ResNet18(nn.Module):
    """Residual network of 18 layers, spatial softmax, one linear layer."""

    def __init__(self, size: tuple[int, int], out_dim: int) -> None:
        """Create the network for images of this size [pixel].

        Raises:
            ConfigError: the image is too small for a map with places.
        """
        super().__init__()
        if min(size) <= _REDUCTION:
            raise ConfigError(
                f"image_encoder 'resnet18' sees {size[0]} x {size[1]} pixels, valid: more than "
                f'{_REDUCTION} in height and width; enlarge the images or their crop'
            )
        whole = torchvision_models().resnet18(weights=None, norm_layer=_group_norm)
        layers = [(n, m) for n, m in whole.named_children() if n not in ('avgpool', 'fc')]
        self.trunk = nn.Sequential(OrderedDict(layers))
        self.keypoints = nn.Conv2d(_CHANNELS, out_dim // 2, 1)
        self.softmax = SpatialSoftmax()
        self.project = nn.Linear(out_dim, out_dim)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) in [-1, 1] to (B, out_dim)."""
        maps = self.trunk(images)  # (B, 512, H / 32, W / 32)
        points = self.softmax(self.keypoints(maps))  # (B, out_dim): x and y of each keypoint
        return functional.relu(self.project(points))

    def load_pretrained(self, path: Path | str) -> None:
        """Begin with the weights of a ResNet-18 under torchvision's names.

        What pools and projects begins anew. So do the normalisations when the file's are of
        batches, as those of ImageNet are: their scales belong to other statistics. Pictures come
        in [-1, 1] all the same; ImageNet's own mean and deviation of colours are not applied.

        Raises:
            CheckpointError: the file cannot be read, or is of another network.
            ConfigError: normalisations would begin anew, and are frozen.
        """
        weights = read_weights(path)
        deeper = sorted(n for n in weights if re.match(r'layer\d\.([2-9]|1\d|.\.conv3)', n))
        if deeper:
            raise CheckpointError(
                f'{path} is of another network: a ResNet-18 has no {deeper[0]}, valid: two blocks '
                'in each layer, of two convolutions'
            )
        of_batches = any(name.endswith('running_mean') for name in weights)
        norms = {f'{n}.' for n, m in self.trunk.named_modules() if isinstance(m, nn.GroupNorm)}
        if of_batches and not any(p.requires_grad for p in self.trunk.parameters()):
            raise ConfigError(
                f'{path} has batch normalisations; the group normalisations in their place begin '
                'anew, and with image_learning_rate 0 would never learn: valid: above 0, as '
                'the 0.1 of the paper'
            )
        skipped = tuple(norms) if of_batches else ()
        fill(self.trunk, weights, path, lambda name: not name.startswith(skipped))


def _group_norm(n_channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(n_channels // _PER_GROUP, n_channels)
