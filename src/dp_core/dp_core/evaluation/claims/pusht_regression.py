# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Behaviour cloning by regression: the same windows and chunks, but one answer, the mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dp_core.contract import Contract
from dp_core.encode import stack_windows
from dp_core.normalize import ACTION
from dp_core.normalize import Normalizer
from dp_core.observation import ObservationWindow
from dp_core.replay_buffer import load_dataset
from dp_core.training.dataset import EpochOrder
from dp_core.training.dataset import SequenceDataset
import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file
from safetensors.torch import save_file
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional

WIDTH = 512
LEARNING_RATE = 1e-3


class Regression:
    """A perceptron with two hidden layers, used like a Policy.

    Its outputs share nothing but the hidden layers, so that the first one is what a policy
    that predicts a single step would learn.
    """

    def __init__(self, contract: Contract, normalizer: Normalizer) -> None:
        """Create it with random weights."""
        self.contract = contract
        self.normalizer = normalizer
        n_in = contract.n_obs_steps * sum(s.dim for s in contract.low_dim)
        self.network = nn.Sequential(
            nn.Linear(n_in, WIDTH),
            nn.Mish(),
            nn.Linear(WIDTH, WIDTH),
            nn.Mish(),
            nn.Linear(WIDTH, contract.horizon * contract.action_dim),
        )

    def forward(self, low_dim: dict[str, Tensor]) -> Tensor:
        """Map name -> (B, n_obs_steps, dim) to actions (B, horizon, action_dim), in [-1, 1]."""
        seen = [low_dim[s.name].flatten(1) for s in self.contract.low_dim]
        flat: Tensor = self.network(torch.cat(seen, dim=1))
        return flat.reshape(-1, self.contract.horizon, self.contract.action_dim)

    @torch.inference_mode()
    def predict_batch(
        self, windows: Sequence[ObservationWindow], seeds: Sequence[int]
    ) -> NDArray[np.float32]:
        """Predict actions (B, horizon, action_dim) in physical units; nothing is drawn."""
        low_dim, _ = stack_windows(windows, self.contract, self.normalizer)
        return self.normalizer[ACTION].unnormalize(self.forward(low_dim).numpy())


def regressed(
    dataset: Path, weights: Path, steps: int, seed: int, batch_size: int = 256
) -> Regression:
    """Return the regression on a dataset, after training it where `weights` is missing.

    Same batches, optimiser and falling learning rate as `dp_train`.
    """
    torch.manual_seed(seed)
    contract, buffer = load_dataset(dataset)
    sequences = SequenceDataset(contract, buffer)
    policy = Regression(contract, sequences.normalizer)
    if weights.exists():
        policy.network.load_state_dict(load_file(weights))
        return policy
    order = EpochOrder(len(sequences), batch_size, seed)
    optimizer = torch.optim.AdamW(policy.network.parameters(), LEARNING_RATE, weight_decay=1e-6)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        batch = sequences.batch(order(step))
        loss = functional.mse_loss(policy.forward(batch.low_dim), batch.actions)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        falling.step()
    weights.parent.mkdir(parents=True, exist_ok=True)
    save_file(policy.network.state_dict(), weights)
    return policy
