# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Parquet tables as LeRobot has them, with the notes that `datasets` and pandas leave in them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
import json
from pathlib import Path
from typing import Any
from typing import IO

from dp_data_tools.lerobot.layout import DATA_MIB
from dp_data_tools.lerobot.layout import DATA_PATH
from dp_data_tools.lerobot.layout import path_of
from dp_data_tools.lerobot.layout import place_of
from dp_data_tools.lerobot.packages import package
import numpy as np
from numpy.typing import NDArray

Features = Mapping[str, Mapping[str, Any]]
_EPISODES_AT_ONCE = 100


def data_schema(features: Features) -> Any:
    """Schema of the rows: every feature that is no video."""
    pa = package('pyarrow')
    fields, notes = [], {}
    for name, feature in features.items():
        kind, shape = feature['dtype'], feature['shape']
        note: dict[str, Any] = {'dtype': kind, '_type': 'Value'}
        if kind == 'video':
            continue
        if kind == 'image':
            column, note = (
                pa.struct({'bytes': pa.binary(), 'path': pa.string()}),
                {'_type': 'Image'},
            )
        elif shape == [1]:
            column = pa.from_numpy_dtype(np.dtype(kind))
        else:
            element = pa.field('element', pa.from_numpy_dtype(np.dtype(kind)))
            column = pa.list_(element, shape[0])
            note = {'feature': note, 'length': shape[0], '_type': 'Sequence'}
        fields.append(pa.field(name, column))
        notes[name] = note
    return pa.schema(fields, {'huggingface': json.dumps({'info': {'features': notes}})})


def column_of(schema: Any, name: str, values: NDArray[Any] | list[bytes]) -> Any:
    """Array of a schema's type: of numbers (T, D), or of PNG files."""
    pa = package('pyarrow')
    kind = schema.field(name).type
    if isinstance(values, list):
        return pa.array([{'bytes': data, 'path': None} for data in values], kind)
    flat = pa.array(np.ascontiguousarray(values).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, type=kind) if kind.num_fields else flat


class DataWriter:
    """Writes the rows; episodes are not split between files."""

    def __init__(self, folder: Path, schema: Any) -> None:
        """Write below dataset folder ``folder``."""
        self._pa, self._parquet = package('pyarrow'), package('pyarrow.parquet')
        self._folder, self.schema = folder, schema
        self._file = -1
        self._out: Any = None
        self._writer: Any = None

    def begin(self) -> dict[str, int]:
        """Begin an episode; return where it will be, for meta/episodes."""
        if self._writer is None or self._out.tell() >= DATA_MIB << 20:
            self.close()
            self._file += 1
            path = self._folder / path_of(DATA_PATH, *place_of(self._file))
            path.parent.mkdir(parents=True, exist_ok=True)
            self._out = open(path, 'wb', buffering=1 << 20)
            self._writer = self._parquet.ParquetWriter(self._out, self.schema)
        chunk, file = place_of(self._file)
        return {'data/chunk_index': chunk, 'data/file_index': file}

    def add(self, columns: Mapping[str, Any]) -> None:
        """Append rows as one row group: an episode, or a part of one with many pictures."""
        arrays = [column_of(self.schema, name, columns[name]) for name in self.schema.names]
        self._writer.write_table(self._pa.Table.from_arrays(arrays, schema=self.schema))

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            with self._out:
                self._writer.close()
            self._writer = None

    def abandon(self) -> None:
        """Let the file be, after an error."""
        if self._writer is not None:
            abandon(self._out, self._writer)


class EpisodesWriter:
    """Writes meta/episodes; few episodes wait in memory."""

    def __init__(self, path: Path) -> None:
        """Write one file."""
        self._pa, self._parquet = package('pyarrow'), package('pyarrow.parquet')
        path.parent.mkdir(parents=True, exist_ok=True)
        self._out = open(path, 'wb', buffering=1 << 20)
        self._writer: Any = None
        self._waiting: list[dict[str, Any]] = []

    def add(self, episode: dict[str, Any]) -> None:
        """Append an episode; all have the same columns."""
        self._waiting.append(episode)
        if len(self._waiting) == _EPISODES_AT_ONCE:
            self._flush()

    def close(self) -> None:
        """Finish the file."""
        with self._out:
            if self._waiting:
                self._flush()
            if self._writer is not None:
                self._writer.close()

    def abandon(self) -> None:
        """Let the file be, after an error."""
        abandon(self._out, self._writer)

    def _flush(self) -> None:
        table = self._pa.Table.from_pylist(self._waiting)
        if self._writer is None:
            self._writer = self._parquet.ParquetWriter(self._out, table.schema)
        self._writer.write_table(table)
        self._waiting.clear()


def abandon(file: IO[bytes], writer: Any = None) -> None:
    """Close a file that is not wanted any more; what did not fit on the disk neither."""
    if writer is not None:
        writer.is_open = False  # or it writes into the closed file when it is deleted
    with suppress(OSError):
        file.close()


def write_tasks(path: Path, tasks: list[str]) -> None:
    """Write meta/tasks.parquet: task -> number, so that pandas takes the task as index."""
    pa, parquet = package('pyarrow'), package('pyarrow.parquet')
    kinds = {'task_index': ('int64', 'int64'), 'task': ('unicode', 'object')}
    columns = [
        {
            'name': name,
            'field_name': name,
            'pandas_type': kind,
            'numpy_type': numpy,
            'metadata': None,
        }
        for name, (kind, numpy) in kinds.items()
    ]
    note = {'index_columns': ['task'], 'column_indexes': [], 'columns': columns}
    table = pa.table({'task_index': pa.array(range(len(tasks)), pa.int64()), 'task': tasks})
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table.replace_schema_metadata({'pandas': json.dumps(note)}), path)
