# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The denoising loss: how well the network guesses the noise mixed into demonstrated actions.

Equation 5 of Chi et al. (2303.04137v5, "Diffusion for Visuomotor Policy Learning").
"""

from collections.abc import Mapping

from dp_core.policy import PolicyNetwork
from torch import nn
from torch import Tensor
from torch.nn import functional


class DenoisingLoss(nn.Module):
    """Mean squared error of the predicted noise (2006.11239, equation 14)."""

    def __init__(self, network: PolicyNetwork) -> None:
        """Wrap the network, so that encoder, denoiser and loss compile as one graph."""
        super().__init__()
        self.network = network

    def forward(
        self,
        low_dim: Mapping[str, Tensor],
        images: Mapping[str, Tensor],
        noisy: Tensor,
        timesteps: Tensor,
        noise: Tensor,
    ) -> Tensor:
        """Return the loss (scalar).

        An observation may be shared by the R / B rows that follow each other; it is encoded once
        (2406.11838, section 3.2, does so with tokens).

        Args:
            low_dim: name -> (B, n_obs_steps, dim) in [-1, 1].
            images: name -> (B, n_obs_steps, H, W, 3) uint8.
            noisy: (R, horizon, action_dim), actions mixed with noise.
            timesteps: (R,) diffusion steps.
            noise: (R, horizon, action_dim), what was mixed in.
        """
        condition = self.network.encoder(low_dim, images)  # (B, C)
        condition = condition.repeat_interleave(len(noisy) // len(condition), dim=0)  # (R, C)
        predicted = self.network.denoiser(noisy, timesteps, condition)
        return functional.mse_loss(predicted.float(), noise)
