# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A LeRobotDataset v3.0 as a contract and a replay buffer whose arrays stay on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import ExitStack
import dataclasses
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
from dp_data_tools.lerobot.layout import DEFAULTS
from dp_data_tools.lerobot.layout import META
from dp_data_tools.lerobot.mapping import camera_of
from dp_data_tools.lerobot.mapping import numbers_of
from dp_data_tools.lerobot.mapping import require_rate
from dp_data_tools.lerobot.meta import read_meta
from dp_data_tools.lerobot.rows import NumberColumn
from dp_data_tools.lerobot.rows import PictureColumn
from dp_data_tools.lerobot.rows import Rows


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
    if contract is None:
        stored = folder / META / CONTRACT_FILE
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


def _without_images(contract: Contract) -> Contract:
    if not contract.low_dim:
        raise ContractError(f'contract {contract.name!r} has no observations but images')
    return dataclasses.replace(contract, observations=contract.low_dim)
