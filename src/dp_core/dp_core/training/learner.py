# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What one training step changes: weights, their average and the optimiser's moments."""

from __future__ import annotations

from typing import Any

from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.denoise import training_scheduler
from dp_core.normalize import Normalizer
from dp_core.policy import Policy
from dp_core.policy import PolicyNetwork
from dp_core.training.compute import compiled
from dp_core.training.compute import precision
from dp_core.training.dataset import Batch
from dp_core.training.ema import Ema
from dp_core.training.loss import DenoisingLoss
from dp_core.training.loss import draw_noise
from dp_core.training.options import TrainConfig
import torch
from torch import Tensor


class Learner:
    """A network in training."""

    def __init__(self, network: PolicyNetwork, config: PolicyConfig, options: TrainConfig) -> None:
        """Take the network over and start its average and optimiser."""
        self._network = network.train()
        self._weights = dict(network.named_parameters())
        self._ema = Ema(self._weights)
        self._optimizer = torch.optim.AdamW(
            self._weights.values(),
            options.learning_rate,
            betas=(0.95, 0.999),
            weight_decay=options.weight_decay,
            fused=True,
        )
        self._noising = training_scheduler(config)
        self._loss_of = compiled(DenoisingLoss(network), options.compile)
        self._bf16 = options.bf16
        self._seed = options.seed

    def learn(self, batch: Batch, step: int, learning_rate: float) -> Tensor:
        """Take one step and return its loss (scalar); noise follows from seed and step."""
        levels = len(self._noising.alphas_cumprod)
        noise, timesteps = draw_noise(batch.actions.shape, levels, self._seed, step)
        noisy = self._noising.add_noise(
            batch.actions, noise, timesteps
        )  # (B, horizon, action_dim)
        with precision(self._bf16):
            loss: Tensor = self._loss_of(batch.low_dim, batch.images, noisy, timesteps, noise)
        for group in self._optimizer.param_groups:
            group['lr'] = learning_rate
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self._ema.update(self._weights.values(), step)
        return loss.detach()

    def state(self) -> dict[str, Any]:
        """Return all that `restore` needs."""
        return {
            'network': self._network.state_dict(),
            'ema': self._ema.weights,
            'optimizer': self._optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a `state`."""
        self._network.load_state_dict(state['network'])
        self._ema.weights = state['ema']
        self._optimizer.load_state_dict(state['optimizer'])

    def policy(self, contract: Contract, config: PolicyConfig, normalizer: Normalizer) -> Policy:
        """Return a policy with the averaged weights."""
        network = PolicyNetwork(contract, config)
        network.load_state_dict(self._ema.weights)
        return Policy(contract, config, normalizer, network)
