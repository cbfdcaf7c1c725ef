# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One camera image -> features: the vision transformer of CLIP (Radford et al., 2103.00020).

Chi et al. (2303.04137v5, "Ablation Study") find ViT-B/16 with CLIP's weights, fine-tuned at a
tenth of the denoiser's learning rate, the best of their image encoders. It sees 224 x 224 pixels,
costs ten times a ResNet-18 there, and is for GPUs.

It computes as OpenAI's weights want it, with QuickGELU. Those that open_clip trained on LAION want
the plain GELU: they have the same names and shapes, so they load, and give wrong features. They
are not supported.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dp_core.networks.attention import Layer
from dp_core.networks.clip_names import own_names
from dp_core.networks.pretrained import fill
from dp_core.networks.pretrained import read_weights
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional

# Mean and spread of the three colours, 0 to 1, that CLIP was trained with.
_MEAN, _STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class QuickGelu(nn.Module):
    """The approximation of GELU that CLIP was trained with."""

    def forward(self, x: Tensor) -> Tensor:
        """Map x of any shape."""
        return x * torch.sigmoid(1.702 * x)


class ClipVit(nn.Module):
    """Patches of the image as tokens, attention between them, the class token's answer."""

    def __init__(
        self,
        out_dim: int,
        size: int = 224,
        patch: int = 16,
        n_embed: int = 768,
        n_layers: int = 12,
        n_heads: int = 12,
    ) -> None:
        """Create the network; ViT-B/16 unless told otherwise.

        Args:
            out_dim: features.
            size: height and width [pixel] to which images are brought.
            patch: height and width [pixel] of a patch; divides ``size``.
            n_embed: numbers per token.
            n_layers: layers.
            n_heads: heads of each attention.
        """
        super().__init__()
        self.size = size
        self.mean: Tensor
        self.std: Tensor
        n_tokens = 1 + (size // patch) ** 2
        self.patches = nn.Conv2d(3, n_embed, patch, stride=patch, bias=False)
        self.class_token = nn.Parameter(torch.randn(n_embed) * n_embed**-0.5)
        self.position = nn.Parameter(torch.randn(n_tokens, n_embed) * n_embed**-0.5)
        self.norm_before = nn.LayerNorm(n_embed)
        self.layers = nn.ModuleList(
            Layer(n_embed, n_heads, 0.0, has_memory=False, activation=QuickGelu())
            for _ in range(n_layers)
        )
        self.norm_after = nn.LayerNorm(n_embed)
        self.project = nn.Linear(n_embed, out_dim)
        self.register_buffer('mean', torch.tensor(_MEAN)[:, None, None], persistent=False)
        self.register_buffer('std', torch.tensor(_STD)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) in [-1, 1] to (B, out_dim)."""
        features: Tensor = self.project(self.class_features(images))
        return features

    def class_features(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) in [-1, 1] to what the class token has gathered, (B, E)."""
        if images.shape[2:] != (self.size, self.size):
            images = functional.interpolate(
                images, (self.size, self.size), mode='bicubic', antialias=True
            )
        coloured = (images * 0.5 + 0.5 - self.mean) / self.std  # (B, 3, size, size)
        patches = self.patches(coloured).flatten(2).transpose(1, 2)  # (B, N, E)
        first = self.class_token.expand(len(images), 1, -1)  # (B, 1, E)
        x = self.norm_before(torch.cat((first, patches), dim=1) + self.position)  # (B, 1 + N, E)
        for layer in self.layers:
            x = layer(x)
        gathered: Tensor = self.norm_after(x[:, 0])  # (B, E)
        return gathered

    def load_pretrained(self, path: Path | str) -> None:
        """Begin with OpenAI's weights of CLIP, as OpenAI, open_clip or Hugging Face name them.

        The projection to the features begins anew.

        Raises:
            CheckpointError: the file cannot be read, or is of another network.
        """
        weights: Mapping[str, Tensor] = own_names(read_weights(path))
        fill(self, weights, path, lambda name: not name.startswith('project.'))
