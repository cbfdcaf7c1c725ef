# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What chance decides in one training step: a function of seed and step, one row per sequence.

All processes draw for the whole batch and take their rows, so two processes see what one with
twice the batch would, and a run that goes on sees what the killed one would have seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.contract import Contract
from dp_core.training.dropout import draw_row_keys
import torch
from torch import Tensor


@dataclass(frozen=True)
class Draws:
    """Chance of B rows.

    Attributes:
        noise: (B, horizon, action_dim), standard normal.
        timesteps: (B,) diffusion steps.
        row_keys: (B,) what dropout is drawn from.
    """

    noise: Tensor
    timesteps: Tensor
    row_keys: Tensor

    def of(self, rows: slice) -> Draws:
        """Return some of the rows."""
        return Draws(self.noise[rows], self.timesteps[rows], self.row_keys[rows])

    def to(self, device: torch.device) -> Draws:
        """Return the draws on `device`."""
        return Draws(*(t.to(device) for t in (self.noise, self.timesteps, self.row_keys)))


def draw(rows: int, contract: Contract, levels: int, seed: int, step: int) -> Draws:
    """Draw for the batch of `rows` sequences of a step; `levels` is the number of timesteps."""
    shape = torch.Size((rows, contract.horizon, contract.action_dim))
    return Draws(*draw_noise(shape, levels, seed, step), draw_row_keys(rows, seed, step))


def draw_noise(
    shape: torch.Size, train_timesteps: int, seed: int, step: int
) -> tuple[Tensor, Tensor]:
    """Draw noise of `shape` (B, horizon, action_dim) and timesteps (B,) for one training step."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
    noise = torch.randn(shape, generator=generator)
    timesteps = torch.randint(train_timesteps, shape[:1], generator=generator)
    return noise, timesteps
