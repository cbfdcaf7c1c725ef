# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Joint targets of one action group: inverse kinematics for a tool in a plane, or as they are."""

from __future__ import annotations

from typing import Protocol

from dp_core.contract import ActionGroup
from dp_core.errors import KinematicsError
from dp_core.kinematics import KinematicChain
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Neighbouring solutions farther apart than this may lie on two branches of the kinematics [rad].
JUMP_RAD = 0.5


class JointSolver(Protocol):
    """Turns the actions of a group, step by step, into its joint positions, and back."""

    def joints(self, actions: Array, seed: Array) -> Array:
        """Joint positions (N, J) [rad] for ``actions`` (N, A), the first near ``seed`` (J,)."""

    def actions(self, positions: Array) -> Array:
        """Actions (N, A) that joint positions (N, J) [rad] stand for; `joints` turned round."""


class JointPositions:
    """Actions are joint positions already."""

    def joints(self, actions: Array, seed: Array) -> Array:
        """Return ``actions`` (N, J) [rad]."""
        del seed
        return np.asarray(actions, dtype=np.float64)

    def actions(self, positions: Array) -> Array:
        """Return ``positions`` (N, J) [rad]."""
        return np.asarray(positions, dtype=np.float64)


class ToolPlane:
    """The tool stays upright at a fixed height; actions are its x and y [m]."""

    def __init__(self, chain: KinematicChain, height_m: float):
        self._chain = chain
        self._height_m = height_m

    def joints(self, actions: Array, seed: Array) -> Array:
        """Joint positions (N, J) [rad] for tool positions (N, 2) [m], each near the one before.

        Raises:
            KinematicsError: a position is out of reach; the message gives it.
        """
        targets = np.array([tool_down(x, y, self._height_m) for x, y in actions])
        try:
            solution = self._chain.inverse_all(targets, seed)
            if np.abs(np.diff(solution, axis=0, prepend=seed[None])).max() < JUMP_RAD:
                return solution
        except KinematicsError:
            pass  # far from the seed a solution may not be found, or be one of another branch
        solution = np.empty((len(actions), len(seed)))
        for k, target in enumerate(targets):
            solution[k] = seed = self._chain.inverse(target, seed)
        return solution

    def actions(self, positions: Array) -> Array:
        """Where the tool is (N, 2) [m] at joint positions (N, J) [rad]; its height is dropped."""
        return np.array([self._chain.forward(q)[:2, 3] for q in positions]).reshape(-1, 2)


def tool_down(x: float, y: float, z: float) -> Array:
    """Pose (4, 4) at x, y, z [m] with the tool's z axis down and its x axis along the frame's."""
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[:3, 3] = x, y, z
    return pose


def joint_solver(group: ActionGroup, urdf: str) -> JointSolver:
    """Solver for ``group`` on the robot described by ``urdf``."""
    if group.kind != 'tool_plane':
        return JointPositions()
    chain = KinematicChain.from_urdf(urdf, group.frame, group.tool_frame, group.joints)
    return ToolPlane(chain, group.height_m)
