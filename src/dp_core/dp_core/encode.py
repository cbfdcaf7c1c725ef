# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 3: observation window -> condition, the vector that steers the denoising network."""

from collections.abc import Mapping
from collections.abc import Sequence

from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.networks.conv_encoder import ConvEncoder
from dp_core.networks.state_encoder import StateEncoder
from dp_core.normalize import Normalizer
from dp_core.observation import ObservationWindow
import numpy as np
import torch
from torch import nn
from torch import Tensor


def cropped_size(size: tuple[int, int], crop: float) -> tuple[int, int]:
    """Return height and width [pixel] of the part of an image that the policy sees."""
    return round(size[0] * crop), round(size[1] * crop)


def unit_images(frames: Tensor, out: Tensor | None = None) -> Tensor:
    """Turn frames (N, h, w, 3) uint8 into the (N, 3, h, w) float32 in [-1, 1] that networks see.

    The pixels stay where they are in memory. Every step is in place, and a caller who gives
    ``out``, an earlier result, is spared the pages of a new one: most of the time.
    """
    unit = frames.permute(0, 3, 1, 2)
    unit = unit.to(torch.float32, copy=True) if out is None else out.copy_(unit)
    return unit.div_(127.5).sub_(1.0)


class ObservationEncoder(nn.Module):
    """Encodes each stream of the contract and joins the results; run once per chunk."""

    def __init__(self, contract: Contract, config: PolicyConfig) -> None:
        """Create one encoder for all numbers and one for each camera."""
        super().__init__()
        self.n_obs_steps = contract.n_obs_steps
        self.seen = {s.name: cropped_size(s.size, config.image_crop) for s in contract.images}
        self.low_dim = tuple(stream.name for stream in contract.low_dim)
        self.state = StateEncoder(tuple(s.dim for s in contract.low_dim), contract.n_obs_steps)
        self.cameras = nn.ModuleDict(
            {
                s.name: ConvEncoder(config.image_channels, config.n_groups, config.image_features)
                for s in contract.images
            }
        )
        if config.image_learning_rate == 0.0:
            self.cameras.requires_grad_(False)
        self.out_dim = self.state.out_dim + (
            len(self.cameras) * contract.n_obs_steps * config.image_features
        )

    def forward(self, low_dim: Mapping[str, Tensor], images: Mapping[str, Tensor]) -> Tensor:
        """Encode a batch of windows.

        Args:
            low_dim: name -> (B, n_obs_steps, dim), normalised to [-1, 1].
            images: name -> (B, n_obs_steps, H, W, 3) uint8 RGB.

        Returns:
            condition (B, out_dim).
        """
        parts = []
        if self.low_dim:
            parts.append(self.state([low_dim[name] for name in self.low_dim]))
        for name, encoder in self.cameras.items():
            frames = self._crop(name, images[name]).flatten(0, 1)  # (B * n_obs_steps, h, w, 3)
            features = encoder(unit_images(frames))  # (B * n_obs_steps, image_features)
            parts.append(features.unflatten(0, (-1, self.n_obs_steps)).flatten(1))
        return torch.cat(parts, dim=-1)

    def _crop(self, name: str, images: Tensor) -> Tensor:
        """Cut the centre out of images (B, To, H, W, 3); training crops them beforehand."""
        height, width = self.seen[name]
        top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
        return images[:, :, top : top + height, left : left + width]


def stack_windows(
    windows: Sequence[ObservationWindow], contract: Contract, normalizer: Normalizer
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Stack windows to the two arguments of `ObservationEncoder`; numbers are normalised."""
    low_dim = {
        s.name: torch.from_numpy(
            normalizer[s.name].normalize(np.stack([w.low_dim[s.name] for w in windows]))
        )
        for s in contract.low_dim
    }
    images = {
        s.name: torch.from_numpy(np.stack([w.images[s.name] for w in windows]))
        for s in contract.images
    }
    return low_dim, images
