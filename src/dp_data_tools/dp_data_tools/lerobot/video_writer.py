# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of one camera -> mp4 files, in which frame ``n`` is shown at exactly ``n / rate``."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
import os
from pathlib import Path
from typing import Any
from typing import IO

from dp_core.errors import DatasetError
from dp_data_tools.lerobot.codecs import Codec
from dp_data_tools.lerobot.layout import path_of
from dp_data_tools.lerobot.layout import place_of
from dp_data_tools.lerobot.layout import VIDEO_PATH
from dp_data_tools.lerobot.packages import package
from dp_data_tools.lerobot.tables import abandon
import numpy as np
from numpy.typing import NDArray

# LeRobot compares times as float32, with a tolerance of 0.1 ms: beyond this that fails.
LONGEST_S = 500


class VideoWriter:
    """Writes the videos of one camera; an episode is never split between files."""

    def __init__(self, folder: Path, key: str, size: tuple[int, int], rate: int, codec: Codec):
        """Write below dataset folder ``folder``; ``size`` is height and width [pixel]."""
        os.environ.setdefault('SVT_LOG', '1')  # SVT-AV1 tells every setting otherwise
        self._av = package('av')
        self._folder, self._key, self._size = folder, key, size
        self._rate, self._codec = rate, codec
        self._most = min(LONGEST_S * rate, codec.raw_bytes // (3 * size[0] * size[1]))
        self._file = self._frames = 0
        self._container: Any = None
        self._stream: Any = None
        self._out: IO[bytes] | None = None

    def begin(self, frames: int) -> dict[str, Any]:
        """Begin an episode of ``frames`` frames; return where it will be, for meta/episodes.

        Raises:
            DatasetError: LeRobot could not find the frames of an episode as long as that.
        """
        if frames > LONGEST_S * self._rate:
            raise DatasetError(
                f'an episode of {frames / self._rate:.0f} s is too long for a video of '
                f'{self._key}, valid: {LONGEST_S} s at most; pictures in files have no such '
                'limit (--pictures png)'
            )
        if self._container is not None and self._frames + frames > self._most:
            self.close()
            self._file, self._frames = self._file + 1, 0
        if self._container is None:
            self._open()
        chunk, file = place_of(self._file)
        name = f'videos/{self._key}'
        return {
            f'{name}/chunk_index': chunk,
            f'{name}/file_index': file,
            f'{name}/from_timestamp': self._frames / self._rate,
            f'{name}/to_timestamp': (self._frames + frames) / self._rate,
        }

    def add(self, pictures: NDArray[np.uint8]) -> None:
        """Append pictures (T, H, W, 3) to the episode.

        Raises:
            DatasetError: they cannot be encoded.
            OSError: they cannot be written.
        """
        for picture in pictures:
            frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format='rgb24')
            frame.pts, frame.time_base, frame.duration = self._frames, Fraction(1, self._rate), 1
            self._mux(frame)
            self._frames += 1

    def close(self) -> None:
        """Finish the file, and look whether it holds all its frames."""
        if self._container is None or self._out is None:
            return
        with self._out:
            self._mux(None)
            self._container.close()
        self._container = None
        with self._av.open(str(self._path())) as video:
            found = video.streams.video[0].frames
        if found != self._frames:
            raise DatasetError(f'{self._path()} has {found} frames of {self._frames}')

    def abandon(self) -> None:
        """Let the file be, after an error."""
        if self._out is not None and self._container is not None:
            with suppress(self._av.FFmpegError):
                self._stream.encode(None)
            abandon(self._out)

    def _path(self) -> Path:
        return self._folder / path_of(VIDEO_PATH, *place_of(self._file), self._key)

    def _open(self) -> None:
        path = self._path()
        path.parent.mkdir(parents=True, exist_ok=True)
        # A file of Python's tells when the disk is full; FFmpeg's own may not.
        self._out = open(path, 'wb', buffering=1 << 20)
        self._container = self._av.open(self._out, 'w', format='mp4')
        stream = self._container.add_stream(
            self._codec.encoder, rate=self._rate, options=dict(self._codec.options)
        )
        stream.height, stream.width = self._size
        stream.pix_fmt = self._codec.format
        stream.codec_context.time_base = Fraction(1, self._rate)
        self._stream = stream

    def _mux(self, frame: Any) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except self._av.FFmpegError as error:
            if isinstance(error, OSError):
                raise
            raise DatasetError(f'{self._path()} cannot be encoded: {error}') from error
