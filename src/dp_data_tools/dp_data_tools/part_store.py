# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of one bag on disk while a conversion goes on: one file per stream, and what they are.

A part has its name only when it is whole. Its name is a hash of everything that its content
depends on, so that a conversion that was killed finds what it need not make again.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
import json
import math
from pathlib import Path
import shutil
from typing import Any

from dp_core.contract import Contract
from dp_data_tools.on_disk import publish
import numpy as np
from numpy.typing import NDArray

TICKS = '_ticks_ns'  # no stream of a contract is stored under this name
FACTS = 'part.json'
FrameTypes = Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]


def frame_types(contract: Contract) -> FrameTypes:
    """Type and shape of one row of every array."""
    number, byte = np.dtype(np.float32), np.dtype(np.uint8)
    types: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
        s.name: (byte, (*s.size, 3)) if s.kind == 'image' else (number, (s.dim,))
        for s in contract.observations
    }
    return {**types, 'action': (number, (contract.action_dim,)), TICKS: (np.dtype('<i8'), ())}


class PartWriter:
    """Appends rows to the files of a part that is being made; use as a context manager."""

    def __init__(self, folder: Path, contract: Contract) -> None:
        """Begin anew in ``folder``; it is renamed from its working name by `keep`."""
        self._folder = folder
        self.working = folder.with_name(folder.name + '.part')
        self._types = frame_types(contract)
        self.rows = 0

    def __enter__(self) -> PartWriter:
        """Make the files."""
        shutil.rmtree(self.working, ignore_errors=True)
        self.working.mkdir()
        self._files = {
            name: open(self.working / f'{name}.bin', 'wb', buffering=1 << 20)
            for name in self._types
        }
        return self

    def append(self, row: Mapping[str, NDArray[Any]]) -> None:
        """Write one row."""
        for name, (dtype, _) in self._types.items():
            self._files[name].write(np.ascontiguousarray(row[name], dtype=dtype).tobytes())
        self.rows += 1

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What was written until now, without the pictures."""
        for file in self._files.values():
            file.flush()
        small = {name: kind for name, kind in self._types.items() if len(kind[1]) < 3}
        return _open(self.working, small, self.rows)

    def keep(self, facts: Mapping[str, Any]) -> None:
        """Write what the part is, and give it its name when all of it is on the disk."""
        for file in self._files.values():
            file.close()
        text = json.dumps({**facts, 'rows': self.rows})
        (self.working / FACTS).write_text(text, encoding='utf-8')
        shutil.rmtree(self._folder, ignore_errors=True)
        publish(self.working, self._folder)

    def __exit__(self, *error: object) -> None:
        """Close the files, and delete them unless they were kept."""
        for file in self._files.values():
            with suppress(OSError):  # what did not fit on the disk is not wanted any more
                file.close()
        shutil.rmtree(self.working, ignore_errors=True)


def read_facts(folder: Path) -> dict[str, Any] | None:
    """What a part is; None when there is no such part."""
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding='utf-8'))
        return facts
    except (OSError, ValueError):
        return None


def is_whole(folder: Path, contract: Contract, rows: int) -> bool:
    """Whether the files of a part are as long as its rows; a disk that failed may cut them off."""
    try:
        return all(
            (folder / f'{name}.bin').stat().st_size == rows * dtype.itemsize * math.prod(shape)
            for name, (dtype, shape) in frame_types(contract).items()
        )
    except OSError:
        return False


@dataclass(frozen=True)
class StoredRows:
    """Rows of one array of a part, read when they are asked for: a file is open only meanwhile.

    A conversion may have more arrays than a process may have files open.
    """

    path: Path
    dtype: np.dtype[Any]
    first: int
    shape: tuple[int, ...]  # (T, ...)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        begin, end, _ = rows.indices(len(self))
        numbers = math.prod(self.shape[1:])
        size, offset = max(0, end - begin) * numbers, (self.first + begin) * numbers
        values = np.fromfile(self.path, self.dtype, size, offset=offset * self.dtype.itemsize)
        return values.reshape(-1, *self.shape[1:])


def stored_rows(folder: Path, contract: Contract, name: str, first: int, end: int) -> StoredRows:
    """Rows ``first`` to ``end`` of an array of a part."""
    dtype, shape = frame_types(contract)[name]
    return StoredRows(folder / f'{name}.bin', dtype, first, (end - first, *shape))


class Pieces:
    """Rows of several arrays as one array that is read slice by slice."""

    def __init__(self, pieces: Sequence[StoredRows]) -> None:
        """Join ``pieces`` (T_i, ...) of one type and shape."""
        self._pieces = pieces
        self._starts = np.cumsum([0, *(len(piece) for piece in pieces)])
        self.dtype = pieces[0].dtype
        self.shape = (int(self._starts[-1]), *pieces[0].shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        first, end, _ = rows.indices(len(self))
        out = np.empty((max(0, end - first), *self.shape[1:]), self.dtype)
        for piece, start in zip(self._pieces, self._starts):
            low, high = max(first, int(start)), min(end, int(start) + len(piece))
            if low < high:
                out[low - first : high - first] = piece[low - start : high - start]
        return out


def _open(folder: Path, types: FrameTypes, rows: int) -> dict[str, NDArray[Any]]:
    if not rows:
        return {name: np.empty((0, *shape), dtype) for name, (dtype, shape) in types.items()}
    return {
        name: np.memmap(folder / f'{name}.bin', dtype, 'r', shape=(rows, *shape))
        for name, (dtype, shape) in types.items()
    }
