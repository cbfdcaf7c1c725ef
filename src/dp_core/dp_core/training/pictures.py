# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a training set: in memory, or memory-mapped from a cache inside the dataset folder.

The store on disk is compressed in chunks of many frames, and a batch wants single ones: read from
there, a batch takes a thousand times as long. What does not fit into memory is therefore unpacked
once, into `cache/<stream>.npy`, and the operating system keeps the part of it that is in use.
"""

from __future__ import annotations

from collections.abc import Sequence
import json
import logging
import os
from pathlib import Path
from typing import Any

from dp_core.contract import Contract
from dp_core.errors import DatasetError
from dp_core.replay_buffer import in_memory
from dp_core.replay_buffer import load_datasets
from dp_core.replay_buffer import picture_bytes
from dp_core.replay_buffer import ReplayBuffer
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
import psutil

CACHE_FOLDER = 'cache'
GIB = 2**30
_LOG = logging.getLogger(__name__)
_ROWS = 256  # frames unpacked at a time


def chosen_cache(folders: Sequence[Path], cache: str, processes: int = 1) -> str:
    """Say where the pictures of datasets lie: 'memory' or 'disk', by size where it is 'auto'.

    Args:
        folders: datasets of one contract, read as one.
        cache: 'memory', 'disk' or 'auto'.
        processes: that hold them in memory on this machine, each its own copy.
    """
    size = sum(picture_bytes(folder) for folder in folders)
    if not size:
        return 'memory'
    free = psutil.virtual_memory().available
    if cache == 'auto':
        cache = 'memory' if size * processes <= free // 2 else 'disk'
    _LOG.info(
        'pictures: %.2f GiB%s, %.1f GiB of memory free: %s',
        size / GIB,
        f' for each of {processes} processes' if processes > 1 else '',
        free / GIB,
        f'memory-mapped from {folders[0]}/{CACHE_FOLDER}' if cache == 'disk' else 'held in memory',
    )
    return cache


def load_for_training(
    folders: Sequence[Path], cache: str = 'memory'
) -> tuple[Contract, ReplayBuffer]:
    """Read datasets of one contract as one; pictures into 'memory', or mapped from the 'disk'."""
    return load_datasets(folders, mapped if cache == 'disk' else in_memory)


def mapped(folder: Path, name: str, stored: Any) -> NDArray[Any]:
    """Return a stored array (T, ...) memory-mapped; numbers, which are small, in memory.

    Args:
        folder: of the dataset.
        name: of the stream.
        stored: the array in its store.

    Raises:
        DatasetError: the cache cannot be written.
    """
    if stored.ndim < 4:
        return in_memory(folder, name, stored)
    target = folder / CACHE_FOLDER / f'{name}.npy'
    stamp = json.dumps({'shape': list(stored.shape), 'store_ns': _changed_ns(folder, name)})
    note = target.with_suffix('.json')
    if not (target.exists() and note.exists() and note.read_text(encoding='utf-8') == stamp):
        try:
            _unpack(stored, target)
            note.write_text(stamp, encoding='utf-8')
        except OSError as error:
            raise DatasetError(
                f'cannot unpack {name!r} into {target} ({stored.nbytes / GIB:.2f} GiB): {error}; '
                'make room there, or take --cache memory'
            ) from error
    pictures: NDArray[Any] = np.load(target, mmap_mode='r')
    return pictures


def _unpack(stored: Any, target: Path) -> None:
    """Write all frames in one rename; processes that do it at the same time do not meet."""
    target.parent.mkdir(exist_ok=True)
    partial = target.with_suffix(f'.{os.getpid()}.partial')
    try:
        unpacked = np.lib.format.open_memmap(partial, 'w+', stored.dtype, stored.shape)
        for first in range(0, stored.shape[0], _ROWS):
            unpacked[first : first + _ROWS] = stored[first : first + _ROWS]
        unpacked.flush()
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _changed_ns(folder: Path, name: str) -> int:
    """When the store of a dataset folder was written last, or this stream of it."""
    stores = list(folder.glob('replay_buffer.zarr*'))
    inside = [path for store in stores for path in (store / 'data' / name).rglob('*')]
    return max(path.stat().st_mtime_ns for path in [*stores, *inside])


class Cutter:
    """Cuts windows out of the pictures of one camera, which may lie in several arrays."""

    def __init__(self, parts: Sequence[NDArray[np.uint8]], size: tuple[int, int]) -> None:
        """Prepare cuts of `size` (h, w) [pixel] out of parts (T, H, W, 3), one after another."""
        views = [sliding_window_view(p, (*size, 3), (1, 2, 3)) for p in parts]
        # [frame, top, left] is the cut (h, w, 3) that begins there; indexing copies it once.
        self._views = [view[:, :, :, 0] for view in views]
        self._ends = np.cumsum([len(part) for part in parts])
        self.places = self._views[0].shape[1:3]

    def cut(
        self, frames: NDArray[np.int64], tops: NDArray[np.int64], lefts: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """Return the cuts (B, n, h, w, 3) of frames (B, n) that begin at tops, lefts (B, 1)."""
        if len(self._views) == 1:
            return self._views[0][frames, tops, lefts]
        part = np.searchsorted(self._ends, frames[:, 0], side='right')  # episodes lie in one
        cuts = np.empty((*frames.shape, *self._views[0].shape[3:]), np.uint8)
        for k in np.unique(part):
            rows = part == k
            first = self._ends[k] - len(self._views[k])
            cuts[rows] = self._views[k][frames[rows] - first, tops[rows], lefts[rows]]
        return cuts
