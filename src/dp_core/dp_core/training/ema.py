# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Exponential moving average of the weights: what is evaluated and shipped."""

from collections.abc import Iterable
from collections.abc import Mapping

import torch
from torch import Tensor


class Ema:
    """Average with a decay that grows with the step: 1 - (1 + step) ** -power, at most `limit`."""

    def __init__(
        self, weights: Mapping[str, Tensor], power: float = 0.75, limit: float = 0.9995
    ) -> None:
        """Start from a copy of `weights`."""
        self.power = power
        self.limit = limit
        self.weights = {name: value.detach().clone() for name, value in weights.items()}

    def decay(self, step: int) -> float:
        """Return the share of the old average that is kept at `step` (counted from 0)."""
        return min(self.limit, 1.0 - float((1.0 + step) ** -self.power))

    @torch.no_grad()
    def update(self, weights: Iterable[Tensor], step: int) -> None:
        """Mix the current weights in, in the order of the constructor's mapping."""
        share = 1.0 - self.decay(step)
        torch._foreach_lerp_(list(self.weights.values()), list(weights), share)
