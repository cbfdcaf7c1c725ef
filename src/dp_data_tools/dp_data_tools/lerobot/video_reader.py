# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Frames of mp4 files by their time, decoded one after another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dp_core.errors import DatasetError
from dp_data_tools.lerobot.packages import package
import numpy as np
from numpy.typing import NDArray


class VideoReader:
    """Reads frames of the videos of one camera; what comes next in a file is read at once."""

    def __init__(self, rate: float) -> None:
        """Read videos of ``rate`` frames per second; a frame may be a quarter of one off."""
        self._av = package('av')
        self._tolerance_s = 0.25 / rate
        self._path: Path | None = None
        self._container: Any = None
        self._frames: Iterator[Any] = iter(())
        self._frame: Any = None

    def frame(self, path: Path, time_s: float) -> NDArray[np.uint8]:
        """Picture (h, w, 3) that a file shows at a time.

        Raises:
            DatasetError: the file is missing or damaged, or shows nothing then.
        """
        try:
            if path != self._path or self._time_s() > time_s + self._tolerance_s:
                self._open(path, time_s)
            while self._time_s() < time_s - self._tolerance_s:
                self._frame = next(self._frames)
        except StopIteration as error:
            raise DatasetError(f'{path} has no frame at {time_s:.6g} s: it ends before') from error
        except (self._av.FFmpegError, OSError) as error:
            raise DatasetError(f'cannot read {path}: {error.strerror or error}') from error
        if abs(self._time_s() - time_s) > self._tolerance_s:
            raise DatasetError(
                f'{path} has no frame at {time_s:.6g} s; the next is at {self._time_s():.6g} s'
            )
        picture: NDArray[np.uint8] = self._frame.to_ndarray(format='rgb24')
        return picture

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()
        self._container = self._path = self._frame = None

    def _time_s(self) -> float:
        return float(self._frame.pts * self._frame.time_base)

    def _open(self, path: Path, time_s: float) -> None:
        """Go to the key frame before a time."""
        if path != self._path:
            self.close()
            self._container = self._av.open(str(path))
            if not self._container.streams.video:
                raise DatasetError(f'{path} holds no video')
            self._path = path
        stream = self._container.streams.video[0]
        self._container.seek(int(time_s / stream.time_base), stream=stream)
        self._frames = (f for f in self._container.decode(stream) if f.pts is not None)
        self._frame = next(self._frames)
