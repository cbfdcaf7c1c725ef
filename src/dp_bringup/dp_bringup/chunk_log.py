# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""chunks.npz: every chunk of a run, as the policy node published it. C chunks, N steps, J joints.

| key | shape | meaning |
|---|---|---|
| episode | (C,) | index of the chunk's episode in the run, from 0 |
| number | (C,) | of the chunk within its goal, from 0 |
| sent_ns | (C,) | ROS time of its take-over [ns] |
| times_ns | (C, N) | what its steps were meant for [ns] |
| positions | (C, N, J) | planned joint positions [rad] |
| cut_index | (C,) | first step that was sent; those before it were past |
| inference_s, observation_age_s | (C,) | of the prediction; of the observation when sent [s] |
| position_jump, velocity_jump | (C,) | between the plans at the take-over [rad], [rad/s] |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import fields
from pathlib import Path

from dp_bringup.npz_file import load_arrays
from dp_core.errors import DatasetError
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ChunkRecord:
    """One chunk that was sent; a row of the file."""

    number: int
    sent_ns: int
    times_ns: NDArray[np.int64]
    positions: NDArray[np.float64]
    cut_index: int
    inference_s: float
    observation_age_s: float
    position_jump: float
    velocity_jump: float


def write_chunks(path: Path, episodes: Sequence[Sequence[ChunkRecord]]) -> None:
    """Write the chunks of each episode of a run."""
    rows = [(index, chunk) for index, chunks in enumerate(episodes) for chunk in chunks]
    columns = {
        field.name: np.array([getattr(chunk, field.name) for _, chunk in rows])
        for field in fields(ChunkRecord)
    }
    np.savez_compressed(path, episode=np.array([index for index, _ in rows], np.int64), **columns)


def load_chunks(path: Path, episode: int) -> list[ChunkRecord]:
    """Read the chunks of one episode.

    Raises:
        DatasetError: the file cannot be read, or holds no chunk of that episode.
    """
    data = load_arrays(path, ['episode', *(field.name for field in fields(ChunkRecord))])
    rows = np.flatnonzero(data.pop('episode') == episode)
    if not len(rows):
        raise DatasetError(f'{path} holds no chunk of episode {episode}')
    whole = {name for name, values in data.items() if values.ndim > 1}
    return [
        ChunkRecord(**{k: v[row] if k in whole else v[row].item() for k, v in data.items()})
        for row in rows
    ]
