# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A LeRobotDataset v3.0 as a contract and a replay buffer whose arrays stay on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import ExitStack
import dataclasses
import math
from pathlib import Path
from typing import Any

from dp_core.contract import Contract
from dp_core.errors import ContractError
from dp_core.replay_buffer import CONTRACT_FILE
from dp_core.replay_buffer import ReplayBuffer
from dp_data_tools.lerobot.cameras import CameraColumn
from dp_data_tools.lerobot.cameras import Pictures
from dp_data_tools.lerobot.cameras import VideoPictures
from dp_data_tools.lerobot.guess import guess_contract
from dp_data_tools.lerobot.layout import ACTION
from dp_data_tools.lerobot.layout import DEFAULTS
from dp_data_tools.lerobot.layout import META
from dp_data_tools.lerobot.mapping import camera_of
from dp_data_tools.lerobot.mapping import numbers_of
from dp_data_tools.lerobot.mapping import require_rate
from dp_data_tools.lerobot.meta import read_meta
from dp_data_tools.lerobot.rows import NumberColumn
from dp_data_tools.lerobot.rows import PictureColumn
from dp_data_tools.lerobot.rows import Rows
import numpy as np
from numpy.typing import NDArray

# No joint of a robot turns farther [rad].
MOST_RAD = 4.0 * math.pi


@contextmanager
def open_lerobot(
    folder: Path, contract: Contract | None = None, without_images: bool = False
) -> Iterator[tuple[Contract, ReplayBuffer, list[str], list[str]]]:
    """Open a dataset.

    Args:
        folder: of the dataset.
        contract: what to take of it; None for the contract that it carries, or where it carries
            none for one that is made of its features.
        without_images: leave the cameras out, of the contract as well.

    Yields:
        The contract, the episodes, whose arrays are read slice by slice, the task of each, and the
        features of which nothing was taken.

    Raises:
        ConfigError: pyarrow or PyAV is missing.
        ContractError: the dataset does not hold what the contract asks for.
        DatasetError: it is missing, damaged or of another version.
    """
    meta = read_meta(folder)
    stored = folder / META / CONTRACT_FILE
    if contract is None:
        contract = Contract.load(stored) if stored.exists() else guess_contract(meta)
    if without_images:
        contract = _without_images(contract)
    require_rate(contract, meta)
    with ExitStack() as opened:
        rows = Rows(meta)
        data: dict[str, Any] = {}
        taken = set(DEFAULTS)
        for name, (key, columns) in numbers_of(contract, meta.features).items():
            taken.add(key)
            feature = meta.features[key]
            width = feature['shape'][0]
            data[name] = NumberColumn(rows, key, width, columns, feature['dtype'])
            if not stored.exists() and _is_of_joints(contract, name):
                _require_radians(data[name][:], key, folder)
        for stream in contract.images:
            key = camera_of(stream, meta.features)
            taken.add(key)
            source: Pictures = PictureColumn(rows, key)
            if meta.features[key]['dtype'] == 'video':
                video = VideoPictures(meta, key)
                opened.callback(video.close)
                source = video
            data[stream.name] = CameraColumn(source, stream, len(rows))
        left = [name for name in meta.features if name not in taken]
        yield contract, ReplayBuffer(data, meta.ends, meta.no_end_pad), meta.tasks, left


def _is_of_joints(contract: Contract, name: str) -> bool:
    if name == ACTION:
        return all(group.kind == 'joint_position' for group in contract.actions)
    return contract.stream(name).kind == 'joint_state'


def _require_radians(values: NDArray[Any], key: str, folder: Path) -> None:
    """Refuse joints in other units: an arm would be sent 57 times too far."""
    farthest = float(np.abs(values).max(initial=0.0))
    if farthest > MOST_RAD:
        raise ContractError(
            f'{key!r} of {folder} reaches {farthest:.1f}, which is no angle in rad; the contract '
            f'takes joints in rad, valid: up to {MOST_RAD:.1f}. Bring a dataset in degrees or in '
            'per cent of the range to rad first'
        )


def _without_images(contract: Contract) -> Contract:
    if not contract.low_dim:
        raise ContractError(f'contract {contract.name!r} has no observations but images')
    return dataclasses.replace(contract, observations=contract.low_dim)
