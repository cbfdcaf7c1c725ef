# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Columns of the data files as one long array that is read slice by slice."""

from __future__ import annotations

from typing import Any

import cv2
from dp_core.errors import DatasetError
from dp_data_tools.lerobot.meta import Meta
from dp_data_tools.lerobot.packages import package
import numpy as np
from numpy.typing import NDArray

_EPISODE = 'episode_index'


class Rows:
    """All rows of a dataset, read one row group at a time."""

    def __init__(self, meta: Meta) -> None:
        """Open all files, and see whether they hold the episodes that meta names.

        Raises:
            DatasetError: a file is missing, damaged, or holds something else.
        """
        self._pa, self._parquet = package('pyarrow'), package('pyarrow.parquet')
        self._groups: list[tuple[int, int]] = []  # file, and row group in it
        self._files = []
        starts = [0]
        for number, path in enumerate(meta.data_files):
            try:
                file = self._parquet.ParquetFile(path, memory_map=True)
            except (self._pa.ArrowException, OSError) as error:
                raise DatasetError(f'cannot read {path}: {error}') from error
            self._files.append((path, file))
            for group in range(file.num_row_groups):
                self._groups.append((number, group))
                starts.append(starts[-1] + file.metadata.row_group(group).num_rows)
        self._starts = np.array(starts)
        self._last: tuple[int, str, Any] = (-1, '', None)
        self._require_episodes(meta)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def column(self, name: str, first: int, end: int) -> list[Any]:
        """Pieces of a column, of pyarrow, that together are its rows ``first`` to ``end``."""
        pieces = []
        at = int(np.searchsorted(self._starts, first, side='right')) - 1
        while first < end:
            start, stop = int(self._starts[at]), int(self._starts[at + 1])
            until = min(end, stop)
            pieces.append(self._group(at, name).slice(first - start, until - first))
            first, at = until, at + 1
        return pieces

    def _group(self, at: int, name: str) -> Any:
        """Read a column of a row group, or take it if it was read last."""
        if self._last[:2] != (at, name):
            number, group = self._groups[at]
            path, file = self._files[number]
            try:
                table = file.read_row_group(group, columns=[name])
            except (self._pa.ArrowException, OSError) as error:
                raise DatasetError(f'cannot read {name!r} of {path}: {error}') from error
            if name not in table.column_names:
                raise DatasetError(f'{path} has no column {name!r}')
            self._last = (at, name, table.column(name).combine_chunks())
        return self._last[2]

    def _require_episodes(self, meta: Meta) -> None:
        total, ends = int(self._starts[-1]), meta.ends
        if total != ends[-1]:
            raise DatasetError(
                f'data files of {meta.folder} have {total} rows, meta/episodes says {ends[-1]}'
            )
        for at in range(len(self._groups)):
            first, end = map(int, self._starts[at : at + 2])
            found = np.asarray(self._group(at, _EPISODE))
            wanted = np.searchsorted(ends, np.arange(first, end), side='right')
            wrong = np.flatnonzero(found != wanted)
            if len(wrong):
                path = self._files[self._groups[at][0]][0]
                raise DatasetError(
                    f'{path}: row {first + wrong[0]} is of episode {found[wrong[0]]}; by its '
                    f'length in meta/episodes it is of episode {wanted[wrong[0]]}'
                )


class NumberColumn:
    """Some numbers of a feature, as an array (T, D) that is read slice by slice."""

    def __init__(self, rows: Rows, name: str, width: int, columns: list[int], dtype: str) -> None:
        """Take ``columns`` of the ``width`` numbers of feature ``name``."""
        self._rows, self._name, self._width, self._columns = rows, name, width, columns
        self.dtype = np.dtype(dtype)
        self.shape = (len(rows), len(columns))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        first, end, _ = rows.indices(len(self))
        out = np.empty((end - first, self._width), self.dtype)
        low = 0
        for piece in self._rows.column(self._name, first, end):
            flat = piece if piece.type.num_fields == 0 else piece.flatten()
            values = np.asarray(flat)
            if len(values) != len(piece) * self._width or flat.null_count:
                raise DatasetError(
                    f'{self._name!r}: {len(values)} values, {flat.null_count} of them missing, in '
                    f'{len(piece)} rows; valid: {self._width} in each'
                )
            out[low : low + len(piece)] = values.reshape(-1, self._width)
            low += len(piece)
        return out[:, self._columns]


class PictureColumn:
    """Pictures that lie in the rows as files, PNG or JPEG."""

    def __init__(self, rows: Rows, name: str) -> None:
        """Take feature ``name``."""
        self._rows, self._name = rows, name

    def pictures(self, first: int, end: int) -> list[NDArray[np.uint8]]:
        """Pictures (h, w, 3) of rows ``first`` to ``end``."""
        found = []
        for piece in self._rows.column(self._name, first, end):
            for row, entry in enumerate(piece.to_pylist(), start=first + len(found)):
                data = np.frombuffer((entry or {}).get('bytes') or b'', np.uint8)
                picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
                if picture is None:
                    raise DatasetError(f'{self._name!r}: row {row} holds no picture')
                found.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
        return found
