# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The denoiser that no training can beat, where the demonstrated actions are Gaussian."""

from __future__ import annotations

from collections.abc import Callable

from dp_core.config import PolicyConfig
from dp_core.denoise import sample
from dp_core.denoise import sampling_scheduler
from dp_core.denoise import training_scheduler
import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor


class GaussianDenoiser:
    """The exact conditional mean of the noise, as a `dp_core.networks.denoiser.Denoiser`.

    Given the state, let the actions be x_0 ~ N(m, S). Mixed with noise, x_k = sqrt(c) x_0 +
    sqrt(1 - c) eps, where c is the schedule's `alphas_cumprod[k]`. What minimises the training
    loss is the mean of eps given x_k:

        sqrt(1 - c) (c S + (1 - c) I)^-1 (x_k - sqrt(c) m)

    With S = 0 and m = -K s this is the paper's (a + K s) / sigma, for a schedule that scales
    the actions down while it mixes the noise in.
    """

    def __init__(
        self, mean: Callable[[Tensor], Tensor], spread: NDArray[np.float64], config: PolicyConfig
    ) -> None:
        """Invert once for each diffusion step.

        Args:
            mean: maps conditions (B, C) to m (B, horizon, action_dim).
            spread: S, (horizon * action_dim, horizon * action_dim).
            config: names the schedule.
        """
        kept = training_scheduler(config).alphas_cumprod.double()[:, None, None]  # (K, 1, 1)
        noisy = kept * torch.from_numpy(spread) + (1.0 - kept) * torch.eye(len(spread))
        self._gain = ((1.0 - kept).sqrt() * torch.linalg.inv(noisy)).float()  # (K, n, n)
        self._scale = kept.sqrt().float()  # (K, 1, 1)
        self._mean = mean

    def modulation(self, timesteps: Tensor, condition: Tensor) -> Tensor:
        """Return what `denoise` needs beside the noisy actions: (B, 1 + C)."""
        return torch.cat((timesteps[:, None].float(), condition), dim=-1)

    def denoise(self, noisy: Tensor, modulation: Tensor) -> Tensor:
        """Return the mean of the noise in noisy (B, horizon, action_dim)."""
        step = modulation[:, 0].long()
        rest = noisy - self._scale[step] * self._mean(modulation[:, 1:])
        noise: Tensor = self._gain[step] @ rest.flatten(1)[:, :, None]  # (B, n, 1)
        return noise.reshape(noisy.shape)

    def sample(self, config: PolicyConfig, condition: Tensor, start: Tensor, seed: int) -> Tensor:
        """Denoise start (B, horizon, action_dim) in the same loop as every policy."""
        sources = [torch.Generator().manual_seed(seed + row) for row in range(len(start))]
        return sample(self, sampling_scheduler(config), condition, start, sources)
