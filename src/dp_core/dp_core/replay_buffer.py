# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Dataset folders: `contract.yaml` beside a zarr replay buffer in Diffusion Policy's layout.

    data/<stream>      (T, dim) float32, or (T, H, W, 3) uint8 for images
    data/action        (T, action_dim) float32
    meta/episode_ends  (E,) int64, exclusive end index of each episode
    meta/no_end_pad    (E,) bool, optional: segments cut short by a perturbation

The store is zarr format 2, as a folder `replay_buffer.zarr` or one file `replay_buffer.zarr.zip`.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
import zipfile

from dp_core.contract import Contract
from dp_core.errors import DatasetError
import numpy as np
from numpy.typing import NDArray
import zarr
from zarr.errors import BaseZarrError
from zarr.storage import LocalStore
from zarr.storage import ZipStore

CONTRACT_FILE = 'contract.yaml'
STORES = ('replay_buffer.zarr', 'replay_buffer.zarr.zip')
_CHUNK_BYTES = 2_000_000
_CHUNKS_AT_ONCE = 4  # zarr compresses them side by side, on all cores
# Looking for chunks that are all zero takes zarr longer than compressing and writing them.
_WRITE_ALL = {'write_empty_chunks': True}
_READ_ERRORS = (BaseZarrError, KeyError, ValueError, OSError, RuntimeError, zipfile.BadZipFile)


@dataclass(frozen=True)
class ReplayBuffer:
    """Episodes one after another in memory.

    Attributes:
        data: name -> (T, ...) array; streams of the contract and 'action'. To be saved, slices of
            them suffice: something with shape, dtype, length and slices of rows.
        episode_ends: (E,) exclusive end index of each episode.
        no_end_pad: (E,) True where the end of an episode is a cut, not a rest.
    """

    data: Mapping[str, NDArray[Any]]
    episode_ends: NDArray[np.int64]
    no_end_pad: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Refuse arrays of unequal length and episodes that are out of order."""
        ends = self.episode_ends
        if not len(ends) or ends[0] < 1 or (np.diff(ends) < 1).any():
            raise DatasetError(f'episode_ends must rise from above 0, got {ends[:5]} ...')
        if len(self.no_end_pad) != len(ends):
            raise DatasetError(
                f'no_end_pad has {len(self.no_end_pad)} values for {len(ends)} episodes'
            )
        for name, array in self.data.items():
            if len(array) != ends[-1]:
                raise DatasetError(f'{name} has {len(array)} frames, episode_ends say {ends[-1]}')

    def __len__(self) -> int:
        """Return the number of frames."""
        return int(self.episode_ends[-1])

    def require_contract(self, contract: Contract) -> None:
        """Raise DatasetError unless streams and action have the contract's shapes and types."""
        images = {s.name for s in contract.images}
        wanted: dict[str, tuple[int, ...]] = {
            s.name: (*s.size, 3) if s.name in images else (s.dim,) for s in contract.observations
        }
        wanted['action'] = (contract.action_dim,)
        for name, shape in wanted.items():
            if name not in self.data:
                raise DatasetError(f'dataset lacks {name!r}; it has {sorted(self.data)}')
            if self.data[name].shape[1:] != shape:
                raise DatasetError(
                    f'frames of {name!r} have shape {self.data[name].shape[1:]}, '
                    f'the contract {contract.name!r} says {shape}'
                )
            dtype = np.dtype(self.data[name].dtype)
            fits = dtype == np.uint8 if name in images else dtype.kind in 'fiu'
            if not fits:
                valid = 'uint8' if name in images else 'real numbers, such as float32'
                raise DatasetError(f'frames of {name!r} have type {dtype}, valid: {valid}')


@dataclass(frozen=True)
class Joined:
    """Arrays (T, ...) that are used as one but not copied together."""

    parts: tuple[NDArray[Any], ...]

    def __len__(self) -> int:
        """Return the number of frames."""
        return sum(map(len, self.parts))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape as of one array."""
        return (len(self), *self.parts[0].shape[1:])


# Decides where a stored array is held: its dataset folder, its name and the array in its store.
Hold = Callable[[Path, str, Any], NDArray[Any]]


def in_memory(folder: Path, name: str, stored: Any) -> NDArray[Any]:
    """Read a stored array into memory."""
    return np.asarray(stored[:])


def load_dataset(folder: Path | str, hold: Hold = in_memory) -> tuple[Contract, ReplayBuffer]:
    """Read a dataset folder and check it against its contract; `hold` says where arrays lie."""
    contract, path = _find(Path(folder))
    buffer = _read(path, [s.name for s in contract.observations] + ['action'], hold)
    buffer.require_contract(contract)
    return contract, buffer


def load_commands(folder: Path | str, episode: int) -> tuple[Contract, NDArray[np.float64]]:
    """Read the commands (N, action_dim) of one episode; pictures stay on the disk.

    Raises:
        ContractError: the folder has no valid contract.
        DatasetError: the dataset cannot be read, or has no such episode.
    """
    contract, path = _find(Path(folder))
    buffer = _read(path, ['action'])
    actions = buffer.data.get('action', np.empty((len(buffer), 0)))
    if actions.shape[1:] != (contract.action_dim,):
        raise DatasetError(
            f'commands in {path} have shape {actions.shape[1:]}, the contract {contract.name!r} '
            f'says ({contract.action_dim},)'
        )
    ends = buffer.episode_ends
    if not 0 <= episode < len(ends):
        raise DatasetError(f'no episode {episode} in {path}, valid: 0 to {len(ends) - 1}')
    begin = int(ends[episode - 1]) if episode else 0
    return contract, actions[begin : ends[episode]].astype(np.float64)


def picture_bytes(folder: Path | str) -> int:
    """Return how much memory the pictures of a dataset folder take [byte]."""
    contract, path = _find(Path(folder))
    sizes: list[int] = []

    def measure(folder: Path, name: str, stored: Any) -> NDArray[Any]:
        sizes.append(int(stored.nbytes))
        return np.empty((stored.shape[0], 0))

    _read(path, [s.name for s in contract.images], measure)
    return sum(sizes)


def load_datasets(
    folders: Sequence[Path | str], hold: Hold = in_memory
) -> tuple[Contract, ReplayBuffer]:
    """Read several dataset folders of one contract as one; `hold` says where arrays lie."""
    contract, first = load_dataset(folders[0], hold)
    buffers = [first]
    for folder in folders[1:]:
        other, buffer = load_dataset(folder, hold)
        contract.require_equal(other, f'dataset {folder}')
        buffers.append(buffer)
    if len(buffers) == 1:
        return contract, first
    starts = np.cumsum([0, *(len(buffer) for buffer in buffers)])
    names = [s.name for s in contract.observations] + ['action']
    return contract, ReplayBuffer(
        {name: _join([b.data[name] for b in buffers]) for name in names},
        np.concatenate([b.episode_ends + s for b, s in zip(buffers, starts[:-1], strict=True)]),
        np.concatenate([b.no_end_pad for b in buffers]),
    )


def _join(arrays: list[NDArray[Any]]) -> Any:
    if any(isinstance(array, np.memmap) for array in arrays):
        return Joined(tuple(arrays))
    return np.concatenate(arrays)


def save_dataset(
    folder: Path | str, contract: Contract, buffer: ReplayBuffer, zipped: bool = False
) -> None:
    """Write a new dataset folder, all or nothing; an existing one is not overwritten."""
    folder = Path(folder)
    if folder.exists():
        raise DatasetError(f'{folder} exists already; choose another name or remove it')
    buffer.require_contract(contract)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Hidden and of a name that nobody has; it is gone afterwards, unless this process is killed.
    with TemporaryDirectory(
        prefix=f'.{folder.name}.', dir=folder.parent, ignore_cleanup_errors=True
    ) as work:
        made = Path(work, folder.name)  # others may read it as they may any new folder
        made.mkdir()
        contract.save(made / CONTRACT_FILE)
        _write(made / STORES[zipped], buffer)
        made.rename(folder)


def _find(folder: Path) -> tuple[Contract, Path]:
    """Contract of a dataset folder, and where its store is."""
    if not folder.is_dir():
        raise DatasetError(f'no dataset folder at {folder}')
    contract = Contract.load(folder / CONTRACT_FILE)
    for name in STORES:
        if (folder / name).exists():
            return contract, folder / name
    raise DatasetError(f'{folder} holds none of {list(STORES)}')


def _read(path: Path, wanted: list[str], hold: Hold = in_memory) -> ReplayBuffer:
    try:
        zipped = path.suffix == '.zip'
        store = ZipStore(path, mode='r') if zipped else LocalStore(path, read_only=True)
        root = zarr.open_group(store, mode='r', zarr_format=2)
        members = dict(root.require_group('data').arrays()) if 'data' in root else {}
        data = {n: hold(path.parent, n, members[n]) for n in wanted if n in members}
        ends = np.asarray(root['meta/episode_ends'][:], dtype=np.int64)
        pad = np.zeros(len(ends), dtype=np.bool_)
        if 'meta/no_end_pad' in root:
            pad = np.asarray(root['meta/no_end_pad'][:], dtype=np.bool_)
        store.close()
    except _READ_ERRORS as error:
        raise DatasetError(f'cannot read {path}: {error}') from error
    return ReplayBuffer(data, ends, pad)


def _write(path: Path, buffer: ReplayBuffer) -> None:
    store = ZipStore(path, mode='w') if path.suffix == '.zip' else LocalStore(path)
    root = zarr.create_group(store, zarr_format=2)
    data, meta = root.create_group('data'), root.create_group('meta')
    for name, array in buffer.data.items():
        frame_bytes = max(1, array.dtype.itemsize * math.prod(array.shape[1:]))
        chunk = max(1, min(len(array), _CHUNK_BYTES // frame_bytes))
        shape = (chunk, *array.shape[1:])
        stored = data.create_array(
            name, shape=array.shape, dtype=array.dtype, chunks=shape, config=_WRITE_ALL
        )
        some = _CHUNKS_AT_ONCE * chunk  # all of them may be larger than the memory
        for first in range(0, len(array), some):
            stored[first : first + some] = array[first : first + some]
    meta.create_array('episode_ends', data=buffer.episode_ends)
    meta.create_array('no_end_pad', data=buffer.no_end_pad)
    store.close()
