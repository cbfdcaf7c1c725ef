# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Segments of demonstrations as datasets, and back from a dataset for pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dp_core.contract import Contract
from dp_core.errors import DatasetError
from dp_core.replay_buffer import ReplayBuffer
from dp_sim.demonstration import Segment
from dp_sim.simulation import Simulation
import numpy as np
from numpy.typing import NDArray
import zarr

# Kept beside the contract's streams, so that other cameras can be rendered later.
_STATES = ('joint_positions', 'block_pose')


def pack(segments: Sequence[Segment], contract: Contract) -> ReplayBuffer:
    """Arrays of the contract's streams; images are rendered from the recorded states."""
    data = {
        'block': _stack([c for s in segments for c in s.corners]),
        'tool': _stack([t for s in segments for t in s.tool]),
        'action': _stack([a for s in segments for a in s.action]),
        'joint_positions': _stack([q for s in segments for q in s.joints]),
        'block_pose': _stack([b for s in segments for b in s.block]),
    }
    ends = np.cumsum([len(segment) for segment in segments], dtype=np.int64)
    return _with_pictures(data, ends, np.array([s.cut for s in segments]), contract)


def render_again(folder: Path, contract: Contract, max_frames: int) -> ReplayBuffer:
    """Read a dataset that `pack` made and give it the images of another contract.

    Takes whole segments, evenly spread over the dataset, up to `max_frames` (0 for all).
    """
    try:
        root = zarr.open_group(folder / 'replay_buffer.zarr', mode='r', zarr_format=2)
        names = ('block', 'tool', 'action', *_STATES)
        data = {name: np.asarray(root[f'data/{name}'][:]) for name in names}
        ends = np.asarray(root['meta/episode_ends'][:], dtype=np.int64)
        cut = np.asarray(root['meta/no_end_pad'][:], dtype=np.bool_)
    except (KeyError, OSError) as error:
        raise DatasetError(f'{folder} is not a dataset of dp_demonstrate: {error}') from error
    lengths = np.diff(ends, prepend=0)
    keep = np.ones(len(ends), dtype=np.bool_)
    if max_frames and ends[-1] > max_frames:
        order = np.random.default_rng(0).permutation(len(ends))
        keep[order[np.cumsum(lengths[order]) > max_frames]] = False
    frames = np.repeat(keep, lengths)
    data = {name: array[frames] for name, array in data.items()}
    return _with_pictures(data, np.cumsum(lengths[keep]), cut[keep], contract)


def _with_pictures(
    data: dict[str, NDArray[np.float32]],
    ends: NDArray[np.int64],
    cut: NDArray[np.bool_],
    contract: Contract,
) -> ReplayBuffer:
    names = [stream.name for stream in contract.low_dim]
    kept: dict[str, NDArray[np.generic]] = {
        name: data[name] for name in (*names, 'action', *_STATES)
    }
    simulation = Simulation()
    for stream in contract.images:
        pictures = np.empty((len(data['action']), *stream.size, 3), dtype=np.uint8)
        for k, (joints, block) in enumerate(zip(data['joint_positions'], data['block_pose'])):
            simulation.show(joints, block[:3], block[3:])
            pictures[k] = simulation.render(stream.name, *stream.size)
        kept[stream.name] = pictures
    simulation.close()
    return ReplayBuffer(kept, ends, cut)


def _stack(rows: Sequence[NDArray[np.float64]]) -> NDArray[np.float32]:
    return np.asarray(np.stack(rows), dtype=np.float32)
