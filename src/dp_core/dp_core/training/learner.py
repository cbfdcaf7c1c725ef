# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What one training step changes: weights, their average and the optimiser's moments."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextlib import nullcontext
from typing import Any

from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.denoise import training_scheduler
from dp_core.device import device_of
from dp_core.errors import CheckpointError
from dp_core.networks.parameter_groups import ParameterGroup
from dp_core.normalize import Normalizer
from dp_core.policy import Policy
from dp_core.policy import PolicyNetwork
from dp_core.training.compute import compiled
from dp_core.training.compute import precision
from dp_core.training.dataset import Batch
from dp_core.training.draws import Draws
from dp_core.training.dropout import RowDropout
from dp_core.training.ema import Ema
from dp_core.training.loss import DenoisingLoss
from dp_core.training.options import TrainConfig
from dp_core.training.processes import Team
import torch
from torch import nn
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel


class Learner:
    """A network in training: `accumulate` gradients, once or more, then `update`."""

    def __init__(
        self,
        network: PolicyNetwork,
        config: PolicyConfig,
        options: TrainConfig,
        team: Team | None = None,
    ) -> None:
        """Take the network over and start its average and optimiser."""
        team = team or Team()
        self._device = device_of(options.device, team.local_rank)
        self._network = network.to(self._device).train()
        self._dropout = RowDropout(network)
        self._weights = {n: p for n, p in network.named_parameters() if p.requires_grad}
        self._ema = Ema(self._weights)
        self._optimizer = torch.optim.AdamW(
            optimizer_groups(network, options),
            options.learning_rate,
            betas=options.betas,
            fused=True,
        )
        self._noising = training_scheduler(config)
        self._loss_of = team.parallel(
            compiled(DenoisingLoss(network), options.compile, options.budget_cpu_s > 0),
            self._device,
        )
        self._options = options

    @property
    def timesteps(self) -> int:
        """Number of diffusion steps."""
        return len(self._noising.alphas_cumprod)

    def accumulate(self, batch: Batch, draws: Draws, last: bool = True) -> Tensor:
        """Add the gradients of one batch, and return its mean loss (scalar).

        Args:
            batch: B sequences.
            draws: their chance.
            last: nothing more is added before `update`; processes average their gradients then.
        """
        batch, draws = batch.to(self._device), draws.to(self._device)
        actions = batch.actions.repeat_interleave(draws.each, dim=0)
        noisy = self._noising.add_noise(actions, draws.noise, draws.timesteps)  # like noise
        self._dropout.draw_from(draws.row_keys)
        with self._alone() if not last else nullcontext():
            with precision(self._options.bf16, self._device):
                loss: Tensor = self._loss_of(
                    batch.low_dim, batch.images, noisy, draws.timesteps, draws.noise
                )
            (loss / self._options.accumulate).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _alone(self) -> AbstractContextManager[None]:
        """Return the context in which gradients stay in this process."""
        if isinstance(self._loss_of, DistributedDataParallel):
            return self._loss_of.no_sync()
        return nullcontext()

    def update(self, step: int, learning_rate: float) -> None:
        """Step with the gradients accumulated, and average the weights."""
        for group in self._optimizer.param_groups:
            group['lr'] = learning_rate * group['factor']
        if self._options.clip_norm:
            nn.utils.clip_grad_norm_(self._weights.values(), self._options.clip_norm)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._ema.update(self._weights.values(), step)

    def state(self) -> dict[str, Any]:
        """Return all that `restore` needs."""
        return {
            'network': self._network.state_dict(),
            'ema': self._ema.weights,
            'optimizer': self._optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a `state`.

        Raises:
            CheckpointError: its weights were grouped otherwise, as by an older version.
        """
        self._network.load_state_dict(state['network'])
        self._ema.weights = {n: v.to(self._device) for n, v in state['ema'].items()}
        try:
            self._optimizer.load_state_dict(state['optimizer'])
        except ValueError as error:
            raise CheckpointError(
                f'training_state.pt is of another version ({error}); remove it, or choose '
                'another --output'
            ) from error

    def policy(self, contract: Contract, config: PolicyConfig, normalizer: Normalizer) -> Policy:
        """Return a policy with a copy of the averaged weights, on the device of the training.

        They are rounded as a checkpoint stores them: what is scored is what is kept.
        """
        network = PolicyNetwork(contract, config)
        weights = {**self._network.state_dict(), **self._ema.weights}
        network.load_state_dict({name: value.half().float() for name, value in weights.items()})
        return Policy(contract, config, normalizer, network).to(self._device)


def optimizer_groups(network: PolicyNetwork, options: TrainConfig) -> list[dict[str, Any]]:
    """Return AdamW's groups: weights, weight decay and `factor` of the learning rate."""
    return [
        {
            'params': list(group.parameters.values()),
            'weight_decay': _decay(group, options),
            'factor': group.learning_rate,
        }
        for group in network.parameter_groups()
    ]


def _decay(group: ParameterGroup, options: TrainConfig) -> float:
    """Return the weight decay of a group; the original's encoders have one of their own, too."""
    if not group.decays:
        return 0.0
    return options.weight_decay if group.name == 'denoiser' else options.encoder_weight_decay
