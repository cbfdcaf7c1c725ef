# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a new chunk continues: the chunks of its run that still speak of times to come."""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.chunk import ActionChunk
from dp_core.trajectory import TrajectorySettings


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
    """

    settings: TrajectorySettings
    chunks: tuple[ActionChunk, ...] = ()

    @property
    def ensemble_decay(self) -> float | None:
        """Decay of the weights in an ensemble [1/step]; None when chunks are not averaged."""
        return self.settings.ensemble_decay if self.settings.seam == 'ensemble' else None
