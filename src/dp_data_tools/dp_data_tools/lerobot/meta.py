# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What `meta/` of a LeRobotDataset says: its features, and where its episodes are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

from dp_core.errors import DatasetError
from dp_data_tools.lerobot.layout import ACTION
from dp_data_tools.lerobot.layout import DATA_PATH
from dp_data_tools.lerobot.layout import INFO
from dp_data_tools.lerobot.layout import NO_END_PAD
from dp_data_tools.lerobot.layout import path_of
from dp_data_tools.lerobot.layout import VERSION
from dp_data_tools.lerobot.packages import package
import numpy as np
from numpy.typing import NDArray

_EPISODES = 'meta/episodes'


@dataclass(frozen=True)
class Meta:
    """A dataset's description.

    Attributes:
        folder: of the dataset.
        rate: frames per second.
        features: name -> what `meta/info.json` says of it.
        data_path: template of the paths of data files.
        video_path: of videos; empty if there are none.
        episodes: rows of meta/episodes, in order, without statistics.
    """

    folder: Path
    rate: float
    features: Mapping[str, Mapping[str, Any]]
    data_path: str
    video_path: str
    episodes: tuple[Mapping[str, Any], ...]

    @property
    def ends(self) -> NDArray[np.int64]:
        """Exclusive end row of each episode."""
        return np.cumsum([episode['length'] for episode in self.episodes], dtype=np.int64)

    @property
    def no_end_pad(self) -> NDArray[np.bool_]:
        """Whether the end of an episode is a cut; where nothing says so, it is a rest."""
        return np.array([bool(e.get(NO_END_PAD, False)) for e in self.episodes], dtype=np.bool_)

    @property
    def tasks(self) -> list[str]:
        """Task of each episode; '' where there is none, the first where there are several."""
        return [str(next(iter(e.get('tasks') or ()), '')) for e in self.episodes]

    @property
    def data_files(self) -> list[Path]:
        """Files of the rows, in their order."""
        places = [(e['data/chunk_index'], e['data/file_index']) for e in self.episodes]
        return [
            self.folder / path_of(self.data_path, chunk, file)
            for chunk, file in dict.fromkeys(places)
        ]


def read_meta(folder: Path) -> Meta:
    """Read and check what a dataset says of itself.

    Raises:
        DatasetError: it is missing, damaged, of another version, or contradicts itself.
    """
    info = _info(folder)
    episodes = _episodes(folder)
    total = 0
    for number, episode in enumerate(episodes):
        begin, end, length = (
            episode[key] for key in ('dataset_from_index', 'dataset_to_index', 'length')
        )
        if episode['episode_index'] != number or begin != total or end - begin != length:
            raise DatasetError(
                f'{folder / _EPISODES}: episode {episode["episode_index"]} of length {length} is '
                f'rows {begin} to {end}; episode {number} must begin at row {total}'
            )
        total = end
    if (info['total_episodes'], info['total_frames']) != (len(episodes), total):
        raise DatasetError(
            f'{folder / INFO} says {info["total_episodes"]} episodes of {info["total_frames"]} '
            f'frames, meta/episodes has {len(episodes)} of {total}'
        )
    return Meta(
        folder,
        float(info['fps']),
        info['features'],
        info.get('data_path') or DATA_PATH,
        info.get('video_path') or '',
        tuple(episodes),
    )


def _info(folder: Path) -> dict[str, Any]:
    path = folder / INFO
    try:
        info: Any = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise DatasetError(f'cannot read {path}: {error}') from error
    version = str(info.get('codebase_version')) if isinstance(info, dict) else 'none'
    if version.split('.')[0] != VERSION.split('.')[0]:
        raise DatasetError(
            f'{folder} is a LeRobot dataset of version {version}, valid: {VERSION}; LeRobot makes '
            'one of it: python -m lerobot.scripts.convert_dataset_v21_to_v30 --repo-id=...'
        )
    wanted = ('fps', 'features', 'total_episodes', 'total_frames')
    if missing := [key for key in wanted if key not in info]:
        raise DatasetError(f'{path} lacks {missing}')
    if not isinstance(info['fps'], int | float) or info['fps'] <= 0:
        raise DatasetError(f'{path}: fps is {info["fps"]!r}, valid: a positive number')
    features = info['features']
    if not isinstance(features, dict) or ACTION not in features:
        raise DatasetError(f'{path} has no feature {ACTION!r}; it has {list(features)}')
    for name, feature in features.items():
        if not isinstance(feature, dict) or not {'dtype', 'shape'} <= set(feature):
            raise DatasetError(f'{path}: feature {name!r} is {feature!r}, it lacks dtype or shape')
    return dict(info)


def _episodes(folder: Path) -> list[dict[str, Any]]:
    pa, parquet = package('pyarrow'), package('pyarrow.parquet')
    paths = sorted((folder / _EPISODES).glob('*/*.parquet'))
    if not paths:
        raise DatasetError(f'{folder / _EPISODES} has no parquet files')
    rows: list[dict[str, Any]] = []
    for path in paths:
        try:
            names = parquet.read_schema(path).names
            wanted = [name for name in names if not name.startswith('stats/')]
            rows += parquet.read_table(path, columns=wanted).to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise DatasetError(f'cannot read {path}: {error}') from error
        needed = ('episode_index', 'length', 'dataset_from_index', 'dataset_to_index')
        needed += ('data/chunk_index', 'data/file_index')
        if missing := [name for name in needed if name not in wanted]:
            raise DatasetError(f'{path} lacks {missing}')
    if not rows:
        raise DatasetError(f'{folder / _EPISODES} has no episodes')
    return sorted(rows, key=lambda row: int(row['episode_index']))
