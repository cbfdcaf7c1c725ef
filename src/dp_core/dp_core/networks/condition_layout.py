# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Where in the condition what was seen at which tick lies."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ConditionLayout:
    """The condition (B, dim) is made of parts one after another, each with all its ticks.

    Attributes:
        n_obs_steps: ticks of an observation window, oldest first.
        parts: numbers per tick of each part, for example all states together, then each camera.
    """

    n_obs_steps: int
    parts: tuple[int, ...]

    @property
    def token_dim(self) -> int:
        """Numbers that describe one tick."""
        return sum(self.parts)

    @property
    def dim(self) -> int:
        """Numbers of the whole condition."""
        return self.n_obs_steps * self.token_dim

    def tokens(self, condition: Tensor) -> Tensor:
        """Sort condition (B, dim) by ticks: (B, n_obs_steps, token_dim)."""
        parts = torch.split(condition, [self.n_obs_steps * n for n in self.parts], dim=-1)
        ticks = [part.reshape(len(part), self.n_obs_steps, -1) for part in parts]
        return torch.cat(ticks, dim=-1)  # (B, n_obs_steps, token_dim)
