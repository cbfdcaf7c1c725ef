# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A name for every number of a contract's streams and actions."""

from __future__ import annotations

from dp_core.contract import Contract
from dp_core.contract import Stream


def stream_axes(stream: Stream) -> tuple[str, ...]:
    """Name the numbers of a low-dimensional stream, in their order.

    Where several samples stand for a tick, names bear how long before it they are [ms].
    """
    names = _sample_axes(stream)
    if stream.samples == 1:
        return names
    before_ms = [-round(time_ns * 1e-6, 3) for time_ns in stream.sample_times_ns(0)]
    return tuple(f'{name}@-{ms:g}ms' for ms in before_ms for name in names)


def _sample_axes(stream: Stream) -> tuple[str, ...]:
    if stream.kind == 'joint_state':
        return stream.joints
    if stream.kind == 'wrench':
        return ('fx', 'fy', 'fz', 'tx', 'ty', 'tz')
    if stream.kind != 'pose':
        return tuple(map(str, range(stream.channels)))
    names: list[str] = []
    for feature in stream.features:
        if feature == 'points':
            names += [f'{axis}{k}' for k in range(len(stream.points)) for axis in 'xy']
        elif feature == 'rotation_6d':
            names += [f'r{k}' for k in range(6)]
        else:
            names.append(feature)
    return tuple(names)


def state_axes(contract: Contract) -> tuple[str, ...]:
    """Name the numbers of all low-dimensional streams, one after another.

    Names bear that of their stream where there are several: two arms have joints of one name.
    """
    several = len(contract.low_dim) > 1
    return tuple(
        f'{stream.name}.{axis}' if several else axis
        for stream in contract.low_dim
        for axis in stream_axes(stream)
    )


def action_axes(contract: Contract) -> tuple[str, ...]:
    """Name the numbers of an action; they bear the name of their group where there are several."""
    several = len(contract.actions) > 1
    return tuple(
        f'{group.name}.{dim}' if several else dim
        for group in contract.actions
        for dim in group.dims
    )
