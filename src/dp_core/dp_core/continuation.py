# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the next prediction continues: the chunks in force and the motion that is commanded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dp_core.action_space import ActionSpace
from dp_core.chunk import ActionChunk
from dp_core.trajectory import TrajectorySettings
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Times = NDArray[np.int64]
Commanded = Callable[[Times], Array]
# A warm start needs a chunk that speaks of this share of the new one's steps; from less it would
# begin with the held last step and little else.
MIN_OVERLAP = 0.25


class ChunkHistory:
    """The chunks that one run has sent and that have not run out, oldest observation first."""

    def __init__(self) -> None:
        self.chunks: tuple[ActionChunk, ...] = ()

    def add(self, chunk: ActionChunk) -> None:
        """Remember a chunk that was sent; forget those that end before its observation."""
        chunks = sorted((*self.chunks, chunk), key=lambda c: c.stamp_ns)
        newest_ns = chunks[-1].stamp_ns
        self.chunks = tuple(c for c in chunks if c.times_ns()[-1] > newest_ns)


@dataclass(frozen=True)
class Continuation:
    """How the next chunk is to go on.

    Attributes:
        settings: how chunks become motion.
        chunks: earlier chunks of the run in force, oldest first; none at its beginning.
        commanded: joint positions (M, J) [rad] commanded at times (M,) [ns], past ones and those
            to come until something new is sent.
        sent_until_ns: whatever the next chunk says, this much of what was sent is driven: until
            the next chunk takes over and its first knot, as far as is known [ns].
    """

    settings: TrajectorySettings
    chunks: tuple[ActionChunk, ...]
    commanded: Commanded
    sent_until_ns: int

    @property
    def ensemble_decay(self) -> float | None:
        """Decay of the weights in an ensemble [1/step]; None when chunks are not averaged."""
        return self.settings.ensemble_decay if self.settings.seam == 'ensemble' else None


@dataclass(frozen=True)
class KnownActions:
    """What is known of a prediction before it is made.

    Attributes:
        actions: (horizon, A) in the contract's units.
        weights: (horizon, A) in [0, 1]. 1: it is this action, for the arm will do it anyway;
            0: free; between: the earlier chunk meant to do this.
        skip: share of the denoising steps to leave out: begin with ``actions`` and some noise.
    """

    actions: Array
    weights: Array
    skip: float = 0.0


def known_actions(
    continuation: Continuation | None, times_ns: Times, space: ActionSpace
) -> KnownActions | None:
    """What the seams ``rtc`` and ``warm_start`` know of a prediction; None for nothing.

    Args:
        continuation: chunks in force and commanded motion; None for a prediction on its own.
        times_ns: (horizon,) that the prediction is meant for, the past ones too [ns].
        space: actions and joints.
    """
    if continuation is None or not continuation.chunks:
        return None
    seam = continuation.settings.seam
    if seam not in ('rtc', 'warm_start'):
        return None
    last = continuation.chunks[-1]
    planned = last.actions_at(times_ns, space)
    overlap = times_ns <= last.times_ns()[-1]  # (horizon,)
    if seam == 'warm_start':
        if np.count_nonzero(overlap) < MIN_OVERLAP * len(overlap):
            return None
        return KnownActions(planned, np.zeros_like(planned), continuation.settings.warm_start)
    # An action meant for a time is commanded by its device's latency earlier.
    latency_ns = np.array(space.number_latency_ns, dtype=np.int64)
    sent = times_ns[:, None] - latency_ns <= continuation.sent_until_ns  # (horizon, A)
    done = space.actions(_commanded_for(continuation.commanded, times_ns, space))
    weights = np.stack([rtc_weights(column, overlap) for column in sent.T], axis=1)
    return KnownActions(np.where(sent, done, planned), weights)


def rtc_weights(sent: NDArray[np.bool_], overlap: NDArray[np.bool_]) -> Array:
    """Weights (horizon,) of real-time chunking (Black et al., 2506.07339, equation 5).

    1 for steps that were sent; then c (e^c - 1) / (e - 1), where c falls in equal steps from 1 to
    0 over those of which the earlier chunk speaks as well; 0 beyond.
    """
    fading = overlap & ~sent
    count = int(np.count_nonzero(fading))
    c = np.arange(count, 0, -1) / (count + 1)
    weights = sent.astype(np.float64)
    weights[fading] = c * np.expm1(c) / np.expm1(1.0)
    return weights


def _commanded_for(commanded: Commanded, times_ns: Times, space: ActionSpace) -> Array:
    """Joint positions (M, J) commanded for what is meant for ``times_ns`` (M,)."""
    latency_ns = np.array(space.joint_latency_ns)
    positions = np.empty((len(times_ns), len(latency_ns)))
    for latency in np.unique(latency_ns):
        same = latency_ns == latency
        positions[:, same] = commanded(times_ns - latency)[:, same]
    return positions
