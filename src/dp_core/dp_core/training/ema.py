# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Exponential moving average of the weights: what is evaluated and shipped."""

from collections.abc import Iterable
from collections.abc import Mapping

import torch
from torch import Tensor


class Ema:
    """Average whose decay grows with the step, as the original code's: 1 - step ** -0.75.

    It is 0 for the first two steps, 0.999 at step 10,000 and `limit` from 215,000 on: the average
    spans step ** 0.75 steps, a third of the first hundred and a tenth of the first 10,000.
    """

    def __init__(
        self, weights: Mapping[str, Tensor], power: float = 0.75, limit: float = 0.9999
    ) -> None:
        """Start from a copy of `weights`."""
        self.power = power
        self.limit = limit
        self.weights = {name: value.detach().clone() for name, value in weights.items()}

    def decay(self, step: int) -> float:
        """Return the share of the old average that is kept at `step` (counted from 0)."""
        return min(self.limit, 1.0 - float(max(1, step) ** -self.power))

    @torch.no_grad()
    def update(self, weights: Iterable[Tensor], step: int) -> None:
        """Mix the current weights in, in the order of the constructor's mapping."""
        share = 1.0 - self.decay(step)
        torch._foreach_lerp_(list(self.weights.values()), list(weights), share)
