# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The policy that Diffusion Policy replaces: the same network, fitted by least squares.

The U-Net's noisy actions are replaced by a ramp in time, always the same, and its target by the
demonstrated actions. What it learns is their mean given the observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dp_core.config import PolicyConfig
from dp_core.continuation import KnownActions
from dp_core.contract import Contract
from dp_core.evaluation.claims.fit import settings
from dp_core.policy import Policy
from dp_core.policy import PolicyNetwork
from dp_core.replay_buffer import ReplayBuffer
from dp_core.training.dataset import EpochOrder
from dp_core.training.dataset import SequenceDataset
from dp_core.training.ema import Ema
from dp_core.training.loss import DenoisingLoss
from dp_core.training.train import schedule
import torch
from torch import Tensor


def ramp(batch: int, contract: Contract) -> tuple[Tensor, Tensor]:
    """Return the input (batch, horizon, action_dim) from -1 to 1, and timesteps (batch,) of 0."""
    line = torch.linspace(-1.0, 1.0, contract.horizon)[None, :, None]
    return line.repeat(batch, 1, contract.action_dim), torch.zeros(batch, dtype=torch.int64)


class RegressionPolicy(Policy):
    """Predicts the mean; the generators, and what is known of it, are ignored."""

    @torch.inference_mode()
    def sample(
        self,
        condition: Tensor,
        generator: torch.Generator | Sequence[torch.Generator],
        known: KnownActions | None = None,
    ) -> Tensor:
        """Predict actions (B, horizon, action_dim), in [-1, 1], in one pass."""
        source, timesteps = ramp(len(condition), self.contract)
        there = condition.device
        actions: Tensor = self.network.denoiser(source.to(there), timesteps.to(there), condition)
        return actions


def fit_regression(
    contract: Contract,
    buffer: ReplayBuffer,
    config: PolicyConfig,
    steps: int,
    seed: int,
    batch_size: int = 256,
) -> RegressionPolicy:
    """Train like `fit`: the same batches, optimiser, learning rates and average of weights."""
    options = settings(Path('in memory'), Path('in memory'), steps, seed, batch_size)
    torch.manual_seed(seed)
    dataset = SequenceDataset(contract, buffer)
    network = PolicyNetwork(contract, config)
    weights = dict(network.named_parameters())
    optimizer = torch.optim.AdamW(
        weights.values(), betas=(0.95, 0.999), weight_decay=options.weight_decay, fused=True
    )
    ema, loss_of = Ema(weights), DenoisingLoss(network)
    order = EpochOrder(len(dataset), batch_size, seed)
    source, timesteps = ramp(batch_size, contract)
    for step in range(steps):
        batch = dataset.batch(order(step))
        loss = loss_of(batch.low_dim, batch.images, source, timesteps, batch.actions)
        for group in optimizer.param_groups:
            group['lr'] = options.learning_rate * schedule(step, step / steps, options)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        ema.update(weights.values(), step)
    network.load_state_dict(ema.weights)
    return RegressionPolicy(contract, config, dataset.normalizer, network)
