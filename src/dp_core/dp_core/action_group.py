# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One action group of a contract: the joints of one controller and how numbers command them."""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.errors import ContractError
from dp_core.schema import require_default
from dp_core.schema import require_finite
from dp_core.schema import require_one_of
from dp_core.schema import require_unique

# kind -> fields that it does not use, and so refuses
_FOREIGN_FIELDS = {
    'joint_position': ('frame', 'tool_frame', 'height_m'),
    'tool_plane': (),
    'vector': ('joints', 'controller', 'frame', 'tool_frame', 'height_m'),
}
ACTION_KINDS = tuple(_FOREIGN_FIELDS)


@dataclass(frozen=True)
class ActionGroup:
    """Joints that one controller moves, and how the policy's numbers command them.

    Attributes:
        name: name of the device, for messages to people.
        kind: ``joint_position``: one number per joint [rad]. ``tool_plane``: x and y of
            ``tool_frame`` in ``frame`` [m] at ``height_m``, tool axis down; joints by inverse
            kinematics. ``vector``: numbers without a robot (a simulated benchmark).
        dims: names of the numbers, in order.
        joints: joint names in the controller's order.
        controller: name of the joint_trajectory_controller; its topic is
            ``<controller>/joint_trajectory``.
        frame: ``tool_plane``: link that the tool's position is given in.
        tool_frame: ``tool_plane``: link that is placed.
        height_m: ``tool_plane``: z of the tool in ``frame`` [m].
        low: lower bound of each number (same units), empty for none. Predictions are clamped.
        high: upper bound likewise.
        latency_s: calibrated delay between a command and the motion that it causes [s]; what is
            meant for a time is commanded that much earlier.
    """

    name: str
    kind: str
    dims: tuple[str, ...]
    joints: tuple[str, ...] = ()
    controller: str = ''
    frame: str = ''
    tool_frame: str = ''
    height_m: float = 0.0
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    latency_s: float = 0.0

    def __post_init__(self) -> None:
        where = f'action group {self.name!r}'
        require_one_of(self.kind, ACTION_KINDS, f'{where}: kind')
        require_default(self, _FOREIGN_FIELDS[self.kind], f'{where}: kind {self.kind!r}')
        if not self.dims:
            raise ContractError(f'{where}: dims is empty')
        require_unique(self.dims, f'{where}: dims')
        if self.kind != 'vector' and (not self.joints or not self.controller):
            raise ContractError(f'{where}: kind {self.kind!r} needs joints and controller')
        require_unique(self.joints, f'{where}: joints')
        if self.kind == 'joint_position' and len(self.dims) != len(self.joints):
            raise ContractError(
                f'{where}: {len(self.dims)} dims for {len(self.joints)} joints; they must match'
            )
        if self.kind == 'tool_plane' and (
            len(self.dims) != 2 or not self.frame or not self.tool_frame
        ):
            raise ContractError(f'{where}: tool_plane needs two dims, frame and tool_frame')
        require_finite(self.height_m, f'{where}: height_m')
        require_finite(self.latency_s, f'{where}: latency_s')
        if self.latency_s < 0:
            raise ContractError(
                f'{where}: latency_s is {self.latency_s!r}, valid: 0 or more; nothing moves '
                'before it is commanded'
            )
        self._check_bounds(where)

    @property
    def number_kinds(self) -> tuple[str, ...]:
        """How its numbers are interpolated and averaged, see `dp_core.blend`: along a line."""
        return ('linear',) * len(self.dims)

    def _check_bounds(self, where: str) -> None:
        for name, bound in (('low', self.low), ('high', self.high)):
            if bound and len(bound) != len(self.dims):
                raise ContractError(
                    f'{where}: {name} has {len(bound)} values, valid: {len(self.dims)} or none'
                )
            for value in bound:
                require_finite(value, f'{where}: {name}')
        if any(low >= high for low, high in zip(self.low, self.high)):
            raise ContractError(
                f'{where}: low {list(self.low)} is not below high {list(self.high)}'
            )
