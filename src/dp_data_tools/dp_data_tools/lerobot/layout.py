# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Where things are in a LeRobotDataset v3.0, and what they are called.

data/chunk-000/file-000.parquet            a row for every frame of many episodes
videos/<camera>/chunk-000/file-000.mp4     their pictures, unless these are in the rows
meta/info.json, stats.json, tasks.parquet
meta/episodes/chunk-000/file-000.parquet   a row for every episode: where it is, what it holds
meta/contract.yaml, episodes.yaml, conversion.yaml   ours; LeRobot does not look at them
"""

from __future__ import annotations

from pathlib import Path

from dp_core.errors import DatasetError

VERSION = 'v3.0'
INFO = 'meta/info.json'
STATS = 'meta/stats.json'
TASKS = 'meta/tasks.parquet'
META = 'meta'
DATA_PATH = 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet'
VIDEO_PATH = 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4'
EPISODES_PATH = 'meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet'
FILES_PER_CHUNK = 1000
DATA_MIB, VIDEO_MIB = 100, 200  # how large LeRobot lets a file become

STATE, ACTION, CAMERA = 'observation.state', 'action', 'observation.images.'
# columns that every dataset has, of type and of one number
DEFAULTS = {
    'timestamp': 'float32',
    'frame_index': 'int64',
    'episode_index': 'int64',
    'index': 'int64',
    'task_index': 'int64',
}
NO_END_PAD = 'no_end_pad'  # a column of ours in meta/episodes


def place_of(number: int) -> tuple[int, int]:
    """Chunk and file index of file ``number``."""
    return number // FILES_PER_CHUNK, number % FILES_PER_CHUNK


def path_of(template: str, chunk: int, file: int, key: str = '') -> str:
    """Fill a template of `meta/info.json`.

    Raises:
        DatasetError: it has other fields.
    """
    try:
        return template.format(chunk_index=chunk, file_index=file, video_key=key)
    except (KeyError, IndexError, ValueError) as error:
        raise DatasetError(
            f'{INFO} has path {template!r}, valid: one like {VIDEO_PATH}'
        ) from error


def is_lerobot(folder: Path) -> bool:
    """Whether a folder is a LeRobot dataset, of whatever version."""
    return (folder / INFO).is_file()
