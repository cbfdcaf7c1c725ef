# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a camera as one long array that is read slice by slice."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from typing import Protocol

from dp_core.contract import Stream
from dp_core.errors import ContractError
from dp_core.errors import DatasetError
from dp_core.picture import fit_image
from dp_data_tools.lerobot.layout import path_of
from dp_data_tools.lerobot.meta import Meta
from dp_data_tools.lerobot.video_reader import VideoReader
import numpy as np
from numpy.typing import NDArray


class Pictures(Protocol):
    """Where the pictures are."""

    def pictures(self, first: int, end: int) -> list[NDArray[np.uint8]]:
        """Pictures (h, w, 3) of rows ``first`` to ``end``."""


class VideoPictures:
    """Pictures that lie in videos."""

    def __init__(self, meta: Meta, key: str) -> None:
        """Take feature ``key``.

        Raises:
            DatasetError: a video is missing, or meta does not say where it is.
        """
        self._rate, self._ends = meta.rate, meta.ends
        self._reader = VideoReader(meta.rate)
        name = f'videos/{key}'
        self._places: list[tuple[Path, float]] = []
        for number, episode in enumerate(meta.episodes):
            try:
                place = episode[f'{name}/chunk_index'], episode[f'{name}/file_index']
                begin_s = float(episode[f'{name}/from_timestamp'])
            except (KeyError, TypeError) as error:
                raise DatasetError(
                    f'meta/episodes of {meta.folder} does not say where the video of {key!r} of '
                    f'episode {number} is'
                ) from error
            self._places.append((meta.folder / path_of(meta.video_path, *place, key), begin_s))
        missing = [path for path, _ in dict.fromkeys(self._places) if not path.is_file()]
        if missing:
            raise DatasetError(
                f'{missing[0]} is missing, and with it the pictures of {key!r}; get the videos, '
                'or take the numbers alone: `dp_data_tools export --without-images`'
            )

    def pictures(self, first: int, end: int) -> list[NDArray[np.uint8]]:
        """Pictures (h, w, 3) of rows ``first`` to ``end``."""
        found = []
        for row in range(first, end):
            episode = int(np.searchsorted(self._ends, row, side='right'))
            start = int(self._ends[episode - 1]) if episode else 0
            path, begin_s = self._places[episode]
            found.append(self._reader.frame(path, begin_s + (row - start) / self._rate))
        return found

    def close(self) -> None:
        """Close the file that is open."""
        self._reader.close()


class CameraColumn:
    """Pictures (T, H, W, 3) of the contract's size, read slice by slice."""

    dtype = np.dtype(np.uint8)

    def __init__(self, source: Pictures, stream: Stream, rows: int) -> None:
        """Fit the pictures of ``source`` to what ``stream`` says."""
        self._source, self._stream = source, stream
        self.shape = (rows, *stream.size, 3)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> NDArray[np.uint8]:
        first, end, _ = rows.indices(len(self))
        out = np.empty((max(0, end - first), *self.shape[1:]), np.uint8)
        for k, picture in enumerate(self._source.pictures(first, end)):
            out[k] = self._fitted(picture)
        return out

    def _fitted(self, picture: NDArray[Any]) -> NDArray[Any]:
        if picture.shape[:2] == self._stream.size:
            return picture
        if self._stream.depth_m:  # it holds codes of depths, between which nothing lies
            raise ContractError(
                f'{self._stream.name!r}: pictures of depth are {picture.shape[:2]}, valid: the '
                f"contract's {self._stream.size}"
            )
        return fit_image(self._stream, picture)
