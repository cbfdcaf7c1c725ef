# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Low-dimensional streams -> condition: all numbers of the window, oldest tick first."""

import torch
from torch import nn
from torch import Tensor


class StateEncoder(nn.Module):
    """Lines the normalised streams up as one vector, as Diffusion Policy does; no parameters."""

    def __init__(self, dims: tuple[int, ...], n_obs_steps: int) -> None:
        """Remember the size of each stream."""
        super().__init__()
        self.out_dim = sum(dims) * n_obs_steps

    def forward(self, streams: list[Tensor]) -> Tensor:
        """Join streams (B, n_obs_steps, dim_i) to (B, n_obs_steps * sum dim_i)."""
        return torch.cat(streams, dim=-1).flatten(1)
