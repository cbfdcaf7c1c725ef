# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Whether an input matters: the denoising loss when it is that of another moment.

A policy may be trained on forces and never look at them (diffusion_policy#156: setting them to
zero changed nothing). Zeros prove little, for no demonstration holds them. Here a stream gets the
values of other sequences of the data, all its ticks together: each value is one the policy knows,
only it does not belong (permutation importance; Breiman, Random Forests, 2001). What grows is the
loss on the very data with the same noise, so differences are those of the stream alone.

Where streams tell the same (an arm's joints and its tool's pose), either can be lost without
harm; so one row permutes each kind, and one everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dp_core.contract import Contract
from dp_core.denoise import training_scheduler
from dp_core.errors import DatasetError
from dp_core.evaluation.statistics import paired_difference
from dp_core.policy import Policy
from dp_core.replay_buffer import ReplayBuffer
from dp_core.training.dataset import Batch
from dp_core.training.dataset import SequenceDataset
import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor


@dataclass(frozen=True)
class Importance:
    """What permuting some streams does to the loss.

    Attributes:
        streams: those that were permuted together.
        loss: mean loss with them permuted.
        increase: mean of what each sequence's loss grew by.
        increase_ci95: its 95 % bootstrap interval over sequences.
    """

    streams: tuple[str, ...]
    loss: float
    increase: float
    increase_ci95: tuple[float, float]

    @property
    def matters(self) -> bool:
        """Whether the policy is worse without: the interval lies above 0."""
        return self.increase_ci95[0] > 0.0


@dataclass(frozen=True)
class Attribution:
    """The report of one policy on one dataset.

    Attributes:
        loss: mean denoising loss on the data as they are.
        sequences: that were drawn from the data.
        rows: one for each stream, each kind of streams and all of them.
    """

    loss: float
    sequences: int
    rows: tuple[Importance, ...]


def attribute(
    policy: Policy,
    buffer: ReplayBuffer,
    sequences: int = 512,
    draws: int = 8,
    seed: int = 0,
    batch: int = 128,
) -> Attribution:
    """Measure what each stream of ``policy`` is worth on demonstrations.

    Args:
        policy: a checkpoint's.
        buffer: demonstrations of the policy's contract.
        sequences: how many to draw; all if there are fewer.
        draws: noise and timesteps for each.
        seed: of sequences, partners and noise.
        batch: sequences at a time.

    Raises:
        DatasetError: fewer than two sequences, of the data or asked for.
    """
    data = SequenceDataset(policy.contract, buffer, 1.0, policy.normalizer)
    if (drawn := min(sequences, len(data))) < 2:
        raise DatasetError(f'{drawn} sequences, valid: 2 or more, for there is none to swap')
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(data))[:sequences]
    partners = np.roll(chosen, 1)  # of a random order: each gets another's
    plain = _losses(policy, data, chosen, chosen, (), draws, seed, batch)
    rows = []
    for streams in groups(policy.contract):
        permuted = _losses(policy, data, chosen, partners, streams, draws, seed, batch)
        difference = paired_difference(permuted.tolist(), plain.tolist())
        low, high = difference['ci95']
        rows.append(Importance(streams, float(permuted.mean()), difference['mean'], (low, high)))
    return Attribution(float(plain.mean()), len(chosen), tuple(rows))


def groups(contract: Contract) -> list[tuple[str, ...]]:
    """Return what is permuted together: each stream, each kind that has several, everything."""
    found: list[tuple[str, ...]] = [(stream.name,) for stream in contract.observations]
    for kind in (contract.low_dim, contract.images, contract.observations):
        names = tuple(stream.name for stream in kind)
        if len(names) > 1 and names not in found:
            found.append(names)
    return found


@torch.inference_mode()
def _losses(
    policy: Policy,
    data: SequenceDataset,
    chosen: NDArray[np.int64],
    partners: NDArray[np.int64],
    streams: Sequence[str],
    draws: int,
    seed: int,
    batch: int,
) -> NDArray[np.float64]:
    """Mean loss of each sequence (N,), its ``streams`` being those of its partner."""
    noising = training_scheduler(policy.config)
    levels = len(noising.alphas_cumprod)
    losses = []
    for first in range(0, len(chosen), batch):
        own = data.batch(chosen[first : first + batch]).to(policy.device)
        other = data.batch(partners[first : first + batch]).to(policy.device)
        condition = policy.network.encoder(*_mixed(own, other, streams))
        generator = torch.Generator().manual_seed(seed * 1_000_003 + first)
        total = torch.zeros(len(own.actions), device=policy.device)
        for _ in range(draws):
            noise = torch.randn(own.actions.shape, generator=generator).to(policy.device)
            steps = torch.randint(levels, own.actions.shape[:1], generator=generator)
            steps = steps.to(policy.device)
            noisy = noising.add_noise(own.actions, noise, steps)
            error = policy.network.denoiser(noisy, steps, condition) - noise
            total += error.square().mean(dim=(1, 2))  # (B,)
        losses.append(total.cpu() / draws)
    return torch.cat(losses).double().numpy()


def _mixed(
    own: Batch, other: Batch, streams: Sequence[str]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the observations of ``own`` with ``streams`` of ``other``."""
    low_dim = {n: (other if n in streams else own).low_dim[n] for n in own.low_dim}
    images = {n: (other if n in streams else own).images[n] for n in own.images}
    return low_dim, images
