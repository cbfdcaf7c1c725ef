# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Refuse a motion that brings the robot too near to itself or the table, or its tool too far out.

Everything that is asked for is one number, a clearance, and the least it may be: distances of
capsules (`dp_core.capsules`), heights above the table, and the way to the faces of the box. A
motion that begins with less than that may only lead away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math

from dp_core.action_group import ActionGroup
from dp_core.body_tree import BodyTree
from dp_core.capsules import read_capsules
from dp_core.clearance_rules import Placed
from dp_core.clearance_rules import Rule
from dp_core.clearance_rules import SelfDistance
from dp_core.clearance_rules import TableDistance
from dp_core.clearance_rules import ToolBox
from dp_core.errors import ConfigError
from dp_core.errors import LimitError
from dp_core.motion import Trajectory
from dp_core.urdf import joint_limits
from dp_core.urdf import MOVING
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# An arm at 2 m/s goes 2 cm before the middle of this and 2 cm after it [s].
SAMPLE_S = 0.02
# Poses that are tried at configure; pairs that are too near in all of them are left out.
PROBES = 200
# What rounding takes from the clearance of an arm that stands still [m].
ROUNDING_M = 1e-6
# The box of a tool in a plane is this much wider than the bounds of its actions [m].
BOX_MARGIN_M = 0.02


@dataclass(frozen=True)
class ClearanceSettings:
    """What the robot and its tool keep away from.

    Attributes:
        min_distance_m: between links that are not neighbours, and between arm and table [m];
            shapes that are too large may overlap by a negative one.
        tool_distance_m: between the tool, all that hangs on the last link, and the table [m].
        table_height_m: height of the table in ``workspace_frame`` [m].
        link_radius_m: of links without a simple collision shape [m].
        workspace_frame: link that stands fixed, for table and box; '' is the root of the robot.
        workspace_tool: link that stays in the box; '' is that of a ``tool_plane`` group, or the
            last link that a group moves.
        workspace_low, workspace_high: x, y, z in ``workspace_frame`` that the tool may reach [m];
            the tool of a ``tool_plane`` group stays within the bounds of its actions besides.
    """

    min_distance_m: float = 0.01
    tool_distance_m: float = 0.002
    table_height_m: float = 0.0
    link_radius_m: float = 0.05
    workspace_frame: str = ''
    workspace_tool: str = ''
    workspace_low: tuple[float, ...] = (-10.0, -10.0, -10.0)
    workspace_high: tuple[float, ...] = (10.0, 10.0, 10.0)

    def __post_init__(self) -> None:
        """Raise ConfigError naming the value and what is valid."""
        for name in ('min_distance_m', 'tool_distance_m', 'table_height_m'):
            if not math.isfinite(getattr(self, name)):
                raise ConfigError(f'{name} is {getattr(self, name)}, valid: a finite number')
        if not 0.0 < self.link_radius_m < 10.0:
            raise ConfigError(f'link_radius_m is {self.link_radius_m}, valid: above 0, below 10')
        low, high = self.workspace_low, self.workspace_high
        if not (len(low) == len(high) == 3 and all(a < b for a, b in zip(low, high))):
            raise ConfigError(
                f'workspace_low is {list(low)} and workspace_high {list(high)}, '
                'valid: x, y, z each, and low below high'
            )


class Clearance:
    """All clearances of one robot, and the least that each may be.

    Attributes:
        whats: C names of what is measured.
        notes: what a person should know: shapes that are guessed, and what is not checked.
    """

    def __init__(self, urdf: str, groups: Sequence[ActionGroup], settings: ClearanceSettings):
        """Read the robot from URDF text; ``groups`` are those of the contract, in its order.

        Raises:
            ConfigError: the frame of the workspace moves, or its tool stands still.
            KinematicsError: malformed URDF, or a link or joint that the robot lacks.
        """
        joints = [joint for group in groups for joint in group.joints]
        self._tree = tree = BodyTree(urdf, joints)
        shapes = read_capsules(urdf, tree, settings.link_radius_m)
        self._capsules = shapes
        frame = settings.workspace_frame or tree.root
        pose = _fixed_pose(tree, frame)
        moved = _moved_links(tree, groups)
        # Of each group the link that it moves on which nothing else hangs that it moves.
        last = [min(links, key=lambda link: len(tree.below[link])) for links in moved]
        tools = {name for link in last for name in tree.below[link] - {link}}
        is_tool = np.isin(shapes.links, sorted(tools))
        apart = SelfDistance(shapes, tree.parents, settings.min_distance_m)
        table = TableDistance(
            shapes,
            pose[:3, 2],
            float(pose[:3, 2] @ pose[:3, 3]) + settings.table_height_m,
            np.where(is_tool, settings.tool_distance_m, settings.min_distance_m),
        )
        left_out = self._leave_out(urdf, joints, [apart, table])
        self._rules: list[Rule] = [apart, table, *_boxes(tree, groups, moved, last, settings)]
        self._least = np.concatenate([rule.least for rule in self._rules])
        self.whats = tuple(what for rule in self._rules for what in rule.whats)
        resting = [
            item.joint.name
            for item in tree.joints
            if item.joint.kind in MOVING and item.joint.index < 0
        ]
        self.notes = tuple(
            f'{text}: {", ".join(names)}'
            for text, names in (
                (
                    f'capsules of {settings.link_radius_m} m radius stand for the links',
                    shapes.guessed,
                ),
                ('meshes beside simple shapes are not checked', shapes.unseen),
                ('joints that are not commanded count as resting', resting),
                ('not checked, because too small in every pose', left_out),
            )
            if names
        )

    def measure(self, positions: Array) -> Array:
        """Clearances (T, C) [m] at joint positions (T, J) [rad]."""
        placed = self._place(positions)
        return np.concatenate([rule.measure(placed) for rule in self._rules], axis=1)

    def check(self, trajectory: Trajectory) -> None:
        """Check a motion about to be sent, up to where it comes to rest.

        Raises:
            LimitError: the message names links, distance, limit and time.
        """
        end_s = float(trajectory.times_s[-1])
        times_s = np.linspace(0.0, end_s, max(2, math.ceil(end_s / SAMPLE_S) + 1))
        values = self.measure(trajectory.curve()(times_s))
        least = np.minimum(self._least, values[0] - ROUNDING_M)
        if (values >= least).all():
            return
        t = int(np.argmax((values < least).any(axis=1)))
        c = int(np.argmin(values[t] - least))
        raise LimitError(
            f'{self.whats[c]} would be {values[t, c]:.3f} m in {times_s[t]:.2f} s, '
            f'valid: at least {self._least[c]:.3f} m'
        )

    def _place(self, positions: Array) -> Placed:
        frames = self._tree.frames(positions)
        on_body = frames[:, self._capsules.bodies]  # (T, K, 4, 4)
        ends = self._capsules.ends @ on_body[:, :, :3, :3].swapaxes(-1, -2)
        return Placed(frames, ends + on_body[:, :, None, :3, 3])

    def _leave_out(
        self, urdf: str, joints: Sequence[str], rules: Sequence[SelfDistance | TableDistance]
    ) -> list[str]:
        """Keep what is large enough in some pose at least, and name the rest."""
        limits = joint_limits(urdf, joints)
        low, high = np.maximum(limits.lower, -math.pi), np.minimum(limits.upper, math.pi)
        placed = self._place(np.random.default_rng(0).uniform(low, high, (PROBES, len(joints))))
        names: list[str] = []
        for rule in rules:
            possible = np.any(rule.measure(placed) >= rule.least, axis=0)
            names += [what for what, keep in zip(rule.whats, possible) if not keep]
            rule.keep(possible)
        return list(dict.fromkeys(names))


def _fixed_pose(tree: BodyTree, link: str) -> Array:
    """Pose (4, 4) in the root link of one that does not move."""
    body, pose = tree.find(link)
    if body:
        raise ConfigError(
            f'workspace_frame is {link!r}, which moves; valid: a link fixed to the base'
        )
    return pose


def _moved_links(tree: BodyTree, groups: Sequence[ActionGroup]) -> list[list[str]]:
    """Of each group the links behind its joints."""
    movers = iter(tree.movers)
    return [[next(movers) for _ in group.joints] for group in groups]


def _boxes(
    tree: BodyTree,
    groups: Sequence[ActionGroup],
    moved: Sequence[Sequence[str]],
    last: Sequence[str],
    settings: ClearanceSettings,
) -> list[ToolBox]:
    """The workspace of each group's tool; ``moved`` and ``last`` are the links that it moves."""
    frame = settings.workspace_frame or tree.root
    workspace = np.array(settings.workspace_low), np.array(settings.workspace_high)
    tool = settings.workspace_tool
    mine = [any(tool in tree.below[link] for link in links) for links in moved]
    if tool and not any(mine):
        tree.find(tool)  # names a link that the robot lacks
        raise ConfigError(f'workspace_tool is {tool!r}, which stands still; valid: a moved link')
    boxes = []
    for group, end, is_mine in zip(groups, last, mine):
        boxes.append(_box(tree, tool if is_mine else group.tool_frame or end, frame, *workspace))
        if group.low and group.high and group.frame and tree.find(group.frame)[0] == 0:
            low = np.array([*group.low, group.height_m]) - BOX_MARGIN_M
            high = np.array([*group.high, group.height_m]) + BOX_MARGIN_M
            boxes.append(_box(tree, group.tool_frame, group.frame, low, high))
    return boxes


def _box(tree: BodyTree, tool: str, frame: str, low: Array, high: Array) -> ToolBox:
    body, pose = tree.find(tool)
    return ToolBox(tool, body, pose[:3, 3], frame, _fixed_pose(tree, frame), low, high)
