# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures -> a video that every browser plays."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from dp_core.errors import DpError
import numpy as np
from numpy.typing import NDArray


class VideoError(DpError):
    """No video can be written here; the message names what is missing."""


def pyav() -> ModuleType:
    """Return PyAV.

    Raises:
        VideoError: it is not installed.
    """
    try:
        return importlib.import_module('av')
    except ImportError as error:
        raise VideoError('no video: PyAV is not installed (pip install av)') from error


def write_video(path: Path, frames: Iterable[NDArray[np.uint8]], rate: Fraction | int) -> None:
    """Write frames (H, W, 3) RGB as H.264 at `rate` frames per second, in one rename.

    Raises:
        VideoError: PyAV is not installed, or cannot write H.264.
    """
    av = pyav()
    partial = path.with_suffix('.partial.mp4')
    try:
        with av.open(str(partial), 'w') as container:
            stream: Any = None
            for image in frames:
                if stream is None:
                    stream = container.add_stream('libx264', rate=rate)
                    stream.height, stream.width = image.shape[:2]
                    stream.pix_fmt = 'yuv420p'
                    stream.options = {'crf': '24', 'preset': 'veryfast'}
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
            container.mux(stream.encode())
        partial.replace(path)
    except (av.error.FFmpegError, ValueError) as error:
        raise VideoError(f'no video: PyAV cannot write H.264: {error}') from error
    finally:
        partial.unlink(missing_ok=True)
