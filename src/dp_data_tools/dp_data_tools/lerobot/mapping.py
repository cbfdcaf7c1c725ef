# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which numbers and which camera of a LeRobot dataset each stream of a contract is.

By name wherever a dataset names its numbers: the same joints in another order are put in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from dp_core.action_group import ActionGroup
from dp_core.contract import Contract
from dp_core.contract import Stream
from dp_core.errors import ContractError
from dp_data_tools.axes import action_axes
from dp_data_tools.axes import state_axes
from dp_data_tools.axes import stream_axes
from dp_data_tools.lerobot.features import RATE_TOLERANCE
from dp_data_tools.lerobot.layout import ACTION
from dp_data_tools.lerobot.layout import CAMERA
from dp_data_tools.lerobot.layout import STATE
from dp_data_tools.lerobot.meta import Meta

Features = Mapping[str, Mapping[str, Any]]
NUMBERS = ('float32', 'float64')


def require_rate(contract: Contract, meta: Meta) -> None:
    """Raise ContractError unless the contract's step is that of the dataset."""
    if abs(meta.rate * contract.dt_s - 1) > RATE_TOLERANCE:
        raise ContractError(
            f'contract {contract.name!r}: dt_s is {contract.dt_s} s, but {meta.folder} has '
            f'{meta.rate:g} frames per second; valid: {1 / meta.rate:.6g} s'
        )


def numbers_of(contract: Contract, features: Features) -> dict[str, tuple[str, list[int]]]:
    """Feature and columns of every low-dimensional stream, and of ``action``.

    Raises:
        ContractError: the dataset lacks them, or names others.
    """
    found: dict[str, tuple[str, list[int]]] = {}
    together: list[Stream] = []
    for stream in contract.low_dim:
        key = _key(stream, ('observation.',), features)
        if key is not None and key != STATE:
            axes = stream_axes(stream)
            found[stream.name] = key, _columns((axes,), features[key], key)
        else:
            together.append(stream)
    if together:
        if STATE not in features:
            names = [stream.name for stream in together]
            raise ContractError(f'the dataset has no {STATE!r} for {names}; it has {[*features]}')
        plain = [axis for stream in together for axis in stream_axes(stream)]
        named = state_axes(contract) if len(together) == len(contract.low_dim) else plain
        columns = _columns((named, plain), features[STATE], STATE)
        for stream in together:
            found[stream.name] = STATE, columns[: stream.dim]
            columns = columns[stream.dim :]
    spellings = (
        action_axes(contract),
        [dim for group in contract.actions for dim in group.dims],
        [f'{group.name}.{name}' for group in contract.actions for name in _joints(group)],
        [name for group in contract.actions for name in _joints(group)],
    )
    found['action'] = ACTION, _columns(spellings, features[ACTION], ACTION)
    return found


def camera_of(stream: Stream, features: Features) -> str:
    """Feature of a camera.

    Raises:
        ContractError: there is none, or it holds something else.
    """
    key = _key(stream, (CAMERA, 'observation.'), features)
    cameras = [name for name, feature in features.items() if is_camera(feature)]
    if key is None or key not in cameras:
        raise ContractError(
            f'the dataset has no camera for {stream.name!r}; it has {cameras}: rename the stream '
            'in the contract, or take the numbers alone with --without-images'
        )
    return key


def is_camera(feature: Mapping[str, Any]) -> bool:
    """Whether a feature holds colour pictures."""
    about = {**(feature.get('video_info') or {}), **(feature.get('info') or {})}
    depth = about.get('is_depth_map') or about.get('video.is_depth_map')
    return feature['dtype'] in ('video', 'image') and not depth


def is_vector(feature: Mapping[str, Any]) -> bool:
    """Whether a feature is a list of numbers."""
    return feature['dtype'] in NUMBERS and len(feature['shape']) == 1


def names_of(feature: Mapping[str, Any]) -> list[str]:
    """Names of the numbers of a feature; their places where it does not name them."""
    return _given_names(feature) or [str(k) for k in range(feature['shape'][0])]


def _given_names(feature: Mapping[str, Any]) -> list[str]:
    names = feature.get('names')
    if isinstance(names, dict) and all(isinstance(place, int) for place in names.values()):
        names = [name for name, _ in sorted(names.items(), key=lambda each: each[1])]
    elif isinstance(names, dict):
        groups = (group if isinstance(group, list) else [group] for group in names.values())
        names = [name for group in groups for name in group]
    if not isinstance(names, list) or len(names) != feature['shape'][0]:
        return []
    return [str(name).removesuffix('.pos') for name in names]


def _key(stream: Stream, beginnings: Sequence[str], features: Features) -> str | None:
    keys = [stream.topic, *(beginning + stream.name for beginning in beginnings)]
    return next((key for key in keys if key in features), None)


def _joints(group: ActionGroup) -> Sequence[str]:
    return group.joints if group.kind == 'joint_position' else group.dims


def _columns(
    spellings: Sequence[Sequence[str]], feature: Mapping[str, Any], key: str
) -> list[int]:
    """Columns of the numbers that a contract calls by one of these ``spellings``."""
    if not is_vector(feature):
        raise ContractError(
            f'{key!r} is {feature["dtype"]} of shape {feature["shape"]}, valid: a list of numbers '
            f'of {NUMBERS}'
        )
    names, count = _given_names(feature), len(spellings[0])
    for wanted in spellings:
        if len(set(wanted)) == len(wanted) and set(wanted) <= set(names):
            return [names.index(name) for name in wanted]
    if feature['shape'][0] == count and not set().union(*spellings) & set(names):
        return list(range(count))  # it names none of them, or none as the contract does
    raise ContractError(
        f'{key!r} holds {names_of(feature)}, the contract asks for {list(spellings[0])}; valid: '
        f'all of these names, or {count} numbers of other names in this order'
    )
