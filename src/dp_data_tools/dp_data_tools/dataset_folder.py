# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A dataset folder of either format, opened: its arrays stay on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any
import zipfile

from dp_core.contract import Contract
from dp_core.errors import DatasetError
from dp_core.replay_buffer import CONTRACT_FILE
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import STORES
from dp_data_tools.lerobot.layout import is_lerobot
from dp_data_tools.lerobot.layout import META
from dp_data_tools.lerobot.read import open_lerobot
import numpy as np
from numpy.typing import NDArray
import yaml
import zarr
from zarr.errors import BaseZarrError
from zarr.storage import LocalStore
from zarr.storage import ZipStore

EPISODES_FILE = 'episodes.yaml'
CONVERSION_FILE = 'conversion.yaml'
_READ_ERRORS = (BaseZarrError, KeyError, ValueError, OSError, RuntimeError, zipfile.BadZipFile)


@dataclass(frozen=True)
class Dataset:
    """An open dataset.

    Attributes:
        path: its folder.
        contract: what its numbers mean.
        buffer: its episodes; the arrays are read where they are sliced.
        origins: one entry for each episode, of `convert`; empty where it did not make it.
        conversion: what `convert` was asked for, likewise.
        tasks: of each episode; '' where it is not known.
        left_out: what a LeRobot dataset has besides.
    """

    path: Path
    contract: Contract
    buffer: ReplayBuffer
    origins: list[dict[str, Any]]
    conversion: dict[str, Any]
    tasks: list[str]
    left_out: tuple[str, ...] = ()


def is_dataset(path: Path) -> bool:
    """Whether a folder is a dataset."""
    return any((path / name).exists() for name in STORES) or is_lerobot(path)


@contextmanager
def open_dataset(
    path: Path, contract: Contract | None = None, without_images: bool = False
) -> Iterator[Dataset]:
    """Open a dataset folder: its zarr store, or what LeRobot has where there is none.

    Args:
        path: of the folder.
        contract: what to take of a LeRobot dataset; None for what it says itself.
        without_images: leave the cameras of a LeRobot dataset out.

    Raises:
        DatasetError: there is none, it is damaged, or lacks what its contract names.
        ContractError: it does not hold what the contract asks for.
    """
    found = [path / name for name in STORES if (path / name).exists()]
    if not found and not is_lerobot(path):
        raise DatasetError(f'{path} holds none of {list(STORES)}, and is no LeRobot dataset')
    if not found:
        with open_lerobot(path, contract, without_images) as (own, buffer, tasks, left):
            yield replace(_dataset(path, path / META, own, buffer, tasks), left_out=tuple(left))
        return
    if contract is not None or without_images:
        raise DatasetError(
            f'{path} is a dataset of ours: it has its contract and its images; another contract, '
            'or none of the images, can be taken of LeRobot datasets'
        )
    with _open_store(found[0]) as buffer:
        own = Contract.load(path / CONTRACT_FILE)
        wanted = [s.name for s in own.observations] + ['action']
        if missing := [name for name in wanted if name not in buffer.data]:
            raise DatasetError(f'{path} lacks {missing}; it has {list(buffer.data)}')
        yield _dataset(path, path, own, buffer, [])


def _dataset(
    path: Path, papers: Path, contract: Contract, buffer: ReplayBuffer, tasks: list[str]
) -> Dataset:
    count = len(buffer.episode_ends)
    entries = _yaml(papers / EPISODES_FILE)
    origins = entries if isinstance(entries, list) and len(entries) == count else []
    about = _yaml(papers / CONVERSION_FILE)
    if not tasks:
        tasks = [str(entry.get('task', '')) for entry in origins] or [''] * count
    return Dataset(
        path, contract, buffer, origins, about if isinstance(about, dict) else {}, tasks
    )


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding='utf-8')) if path.exists() else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DatasetError(f'cannot read {path}: {error}') from error


@contextmanager
def _open_store(path: Path) -> Iterator[ReplayBuffer]:
    store: Any = None
    try:
        zipped = path.suffix == '.zip'
        store = ZipStore(path, mode='r') if zipped else LocalStore(path, read_only=True)
        root: Any = zarr.open_group(store, mode='r', zarr_format=2)
        ends = np.asarray(root['meta/episode_ends'][:], dtype=np.int64)
        pad = np.zeros(len(ends), dtype=np.bool_)
        if 'meta/no_end_pad' in root:
            pad = np.asarray(root['meta/no_end_pad'][:], dtype=np.bool_)
        arrays = dict(sorted(root['data'].arrays()))
    except _READ_ERRORS as error:
        raise DatasetError(f'cannot read {path}: {error}') from error
    data: dict[str, Any] = {
        name: StoredArray(array, f'{name!r} of {path}') for name, array in arrays.items()
    }
    try:
        yield ReplayBuffer(data, ends, pad)
    finally:
        store.close()


class StoredArray:
    """An array of a zarr store; what is damaged in it is told where it is read."""

    def __init__(self, array: Any, what: str) -> None:
        """Read ``array``, for people called ``what``."""
        self._array, self._what = array, what
        self.shape, self.dtype = array.shape, array.dtype

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        try:
            return np.asarray(self._array[rows])
        except _READ_ERRORS as error:
            raise DatasetError(f'cannot read {self._what}: {error}') from error
