# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""An episode as a Rerun recording; needs the optional package rerun-sdk."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from dp_core.errors import ConfigError
from dp_data_tools.quality.episode import Array
from dp_data_tools.quality.episode import Episode
import numpy as np
from numpy.typing import NDArray

TIMELINE = 'time'


def save_rerun(
    path: Path, episode: Episode, frames: dict[str, tuple[Array, NDArray[np.uint8]]]
) -> None:
    """Write a .rrd file with all numbers, and with pictures.

    Args:
        path: of the file.
        episode: its numbers are logged as ``state/<dimension>`` and ``action/<dimension>``.
        frames: camera -> times (T,) [s] and pictures (T, H, W, 3).

    Raises:
        ConfigError: rerun-sdk is not installed.
    """
    try:
        rerun = import_module('rerun')
    except ImportError as error:
        raise ConfigError(
            f'--rerun needs the package rerun-sdk ({error}); install it by '
            '`pip install rerun-sdk`, or use --output FILE.html'
        ) from error
    name = f'{Path(episode.source).name}[{episode.index}]'
    recording: Any = rerun.RecordingStream('dp_data_tools', recording_id=name)
    recording.save(str(path))
    for track in episode.tracks:
        columns = [rerun.TimeColumn(TIMELINE, duration=track.times_s)]
        for k, dim in enumerate(track.dims):
            place = f'{track.name.strip("/")}/{dim}'
            numbers = rerun.Scalars.columns(scalars=track.values[:, k])
            recording.send_columns(place, columns, numbers)
    for camera, (times_s, pictures) in frames.items():
        for time_s, picture in zip(times_s, pictures):
            recording.set_time(TIMELINE, duration=float(time_s))
            recording.log(camera.strip('/'), rerun.Image(picture).compress(jpeg_quality=90))
    recording.flush()
