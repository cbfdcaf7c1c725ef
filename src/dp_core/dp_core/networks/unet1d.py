# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A denoiser: a 1-D U-Net over the action sequence, steered by FiLM.

The CNN-based diffusion policy of Chi et al. (2303.04137v5, "Network Architecture Options"),
after Janner et al. (2205.09991). Time runs through convolutions, so neighbouring actions
are alike; for actions that jump from step to step there is the transformer.

What does not depend on the noisy actions (the FiLM numbers of all blocks) is one matrix product,
`modulation`, so a sampler computes it once for all its steps, before the loop.
"""

from collections.abc import Sequence

from dp_core.networks.condition_layout import ConditionLayout
from dp_core.networks.conv1d import Conv
from dp_core.networks.conv1d import Upsample
from dp_core.networks.denoiser import DenoisingNetwork
from dp_core.networks.residual1d import ConvBlock
from dp_core.networks.residual1d import ResidualBlock
from dp_core.networks.step_embedding import StepEmbedding
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional


class Unet1d(DenoisingNetwork):
    """Predicts the noise in a noisy action sequence, given diffusion step and condition.

    With global conditioning all observations steer every step through the FiLM. With local
    conditioning the FiLM knows the diffusion step alone, and the observation of each tick is
    added, convolved, where the horizon has that tick: at its own resolution at the beginning and
    at the end. (The paper's code computes the second one as well, but never adds it.)
    """

    def __init__(
        self,
        action_dim: int,
        layout: ConditionLayout,
        down_dims: Sequence[int],
        kernel_size: int,
        n_groups: int,
        step_embedding_dim: int,
        film: str = 'scale_and_shift',
        local_horizon: int = 0,
    ) -> None:
        """Create the network; each level but the last halves the time resolution.

        Args:
            action_dim: numbers per action.
            layout: of the condition.
            down_dims: channels of each level.
            kernel_size: taps of the convolutions (odd).
            n_groups: groups of the normalisations.
            step_embedding_dim: numbers that describe the diffusion step.
            film: kind of FiLM.
            local_horizon: steps of the horizon for local conditioning; 0 for global.
        """
        super().__init__()
        self.layout = layout
        self.local_horizon = local_horizon
        dims = [action_dim, *down_dims]

        self.n_film = 0  # FiLM numbers of all blocks, one after another

        def block(n_in: int, n_out: int) -> ResidualBlock:
            made = ResidualBlock(n_in, n_out, kernel_size, n_groups, film, self.n_film)
            self.n_film = made.numbers.stop
            return made

        self.step_embedding = StepEmbedding(step_embedding_dim)
        self.down = nn.ModuleList(block(a, b) for a, b in zip(dims[:-1], dims[1:], strict=True))
        self.down_again = nn.ModuleList(block(b, b) for b in dims[1:])
        self.downsample = nn.ModuleList(Conv(c, c, 3, stride=2) for c in dims[1:-1])
        self.middle = nn.ModuleList(block(dims[-1], dims[-1]) for _ in range(2))
        ups = list(zip(dims[1:-1], dims[2:], strict=True))[::-1]
        self.up = nn.ModuleList(block(2 * b, a) for a, b in ups)
        self.up_again = nn.ModuleList(block(a, a) for a, _ in ups)
        self.upsample = nn.ModuleList(Upsample(a) for a, _ in ups)
        n_local = 2 if local_horizon else 0
        self.local = nn.ModuleList(block(layout.token_dim, dims[1]) for _ in range(n_local))
        self.last = ConvBlock(dims[1], dims[1], kernel_size, n_groups)
        self.project = Conv(dims[1], action_dim, 1)

        n_global = 0 if local_horizon else layout.dim
        self.film = nn.Linear(step_embedding_dim + n_global, self.n_film)

    def modulation(self, timesteps: Tensor, condition: Tensor) -> Tensor:
        """Return what steers `denoise`, (B, F), for timesteps (B,) and condition (B, C).

        These are the FiLM numbers of all blocks; with local conditioning followed by the two
        sequences (horizon, down_dims[0]) that are added.
        """
        step = self.step_embedding(timesteps)  # (B, step_embedding_dim)
        if not self.local_horizon:
            features = torch.cat((step, condition), dim=-1)
            film: Tensor = self.film(functional.mish(features))  # (B, F)
            return film
        film = self.film(functional.mish(step))  # (B, F')
        after = self.local_horizon - self.layout.n_obs_steps
        seen = functional.pad(self.layout.tokens(condition), (0, 0, 0, after))  # (B, T, token_dim)
        added = [block(seen, film).flatten(1) for block in self.local]  # (B, T down_dims[0]) each
        return torch.cat((film, *added), dim=-1)  # (B, F' + 2 T down_dims[0])

    def denoise(self, noisy: Tensor, modulation: Tensor) -> Tensor:
        """Predict the noise in noisy (B, T, A), given modulation (B, F)."""
        film = modulation[:, : self.n_film]  # (B, F')
        x, skips = noisy, []  # (B, T, A)
        if self.local_horizon:
            added = modulation[:, self.n_film :].reshape(len(x), 2, self.local_horizon, -1)
        for level in range(len(self.down)):  # with T' = T / 2^level and C = down_dims[level]
            x = self.down[level](x, film)  # (B, T', C)
            if self.local_horizon and level == 0:
                x = x + added[:, 0]
            x = self.down_again[level](x, film)  # (B, T', C)
            skips.append(x)
            if level < len(self.downsample):
                x = self.downsample[level](x)  # (B, T' / 2, C)
        for block in self.middle:
            x = block(x, film)  # (B, T', C), of the last level
        for level in range(len(self.up)):  # back: with T' and C of the last level but `level`
            x = torch.cat((x, skips.pop()), dim=-1)  # (B, T', 2 C)
            x = self.up[level](x, film)  # (B, T', C of the level before)
            x = self.up_again[level](x, film)  # the same
            x = self.upsample[level](x)  # (B, 2 T', C of the level before)
        if self.local_horizon:
            x = x + added[:, 1]  # (B, T, down_dims[0])
        noise: Tensor = self.project(self.last(x))  # (B, T, A)
        return noise

    def without_decay(self) -> list[str]:
        """Return the names of weights that are not to decay: none, as in the paper's code."""
        return []
