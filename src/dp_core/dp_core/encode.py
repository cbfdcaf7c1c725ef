# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 3: observation window -> condition, the vector that steers the denoising network.

Each camera has an encoder of its own, unless they share one, and each picture is encoded by
itself; what they give is concatenated with the numbers, stream after stream (after Chi et al.,
2303.04137v5, "Visual Encoder").
"""

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.networks.clip_vit import ClipVit
from dp_core.networks.condition_layout import ConditionLayout
from dp_core.networks.conv_encoder import ConvEncoder
from dp_core.networks.dilated_encoder import DilatedEncoder
from dp_core.networks.parameter_groups import is_head
from dp_core.networks.resnet18 import ResNet18
from dp_core.networks.state_encoder import encode_state
from dp_core.networks.window_encoder import WindowEncoder
from dp_core.normalize import Normalizer
from dp_core.observation import ObservationWindow
import numpy as np
import torch
from torch import nn
from torch import Tensor

_SHARED = 'all'  # name of the encoder of all cameras, where they share one
_TAKEN = frozenset(dir(nn.ModuleDict()))  # attributes of a ModuleDict, which it takes for no key


def module_key(stream: str) -> str:
    """Return the key by which a ModuleDict holds what belongs to a stream.

    It is the name of the stream; where that is taken, with a hyphen, which no stream has.
    """
    return f'{stream}-' if stream in _TAKEN else stream


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
        """Create the image encoders, one for each camera or one for all."""
        super().__init__()
        self.seen = {s.name: cropped_size(s.size, config.image_crop) for s in contract.images}
        self.low_dim = tuple(s.name for s in contract.low_dim if s.samples == 1)
        self.images = tuple(stream.name for stream in contract.images)
        self.shared = config.share_image_encoder
        sizes = self.seen
        if self.shared and sizes:
            sizes = {_SHARED: min(sizes.values(), key=min)}  # it has to bear the smallest
        self.cameras = nn.ModuleDict(
            {module_key(n): image_encoder(config, s) for n, s in sizes.items()}
        )
        if config.image_learning_rate == 0.0:
            for name, parameter in self.cameras.named_parameters():
                parameter.requires_grad_(is_head(name))
        windows = [s for s in contract.low_dim if s.samples > 1]
        self.windowed = tuple(s.name for s in windows)
        self.windows = nn.ModuleDict(
            {
                module_key(s.name): WindowEncoder(s.channels, s.samples, config.window_features)
                for s in windows
            }
        )
        numbers = sum(s.dim for s in contract.low_dim if s.samples == 1)
        self.layout = ConditionLayout(
            contract.n_obs_steps,
            ((numbers,) if numbers else ())
            + len(self.windows) * (config.window_features,)
            + len(self.images) * (config.image_features,),
        )
        self.hide = nn.Dropout(config.modality_dropout)

    def forward(self, low_dim: Mapping[str, Tensor], images: Mapping[str, Tensor]) -> Tensor:
        """Encode a batch of windows.

        Args:
            low_dim: name -> (B, n_obs_steps, dim), normalised to [-1, 1].
            images: name -> (B, n_obs_steps, H, W, 3) uint8 RGB.

        Returns:
            condition (B, layout.dim).
        """
        features = {}
        for name in self.images:
            encoded = self.frame_features(name, images[name].flatten(0, 1))  # (B * To, F)
            features[name] = encoded.reshape(*images[name].shape[:2], -1)
        return self.join(low_dim, features)

    def join(self, low_dim: Mapping[str, Tensor], features: Mapping[str, Tensor]) -> Tensor:
        """Make the condition of what was encoded.

        Args:
            low_dim: name -> (B, n_obs_steps, dim), normalised to [-1, 1].
            features: camera -> (B, n_obs_steps, image_features).

        Returns:
            condition (B, layout.dim).
        """
        parts = [encode_state([low_dim[n] for n in self.low_dim])] if self.low_dim else []
        modalities = []  # each (B, n_obs_steps * features)
        for name in self.windowed:
            windows = low_dim[name]  # (B, n_obs_steps, samples * channels)
            encoder = self.windows[module_key(name)]
            modalities.append(encoder(windows.flatten(0, 1)).reshape(len(windows), -1))
        modalities += [features[name].flatten(1) for name in self.images]
        return torch.cat(parts + self._hide_some(modalities), dim=-1)

    def _hide_some(self, modalities: list[Tensor]) -> list[Tensor]:
        """In training, hide each of ``modalities`` (B, ...) from some rows: zeros in their place.

        A policy that sometimes does without its camera learns to use the force (and the other
        way round); one that never has to may look at one of them alone (diffusion_policy#156).
        """
        if not (self.training and modalities and self.hide.p > 0.0):
            return modalities
        shape = (len(modalities[0]), len(modalities))
        shown = self.hide(torch.ones(shape, device=modalities[0].device)) > 0.0  # (B, M)
        return [part * shown[:, k : k + 1] for k, part in enumerate(modalities)]

    def frame_features(self, camera: str, frames: Tensor) -> Tensor:
        """Encode frames (N, H, W, 3) uint8 of a camera, each on its own: (N, image_features)."""
        seen = self._crop(camera, frames)  # (N, h, w, 3)
        encoder = self.cameras[module_key(_SHARED if self.shared else camera)]
        features: Tensor = encoder(unit_images(seen))
        return features

    def load_image_weights(self, path: Path | str) -> None:
        """Let every image encoder begin with the weights in a file.

        Raises:
            CheckpointError: the file cannot be read, or is of another network.
            ConfigError: there is no image encoder that takes weights, or it is frozen and these
                are not all it needs.
        """
        takers = [c for c in self.cameras.values() if isinstance(c, (ResNet18, ClipVit))]
        if not takers:
            raise ConfigError(
                f'there is nothing to fill with {path}: weights of others are for cameras with '
                "image_encoder 'resnet18' or 'clip_vit_b_16'"
            )
        for encoder in takers:
            encoder.load_pretrained(path)

    def _crop(self, camera: str, frames: Tensor) -> Tensor:
        """Cut the centre out of frames (N, H, W, 3); training crops them beforehand."""
        height, width = self.seen[camera]
        top, left = (frames.shape[1] - height) // 2, (frames.shape[2] - width) // 2
        return frames[:, top : top + height, left : left + width]


def image_encoder(config: PolicyConfig, size: tuple[int, int]) -> nn.Module:
    """Create the encoder of images of this size (height, width), as the policy sees them."""
    if config.image_encoder == 'resnet18':
        return ResNet18(size, config.image_features)
    if config.image_encoder == 'clip_vit_b_16':
        return ClipVit(config.image_features)
    small = ConvEncoder if config.image_encoder == 'conv' else DilatedEncoder
    return small(config.image_channels, config.n_groups, config.image_features)


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
