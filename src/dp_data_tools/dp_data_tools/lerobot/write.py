# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A replay buffer -> LeRobotDataset v3.0, an episode at a time: START HERE to see what is written.

Numbers are written as they are, bit for bit. A row is ``frame_index / rate`` seconds after the
first of its episode, and its picture is shown at exactly that time after the episode's.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
import json
from pathlib import Path
from typing import Any

import cv2
from dp_core.contract import Contract
from dp_core.errors import DatasetError
from dp_core.replay_buffer import CONTRACT_FILE
from dp_core.replay_buffer import ReplayBuffer
from dp_data_tools.lerobot.codecs import Codec
from dp_data_tools.lerobot.codecs import codec_of
from dp_data_tools.lerobot.codecs import DEFAULT
from dp_data_tools.lerobot.codecs import VIDEOS
from dp_data_tools.lerobot.features import features_of
from dp_data_tools.lerobot.features import whole_rate
from dp_data_tools.lerobot.layout import ACTION
from dp_data_tools.lerobot.layout import CAMERA
from dp_data_tools.lerobot.layout import DATA_MIB
from dp_data_tools.lerobot.layout import DATA_PATH
from dp_data_tools.lerobot.layout import DEFAULTS
from dp_data_tools.lerobot.layout import EPISODES_PATH
from dp_data_tools.lerobot.layout import FILES_PER_CHUNK
from dp_data_tools.lerobot.layout import INFO
from dp_data_tools.lerobot.layout import META
from dp_data_tools.lerobot.layout import NO_END_PAD
from dp_data_tools.lerobot.layout import path_of
from dp_data_tools.lerobot.layout import STATE
from dp_data_tools.lerobot.layout import STATS
from dp_data_tools.lerobot.layout import TASKS
from dp_data_tools.lerobot.layout import VERSION
from dp_data_tools.lerobot.layout import VIDEO_MIB
from dp_data_tools.lerobot.layout import VIDEO_PATH
from dp_data_tools.lerobot.statistics import NumberStatistics
from dp_data_tools.lerobot.statistics import PictureStatistics
from dp_data_tools.lerobot.tables import data_schema
from dp_data_tools.lerobot.tables import DataWriter
from dp_data_tools.lerobot.tables import EpisodesWriter
from dp_data_tools.lerobot.tables import write_tasks
from dp_data_tools.lerobot.video_writer import VideoWriter
import numpy as np
from numpy.typing import NDArray

_BLOCK_BYTES = 32 << 20  # of raw pictures in memory, of each camera


def write_lerobot(
    folder: Path,
    contract: Contract,
    buffer: ReplayBuffer,
    tasks: Sequence[str],
    pictures: str = DEFAULT,
    on_rows: Callable[[int], object] = lambda count: None,
) -> None:
    """Write data, videos and meta into ``folder``.

    Args:
        folder: that has none of them yet.
        contract: of the buffer; it is stored in meta.
        buffer: episodes; slices of its arrays are read one after another.
        tasks: what was to be done in each episode.
        pictures: one of `codecs.PICTURES`.
        on_rows: called with the number of rows written since the last call.

    Raises:
        ConfigError: pyarrow or PyAV is missing, or there are no such ``pictures``.
        ContractError: the rate is no whole number.
        DatasetError: a value is not finite.
        OSError: the disk is full, or the folder may not be written.
    """
    buffer.require_contract(contract)
    if len(tasks) != len(buffer.episode_ends):
        raise DatasetError(f'{len(tasks)} tasks for {len(buffer.episode_ends)} episodes')
    names = list(dict.fromkeys(tasks))
    first = 0
    with _Writer(folder, contract, buffer, codec_of(pictures)) as writer:
        for number, end in enumerate(map(int, buffer.episode_ends)):
            writer.episode(number, first, end, tasks[number], names.index(tasks[number]))
            on_rows(end - first)
            first = end
    write_tasks(folder / TASKS, names)
    writer.save_meta(len(names))
    contract.save(folder / META / CONTRACT_FILE)


class _Writer:
    """The files of a dataset that is being written; as a context manager it finishes them."""

    def __init__(
        self, folder: Path, contract: Contract, buffer: ReplayBuffer, codec: Codec | None
    ) -> None:
        self._folder, self._contract, self._buffer = folder, contract, buffer
        self._rate = whole_rate(contract)
        arrays = buffer.data
        types = {ACTION: np.dtype(arrays['action'].dtype)}
        if contract.low_dim:
            types[STATE] = np.result_type(*(arrays[s.name].dtype for s in contract.low_dim))
        self.features = features_of(
            contract, types, {'dtype': 'video' if codec is not None else 'image'}
        )
        self._videos: dict[str, VideoWriter] = {}
        for stream in contract.images if codec is not None else ():
            key = CAMERA + stream.name
            # Between two codes of depth lies another depth, and 0 is none: nothing may blur them.
            used = VIDEOS['lossless'] if stream.depth_m else codec
            self._videos[key] = VideoWriter(folder, key, stream.size, self._rate, used)
            self.features[key]['info'] = used.info(*stream.size, self._rate)
        rows = len(buffer)
        self._numbers = {
            name: NumberStatistics(name, rows)
            for name, feature in self.features.items()
            if feature['dtype'] not in ('image', 'video')
        }
        self._cameras = {CAMERA + s.name: PictureStatistics() for s in contract.images}
        self._data = DataWriter(folder, data_schema(self.features))
        self._episodes = EpisodesWriter(folder / path_of(EPISODES_PATH, 0, 0))
        frame_bytes = max((3 * s.size[0] * s.size[1] for s in contract.images), default=1)
        self._block = max(1, _BLOCK_BYTES // frame_bytes)

    def episode(self, number: int, first: int, end: int, task: str, task_index: int) -> None:
        """Write rows ``first`` to ``end`` as an episode."""
        count = end - first
        numbers = self._columns(number, first, end, task_index)
        about = {
            'episode_index': number,
            'tasks': [task],
            'length': count,
            **self._data.begin(),
            'dataset_from_index': first,
            'dataset_to_index': end,
            NO_END_PAD: bool(self._buffer.no_end_pad[number]),
        }
        for video in self._videos.values():
            about |= video.begin(count)
        step = self._block if self._contract.images else count
        for low in range(0, count, step):
            rows = {name: values[low : low + step] for name, values in numbers.items()}
            for stream in self._contract.images:
                key = CAMERA + stream.name
                block = self._buffer.data[stream.name][first + low : min(end, first + low + step)]
                self._cameras[key].add(block)
                if key in self._videos:
                    self._videos[key].add(block)
                else:
                    rows[key] = [_png(picture) for picture in block]
            if not self._videos:
                self._data.add(rows)
        if self._videos:
            self._data.add(numbers)
        figures = {name: self._numbers[name].add(values) for name, values in numbers.items()}
        figures |= {key: camera.end() for key, camera in self._cameras.items()}
        for name in self.features:
            about |= {f'stats/{name}/{key}': value for key, value in figures[name].items()}
        about |= {'meta/episodes/chunk_index': 0, 'meta/episodes/file_index': 0}
        self._episodes.add(about)

    def _columns(
        self, number: int, first: int, end: int, task_index: int
    ) -> dict[str, NDArray[Any]]:
        """Numbers (T, D) of the rows of an episode."""
        arrays, rows = self._buffer.data, slice(first, end)
        frames = np.arange(end - first)
        columns: dict[str, NDArray[Any]] = {ACTION: np.asarray(arrays['action'][rows])}
        if self._contract.low_dim:
            states = [arrays[s.name][rows] for s in self._contract.low_dim]
            columns[STATE] = np.concatenate(states, axis=1)
        given = {
            'timestamp': frames / self._rate,
            'frame_index': frames,
            'episode_index': np.full_like(frames, number),
            'index': frames + first,
            'task_index': np.full_like(frames, task_index),
        }
        return columns | {
            name: given[name].astype(kind)[:, None] for name, kind in DEFAULTS.items()
        }

    def save_meta(self, tasks: int) -> None:
        """Write what holds for all episodes."""
        episodes = len(self._buffer.episode_ends)
        info = {
            'codebase_version': VERSION,
            'fps': self._rate,
            'features': self.features,
            'total_episodes': episodes,
            'total_frames': len(self._buffer),
            'total_tasks': tasks,
            'chunks_size': FILES_PER_CHUNK,
            'data_files_size_in_mb': DATA_MIB,
            'video_files_size_in_mb': VIDEO_MIB,
            'data_path': DATA_PATH,
            'video_path': VIDEO_PATH if self._videos else None,
            'robot_type': None,
            'splits': {'train': f'0:{episodes}'},
        }
        figures = {name: found.all() for name, found in self._numbers.items()}
        figures |= {key: camera.all() for key, camera in self._cameras.items()}
        for name, content in ((INFO, info), (STATS, {n: figures[n] for n in self.features})):
            text = json.dumps(content, indent=4) + '\n'
            (self._folder / name).write_text(text, encoding='utf-8')

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for file in (self._data, self._episodes, *self._videos.values()):
            if kind is None:
                file.close()
            else:
                file.abandon()


def _png(picture: NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode('.png', picture[..., ::-1])[1])
