# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The block that the 1-D U-Net is made of: two convolutions, steered by a FiLM between them."""

from dp_core.networks.conv1d import Conv
from dp_core.networks.conv1d import GroupNorm
from dp_core.networks.film import FILM_NUMBERS
from dp_core.networks.film import modulate
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

    def __init__(
        self, n_in: int, n_out: int, kernel_size: int, n_groups: int, film: str = 'scale_and_shift'
    ) -> None:
        """Create one block from n_in to n_out channels, with a FiLM of this kind."""
        super().__init__()
        self.film = film
        self.n_film = FILM_NUMBERS[film] * n_out
        self.first = ConvBlock(n_in, n_out, kernel_size, n_groups)
        self.second = ConvBlock(n_out, n_out, kernel_size, n_groups)
        self.shortcut = Conv(n_in, n_out, 1) if n_in != n_out else nn.Identity()

    def forward(self, x: Tensor, film: Tensor) -> Tensor:
        """Map x (B, T, C_in) to (B, T, C_out) under film (B, n_film)."""
        hidden: Tensor = self.second(modulate(self.film, self.first(x), film))
        shortcut: Tensor = self.shortcut(x)
        return hidden + shortcut
