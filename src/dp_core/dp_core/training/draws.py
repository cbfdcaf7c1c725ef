# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What chance decides in one training step: a function of seed and step, a row for each guess.

A sequence may be guessed at several times, with other noise: then `each` rows in a row are its.
All processes draw for the whole batch and take their rows, so two processes see what one with
twice the batch would, and a run that goes on sees what the killed one would have seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.contract import Contract
from dp_core.device import moved
from dp_core.training.dropout import draw_row_keys
import torch
from torch import Tensor


@dataclass(frozen=True)
class Draws:
    """Chance of B sequences, R = B * each rows.

    Attributes:
        noise: (R, horizon, action_dim), standard normal.
        timesteps: (R,) diffusion steps.
        row_keys: (R,) what dropout is drawn from.
        each: rows of a sequence.
    """

    noise: Tensor
    timesteps: Tensor
    row_keys: Tensor
    each: int = 1

    def of(self, sequences: slice) -> Draws:
        """Return the rows of some of the sequences."""
        rows = slice(sequences.start * self.each, sequences.stop * self.each)
        return Draws(self.noise[rows], self.timesteps[rows], self.row_keys[rows], self.each)

    def to(self, device: torch.device) -> Draws:
        """Return the draws on `device`."""
        noise, timesteps = moved(self.noise, device), moved(self.timesteps, device)
        return Draws(noise, timesteps, moved(self.row_keys, device), self.each)


def draw(
    sequences: int,
    contract: Contract,
    train_timesteps: int,
    seed: int,
    step: int,
    each: int = 1,
) -> Draws:
    """Draw for the batch of a step, `each` times for a sequence."""
    rows = sequences * each
    shape = torch.Size((rows, contract.horizon, contract.action_dim))
    return Draws(
        *draw_noise(shape, train_timesteps, seed, step), draw_row_keys(rows, seed, step), each
    )


def draw_noise(
    shape: torch.Size, train_timesteps: int, seed: int, step: int
) -> tuple[Tensor, Tensor]:
    """Draw noise of `shape` (B, horizon, action_dim) and timesteps (B,) for one training step."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
    noise = torch.randn(shape, generator=generator)
    timesteps = torch.randint(train_timesteps, shape[:1], generator=generator)
    return noise, timesteps
