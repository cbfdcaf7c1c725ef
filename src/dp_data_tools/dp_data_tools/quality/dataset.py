# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Episodes of a dataset folder, read one at a time: pictures of many do not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dp_core.contract import Contract
from dp_core.contract import Stream
from dp_data_tools import dataset_folder
from dp_data_tools.axes import stream_axes
from dp_data_tools.dataset_folder import Dataset
from dp_data_tools.quality.collect import thumbnail
from dp_data_tools.quality.collect import THUMBNAILS
from dp_data_tools.quality.episode import Array
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import METRE
from dp_data_tools.quality.episode import Pictures
from dp_data_tools.quality.episode import RADIAN
from dp_data_tools.quality.episode import Track
from dp_data_tools.quality.pairs import pair_by_names
from dp_data_tools.quality.pairs import pair_vectors
import numpy as np
from numpy.typing import NDArray


class DatasetFolder:
    """An open dataset.

    Attributes:
        path: its folder.
        contract: what its numbers mean.
        ends: (E,) exclusive end rows of its episodes.
        arrays: name -> array of all rows, read where it is sliced.
        origins: one entry for each episode, of `convert`; empty where it did not make it.
    """

    def __init__(self, dataset: Dataset) -> None:
        """Use `open_dataset`."""
        self.path, self.contract = dataset.path, dataset.contract
        self.ends, self.arrays = dataset.buffer.episode_ends, dataset.buffer.data
        self.origins = dataset.origins

    def rows(self, name: str, index: int) -> NDArray[Any]:
        """Rows of one episode of one array."""
        start = int(self.ends[index - 1]) if index else 0
        return self.arrays[name][start : int(self.ends[index])]

    def episode(self, index: int, pictures: bool = True) -> Episode:
        """Read one episode; without ``pictures`` only its numbers."""
        contract = self.contract
        action = self.rows('action', index).astype(np.float64)
        times_s = np.arange(len(action)) * contract.dt_s
        states = [
            track
            for stream in contract.low_dim
            for track in _state_tracks(stream, times_s, self.rows(stream.name, index))
        ]
        actions = _action_tracks(contract, times_s, action)
        origin = self.origins[index] if self.origins else {}
        images = contract.images if pictures else ()
        return Episode(
            source=str(self.path),
            index=index,
            bag=str(origin.get('bag', '')),
            duration_s=len(times_s) * contract.dt_s,
            states=tuple(states),
            actions=tuple(actions),
            pairs=pair_by_names(actions, states) or pair_vectors(actions, states),
            pictures=tuple(_pictures(s, times_s, self.rows(s.name, index)) for s in images),
            part=int(origin.get('episode', 0)),
        )


@contextmanager
def open_dataset(path: Path) -> Iterator[DatasetFolder]:
    """Open a dataset folder, ours or LeRobot's.

    Raises:
        DatasetError: there is none, it is damaged, or lacks what its contract names.
    """
    with dataset_folder.open_dataset(path) as dataset:
        yield DatasetFolder(dataset)


def _state_tracks(stream: Stream, times_s: Array, values: NDArray[Any]) -> list[Track]:
    """Tracks of one stream; positions and rotations of a pose have units of their own."""
    values = values.astype(np.float64)
    if stream.kind == 'joint_state':
        return [Track(stream.name, stream_axes(stream), times_s, values, RADIAN)]
    if stream.kind != 'pose':
        return [Track(stream.name, stream_axes(stream), times_s, values)]
    names = [(axis, METRE if axis[0] in 'xyz' else '') for axis in stream_axes(stream)]
    tracks = []
    for unit, suffix in ((METRE, ''), ('', ' rotation')):
        columns = [k for k, name in enumerate(names) if name[1] == unit]
        if columns:
            dims = tuple(names[k][0] for k in columns)
            tracks.append(Track(stream.name + suffix, dims, times_s, values[:, columns], unit))
    return tracks


def _action_tracks(contract: Contract, times_s: Array, values: Array) -> list[Track]:
    """One track for each action group."""
    tracks, first = [], 0
    for group in contract.actions:
        columns = values[:, first : first + len(group.dims)]
        first += len(group.dims)
        dims, unit = {
            'joint_position': (group.joints, RADIAN),
            'tool_plane': (('x', 'y'), METRE),
        }.get(group.kind, (group.dims, ''))
        name = f'action/{group.name}' if len(contract.actions) > 1 else 'action'
        low, high = np.array(group.low, float), np.array(group.high, float)
        tracks.append(Track(name, dims, times_s, columns, unit, low, high))
    return tracks


def _pictures(stream: Stream, times_s: Array, pictures: NDArray[np.uint8]) -> Pictures:
    """What is known of the pictures (T, H, W, 3) of one episode."""
    stride = max(1, int(np.sqrt(pictures[0, ..., 0].size / 2000)))
    coarse = pictures[:, ::stride, ::stride].reshape(len(pictures), -1)
    repeats = np.zeros(len(pictures), dtype=np.bool_)
    for k in range(1, len(pictures)):
        same = np.array_equal(coarse[k], coarse[k - 1])
        repeats[k] = same and np.array_equal(pictures[k], pictures[k - 1])
    every = max(1, -(-len(pictures) // THUMBNAILS))
    thumbnails = tuple(
        (float(times_s[k]), thumbnail(pictures[k])) for k in range(0, len(pictures), every)
    )
    unknown = np.full(len(pictures), np.nan)  # how bright is depth?
    return Pictures(
        stream.name,
        times_s,
        unknown if stream.depth_m else coarse.mean(axis=1),
        unknown if stream.depth_m else coarse.std(axis=1),
        repeats,
        thumbnails=thumbnails,
    )
