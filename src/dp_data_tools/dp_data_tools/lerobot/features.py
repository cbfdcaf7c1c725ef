# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A contract's streams as features of LeRobot's `meta/info.json`.

All low-dimensional streams, one after another, are ``observation.state``: LeRobot's policies know
one state. Cameras are ``observation.images.<stream>``; actions of all groups are ``action``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dp_core.contract import Contract
from dp_core.errors import ContractError
from dp_data_tools.axes import action_axes
from dp_data_tools.axes import state_axes
from dp_data_tools.lerobot.layout import ACTION
from dp_data_tools.lerobot.layout import CAMERA
from dp_data_tools.lerobot.layout import DEFAULTS
from dp_data_tools.lerobot.layout import STATE
import numpy as np

# LeRobot counts whole frames per second; a step may be off by this part of it.
RATE_TOLERANCE = 2e-3


def whole_rate(contract: Contract) -> int:
    """Frames per second.

    Raises:
        ContractError: they are no whole number.
    """
    rate = round(1 / contract.dt_s)
    if rate < 1 or abs(rate * contract.dt_s - 1) > RATE_TOLERANCE:
        raise ContractError(
            f'contract {contract.name!r}: dt_s is {contract.dt_s} s, {1 / contract.dt_s:.4g} '
            'frames per second; LeRobot counts whole ones, such as dt_s 0.1'
        )
    return rate


def features_of(
    contract: Contract, types: Mapping[str, np.dtype[Any]], pictures: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Features, in the order of the columns.

    Args:
        contract: of the dataset.
        types: of ``observation.state`` and ``action``.
        pictures: what a camera's feature says besides its shape.
    """
    features: dict[str, dict[str, Any]] = {}
    if contract.low_dim:
        features[STATE] = _numbers(types[STATE], state_axes(contract))
    for stream in contract.images:
        features[CAMERA + stream.name] = {
            'shape': [*stream.size, 3],
            'names': ['height', 'width', 'channels'],
            **pictures,
        }
    features[ACTION] = _numbers(types[ACTION], action_axes(contract))
    for name, kind in DEFAULTS.items():
        features[name] = {'dtype': kind, 'shape': [1], 'names': None}
    return features


def _numbers(dtype: np.dtype[Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {'dtype': dtype.name, 'shape': [len(names)], 'names': list(names)}
