# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The numbers of all action groups of a contract beside the joints that they command."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence

from dp_core.blend import parts
from dp_core.contract import ActionGroup
from dp_core.tool_plane import JointSolver
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class ActionSpace:
    """From actions (N, A) to joint positions (N, J) and back.

    Attributes:
        joint_names: J names over all groups.
        layout: kinds of the A numbers, for `dp_core.blend`.
        joint_latency_ns: of each joint's device [ns].
        number_latency_ns: of each number's device [ns].
    """

    def __init__(self, groups: Sequence[ActionGroup], solvers: Sequence[JointSolver]):
        """One solver per group."""
        self._groups = tuple(groups)
        self._solvers = tuple(solvers)
        self.joint_names = tuple(joint for group in groups for joint in group.joints)
        self.layout = parts([kind for group in groups for kind in group.number_kinds])
        latencies = [(group, round(group.latency_s * 1e9)) for group in groups]
        self.joint_latency_ns = tuple(ns for group, ns in latencies for _ in group.joints)
        self.number_latency_ns = tuple(ns for group, ns in latencies for _ in group.dims)

    def clamp(self, actions: Array) -> Array:
        """Clamp actions (N, A) to the bounds of their groups."""
        out = np.array(actions, dtype=np.float64)
        for group, _, columns, _ in self._each():
            if group.low or group.high:
                out[:, columns] = np.clip(out[:, columns], group.low or None, group.high or None)
        return out

    def joints(self, actions: Array, seed: Array) -> Array:
        """Joint positions (N, J) [rad] for actions (N, A), the first near ``seed`` (J,).

        Raises:
            KinematicsError: an action cannot be reached.
        """
        solved = [
            solver.joints(actions[:, columns], seed[joints])
            for _, solver, columns, joints in self._each()
        ]
        return np.concatenate(solved, axis=1)

    def actions(self, positions: Array) -> Array:
        """Actions (N, A) that joint positions (N, J) [rad] stand for."""
        read = [solver.actions(positions[:, joints]) for _, solver, _, joints in self._each()]
        return np.concatenate(read, axis=1)

    def _each(self) -> Iterator[tuple[ActionGroup, JointSolver, slice, slice]]:
        """Each group and its solver with its columns of the actions and of the joints."""
        column = joint = 0
        for group, solver in zip(self._groups, self._solvers):
            columns = slice(column, column + len(group.dims))
            joints = slice(joint, joint + len(group.joints))
            yield group, solver, columns, joints
            column, joint = columns.stop, joints.stop
