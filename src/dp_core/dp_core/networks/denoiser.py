# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What every denoising network offers, whatever is inside: two verbs, `modulation` and `denoise`.

A sampler calls the network once for each denoising step with the same observation. What does not
depend on the noisy actions is therefore a verb of its own: `modulation` is called once for all
steps of a chunk, before the loop, and `denoise` inside it. Called as a module, a network does
both, so training and sampling are the same arithmetic.
"""

from abc import ABC
from abc import abstractmethod
from typing import Protocol

from torch import nn
from torch import Tensor


class Denoiser(Protocol):
    """Predicts the noise in a noisy action sequence, given diffusion step and condition.

    The noise prediction network of Chi et al. (2303.04137v5, "Diffusion Policy Formulation").
    """

    def modulation(self, timesteps: Tensor, condition: Tensor) -> Tensor:
        """Return what steers `denoise`, (B, ...), of timesteps (B,) and condition (B, C).

        What lies behind the first dimension is the network's own affair: numbers of a FiLM, or
        keys and values of an attention.
        """

    def denoise(self, noisy: Tensor, modulation: Tensor) -> Tensor:
        """Predict the noise in noisy (B, T, A), given modulation (B, ...)."""


class DenoisingNetwork(nn.Module, ABC):
    """A `Denoiser` that is trained."""

    @abstractmethod
    def modulation(self, timesteps: Tensor, condition: Tensor) -> Tensor:
        """As `Denoiser.modulation`."""

    @abstractmethod
    def denoise(self, noisy: Tensor, modulation: Tensor) -> Tensor:
        """As `Denoiser.denoise`."""

    @abstractmethod
    def without_decay(self) -> list[str]:
        """Return the names of weights that are not to decay."""

    def forward(self, noisy: Tensor, timesteps: Tensor, condition: Tensor) -> Tensor:
        """Predict the noise in noisy (B, T, A); timesteps (B,), condition (B, C)."""
        return self.denoise(noisy, self.modulation(timesteps, condition))
