# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A contract for a LeRobot dataset that has none: its features as they are, without a robot."""

from __future__ import annotations

from collections.abc import Mapping
import re
from typing import Any

from dp_core.contract import Contract
from dp_data_tools.lerobot.layout import ACTION
from dp_data_tools.lerobot.layout import CAMERA
from dp_data_tools.lerobot.mapping import is_camera
from dp_data_tools.lerobot.mapping import is_vector
from dp_data_tools.lerobot.mapping import names_of
from dp_data_tools.lerobot.meta import Meta

# The original's: two observations, 16 steps predicted, 8 of them done.
TIMING = {'n_obs_steps': 2, 'horizon': 16, 'n_action_steps': 8}


def guess_contract(meta: Meta) -> Contract:
    """Contract of all observations; whoever wants to drive a robot with it gives another one.

    Raises:
        ContractError: the dataset has nothing that a policy can observe.
    """
    observations = [
        _stream(name, feature)
        for name, feature in meta.features.items()
        if name.startswith('observation.') and (is_camera(feature) or is_vector(feature))
    ]
    action = {'name': 'robot', 'kind': 'vector', 'dims': names_of(meta.features[ACTION])}
    data = {
        'name': meta.folder.resolve().name,
        'tasks': sorted({task for task in meta.tasks if task}),
        'dt_s': 1 / meta.rate,
        **TIMING,
        'observations': observations,
        'actions': [action],
    }
    return Contract.from_dict(data, f'contract made of {meta.folder}')


def _stream(key: str, feature: Mapping[str, Any]) -> dict[str, Any]:
    short = key.removeprefix(CAMERA).removeprefix('observation.')
    name = re.sub(r'\W', '_', short, flags=re.ASCII)
    if not is_camera(feature):
        return {'name': name, 'kind': 'vector', 'topic': key, 'length': feature['shape'][0]}
    shape, names = feature['shape'], feature.get('names')
    if not isinstance(names, list) or not {'height', 'width'} <= set(names):
        names = ['height', 'width']
    size = [shape[names.index(name)] for name in ('height', 'width')]
    return {'name': name, 'kind': 'image', 'topic': key, 'size': size}
