# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Training sequences cut from a replay buffer, as tensors that a step indexes directly.

What is one, T_o ticks seen and T_p actions with the first of them beside the first tick, is of
Chi et al. (2303.04137v5, "Diffusion for Visuomotor Policy Learning"); that they overlap both ends
of an episode, where its first or last frame is repeated, and the random crop of pictures ("Image
Augmentation") are as in their code.
"""

from __future__ import annotations

from dataclasses import dataclass
import logging

from dp_core.contract import Contract
from dp_core.device import moved
from dp_core.encode import cropped_size
from dp_core.errors import DatasetError
from dp_core.normalize import ACTION
from dp_core.normalize import Normalizer
from dp_core.replay_buffer import ReplayBuffer
from dp_core.training.pictures import Cutter
import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

_LOG = logging.getLogger(__name__)
# Half spans that a dataset may go beyond the limits given without a word; and how far its actions
# may lie from the middle at all.
SLACK, MAX_REACH = 1e-3, 1.5


def sequence_frames(buffer: ReplayBuffer, contract: Contract) -> NDArray[np.int32]:
    """List the frames of every training sequence, (N, horizon).

    A sequence may begin n_obs_steps - 1 frames before its episode and end n_action_steps - 1
    frames after it; the first or last frame is repeated there. Segments cut by a perturbation
    get no end padding: it would teach to stop.
    """
    horizon = contract.horizon
    parts = []
    start = 0
    for episode, (end, cut) in enumerate(zip(buffer.episode_ends, buffer.no_end_pad, strict=True)):
        length = int(end) - start
        if length < horizon and not cut:
            raise DatasetError(
                f'episode {episode} has {length} frames, but the horizon is {horizon}: '
                'remove the episode or shorten the horizon'
            )
        after = 0 if cut else contract.n_action_steps - 1
        firsts = np.arange(-(contract.n_obs_steps - 1), length - horizon + after + 1)
        frames = firsts[:, None] + np.arange(horizon)
        parts.append((start + frames.clip(0, length - 1)).astype(np.int32))
        start = int(end)
    sequences = np.concatenate(parts)
    if not len(sequences):
        raise DatasetError(f'no segment has the {horizon} frames of the horizon')
    return sequences


def check_range(normalizer: Normalizer, fitted: Normalizer) -> None:
    """Tell what lies beyond the limits of a policy that is trained on; `fitted` are the data's.

    Sampling clamps actions to the limits: those far beyond them would be learned and never given.

    Raises:
        DatasetError: actions lie far beyond.
    """
    for name, limits in fitted.ranges.items():
        reach = normalizer[name].reach(limits)  # (dim,)
        beyond = {int(k): round(float(reach[k]), 3) for k in np.flatnonzero(reach > 1.0 + SLACK)}
        if not beyond:
            continue
        text = (
            f'{name}: beyond the limits of the policy begun from, dimension -> times as far from '
            f'their middle: {beyond}'
        )
        if name == ACTION and max(beyond.values()) > MAX_REACH:
            raise DatasetError(
                f'{text}, valid: up to {MAX_REACH}; train from the beginning with all datasets, '
                'without --init-from'
            )
        _LOG.warning('%s', text + ('; the policy stops at them' if name == ACTION else ''))


@dataclass(frozen=True)
class Batch:
    """One training batch.

    Attributes:
        low_dim: name -> (B, n_obs_steps, dim) in [-1, 1].
        images: name -> (B, n_obs_steps, H, W, 3) uint8.
        actions: (B, horizon, action_dim) in [-1, 1].
    """

    low_dim: dict[str, Tensor]
    images: dict[str, Tensor]
    actions: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the batch on `device`."""
        low_dim = {name: moved(values, device) for name, values in self.low_dim.items()}
        images = {name: moved(values, device) for name, values in self.images.items()}
        return Batch(low_dim, images, moved(self.actions, device))


class SequenceDataset:
    """All frames in memory, numbers normalised once; batches by sequence number."""

    def __init__(
        self,
        contract: Contract,
        buffer: ReplayBuffer,
        image_crop: float = 1.0,
        normalizer: Normalizer | None = None,
    ) -> None:
        """Fit the normaliser (or use the one given) and cut the sequences.

        Raises:
            DatasetError: numbers are not finite, actions lie far beyond the limits given, or
                an episode is too short.
        """
        names = [s.name for s in contract.low_dim] + [ACTION]
        channels = {s.name: s.channels for s in contract.low_dim if s.samples > 1}
        fitted = Normalizer.fit({n: buffer.data[n] for n in names}, channels)
        self.normalizer = normalizer or fitted
        for name, indices in self.normalizer.constant_dimensions().items():
            _LOG.warning('%s: dimensions %s are constant and map to 0', name, indices)
        if normalizer:
            check_range(normalizer, fitted)
        unit = {n: torch.from_numpy(self.normalizer[n].normalize(buffer.data[n])) for n in names}
        self._actions = unit.pop(ACTION)
        self._low_dim = unit
        self._images = {
            s.name: Cutter(
                getattr(buffer.data[s.name], 'parts', [buffer.data[s.name]]),
                cropped_size(s.size, image_crop),
            )
            for s in contract.images
        }
        self._frames = torch.from_numpy(sequence_frames(buffer, contract)).long()
        self._n_obs_steps = contract.n_obs_steps

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self._frames)

    def batch(
        self,
        sequences: NDArray[np.int64],
        seed: int = 0,
        step: int = 0,
        rows: slice = slice(None),
    ) -> Batch:
        """Gather `rows` of the sequences with these numbers (G,).

        Images are cut at a place drawn from (seed, step) and the row, the same for all ticks of
        a window.
        """
        frames = self._frames[torch.from_numpy(sequences[rows])]  # (B, horizon)
        seen = frames[:, : self._n_obs_steps]  # (B, n_obs_steps)
        rng = np.random.default_rng([seed, step])
        images = {}
        for name, cutter in self._images.items():
            tops, lefts = (
                rng.integers(places, size=(len(sequences), 1))[rows] for places in cutter.places
            )
            images[name] = torch.from_numpy(cutter.cut(seen.numpy(), tops, lefts))
        low_dim = {name: values[seen] for name, values in self._low_dim.items()}
        return Batch(low_dim, images, self._actions[frames])


class EpochOrder:
    """Shuffled order of sequences as a pure function of (seed, step): resumes exactly."""

    def __init__(self, n_sequences: int, batch_size: int, seed: int) -> None:
        """Take whole batches only; a set smaller than one batch is repeated."""
        self._n = n_sequences
        self._batch_size = batch_size
        self._seed = seed
        self.steps_per_epoch = max(1, n_sequences // batch_size)
        self._epoch = -1
        self._order = np.zeros(0, dtype=np.int64)

    def __call__(self, step: int) -> NDArray[np.int64]:
        """Return the sequence numbers (batch_size,) of a step counted from 0."""
        epoch, index = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            order = np.random.default_rng([self._seed, epoch]).permutation(self._n)
            self._order = np.resize(order, max(self._n, self._batch_size))
            self._epoch = epoch
        return self._order[index * self._batch_size : (index + 1) * self._batch_size]
