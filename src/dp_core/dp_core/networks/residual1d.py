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
    """Two convolution blocks with a FiLM between them and a shortcut around them.

    Attributes:
        n_film: how many numbers of a FiLM it takes.
        numbers: which ones.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel_size: int,
        n_groups: int,
        film: str = 'scale_and_shift',
        first: int = 0,
    ) -> None:
        """Create one block from n_in to n_out channels.

        Args:
            n_in: channels before.
            n_out: channels after.
            kernel_size: taps of the convolutions (odd).
            n_groups: groups of the normalisations.
            film: kind of FiLM.
            first: where its numbers begin among those of many blocks.
        """
        super().__init__()
        self.film = film
        self.n_film = FILM_NUMBERS[film] * n_out
        self.numbers = slice(first, first + self.n_film)
        self.first = ConvBlock(n_in, n_out, kernel_size, n_groups)
        self.second = ConvBlock(n_out, n_out, kernel_size, n_groups)
        self.shortcut = Conv(n_in, n_out, 1) if n_in != n_out else nn.Identity()

    def forward(self, x: Tensor, film: Tensor) -> Tensor:
        """Map x (B, T, C_in) to (B, T, C_out) under its `numbers` of film (B, F)."""
        steered = modulate(self.film, self.first(x), film[:, self.numbers])  # (B, T, C_out)
        hidden: Tensor = self.second(steered)  # (B, T, C_out)
        shortcut: Tensor = self.shortcut(x)  # (B, T, C_out)
        return hidden + shortcut
