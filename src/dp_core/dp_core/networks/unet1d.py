# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The denoising network: a 1-D U-Net over the action sequence, steered by FiLM (scale and shift).

Architecture of Diffusion Policy (Chi et al., 2303.04137). What does not depend on the noisy
actions (the FiLM numbers of all blocks) is one matrix product, `modulation`, so a sampler
computes it once for all its steps, before the loop.
"""

from collections.abc import Sequence
import math

from dp_core.networks.conv1d import Conv
from dp_core.networks.conv1d import GroupNorm
from dp_core.networks.conv1d import Upsample
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional


class ConvBlock(nn.Module):
    """Convolution, group normalisation, Mish."""

    def __init__(self, n_in: int, n_out: int, kernel_size: int, n_groups: int) -> None:
        """Create one block from n_in to n_out channels."""
        super().__init__()
        self.conv = Conv(n_in, n_out, kernel_size)
        self.norm = GroupNorm(n_groups, n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, T, C_in) to (B, T, C_out)."""
        return functional.mish(self.norm(self.conv(x)))


class ResidualBlock(nn.Module):
    """Two convolution blocks with a FiLM between them and a shortcut around them."""

    def __init__(self, n_in: int, n_out: int, kernel_size: int, n_groups: int) -> None:
        """Create one block from n_in to n_out channels."""
        super().__init__()
        self.n_out = n_out
        self.first = ConvBlock(n_in, n_out, kernel_size, n_groups)
        self.second = ConvBlock(n_out, n_out, kernel_size, n_groups)
        self.shortcut = Conv(n_in, n_out, 1) if n_in != n_out else nn.Identity()

    def forward(self, x: Tensor, film: Tensor) -> Tensor:
        """Map x (B, T, C_in) to (B, T, C_out) under film (B, 2 C_out): scale, then shift."""
        scale, shift = film[:, None].chunk(2, dim=-1)  # (B, 1, C_out) each
        hidden: Tensor = self.second(scale * self.first(x) + shift)
        shortcut: Tensor = self.shortcut(x)
        return hidden + shortcut


class StepEmbedding(nn.Module):
    """Sinusoidal embedding of the diffusion step, followed by a two-layer network."""

    def __init__(self, dim: int) -> None:
        """Create an embedding of `dim` numbers (even)."""
        super().__init__()
        frequencies = torch.exp(torch.arange(dim // 2) * (-math.log(1e4) / (dim // 2 - 1)))
        self.register_buffer('frequencies', frequencies, persistent=False)
        self.net = nn.Sequential(nn.Linear(dim, 4 * dim), nn.Mish(), nn.Linear(4 * dim, dim))

    def forward(self, timesteps: Tensor) -> Tensor:
        """Embed timesteps (B,) as (B, dim)."""
        angles = timesteps[:, None].float() * self.frequencies  # type: ignore[operator]
        embedded: Tensor = self.net(torch.cat((angles.sin(), angles.cos()), dim=-1))
        return embedded


class Unet1d(nn.Module):
    """Predicts the noise in a noisy action sequence, given diffusion step and condition."""

    def __init__(
        self,
        action_dim: int,
        condition_dim: int,
        down_dims: Sequence[int],
        kernel_size: int,
        n_groups: int,
        step_embedding_dim: int,
    ) -> None:
        """Create the network; each level but the last halves the time resolution."""
        super().__init__()
        dims = [action_dim, *down_dims]

        def block(n_in: int, n_out: int) -> ResidualBlock:
            return ResidualBlock(n_in, n_out, kernel_size, n_groups)

        self.step_embedding = StepEmbedding(step_embedding_dim)
        self.down = nn.ModuleList(block(a, b) for a, b in zip(dims[:-1], dims[1:], strict=True))
        self.down_again = nn.ModuleList(block(b, b) for b in dims[1:])
        self.downsample = nn.ModuleList(Conv(c, c, 3, stride=2) for c in dims[1:-1])
        self.middle = nn.ModuleList(block(dims[-1], dims[-1]) for _ in range(2))
        ups = list(zip(dims[1:-1], dims[2:], strict=True))[::-1]
        self.up = nn.ModuleList(block(2 * b, a) for a, b in ups)
        self.up_again = nn.ModuleList(block(a, a) for a, _ in ups)
        self.upsample = nn.ModuleList(Upsample(a) for a, _ in ups)
        self.last = ConvBlock(dims[1], dims[1], kernel_size, n_groups)
        self.project = Conv(dims[1], action_dim, 1)

        blocks = [m for m in self.modules() if isinstance(m, ResidualBlock)]
        self._film_sizes = [2 * b.n_out for b in blocks]
        self.film = nn.Linear(step_embedding_dim + condition_dim, sum(self._film_sizes))

    def modulation(self, timesteps: Tensor, condition: Tensor) -> Tensor:
        """Return all FiLM numbers (B, F) for timesteps (B,) and condition (B, condition_dim)."""
        features = torch.cat((self.step_embedding(timesteps), condition), dim=-1)
        film: Tensor = self.film(functional.mish(features))
        return film

    def denoise(self, noisy: Tensor, modulation: Tensor) -> Tensor:
        """Predict the noise in noisy (B, T, A), given modulation (B, F)."""
        films = iter(torch.split(modulation, self._film_sizes, dim=-1))  # in the order of __init__
        film = {name: [next(films) for _ in getattr(self, name)] for name in _BLOCK_LISTS}
        x, skips = noisy, []
        for level in range(len(self.down)):
            x = self.down[level](x, film['down'][level])
            x = self.down_again[level](x, film['down_again'][level])
            skips.append(x)
            if level < len(self.downsample):
                x = self.downsample[level](x)
        for index, block in enumerate(self.middle):
            x = block(x, film['middle'][index])
        for level in range(len(self.up)):
            x = torch.cat((x, skips.pop()), dim=-1)
            x = self.up[level](x, film['up'][level])
            x = self.up_again[level](x, film['up_again'][level])
            x = self.upsample[level](x)
        noise: Tensor = self.project(self.last(x))
        return noise

    def forward(self, noisy: Tensor, timesteps: Tensor, condition: Tensor) -> Tensor:
        """Predict the noise in noisy (B, T, A); timesteps (B,), condition (B, condition_dim)."""
        return self.denoise(noisy, self.modulation(timesteps, condition))

    def without_decay(self) -> list[str]:
        """Return the names of weights that are not to decay: none, as in the paper's code."""
        return []


_BLOCK_LISTS = ('down', 'down_again', 'middle', 'up', 'up_again')
