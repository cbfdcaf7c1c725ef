# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Forward and inverse kinematics of one serial chain, read from the robot's own URDF.

The URDF is the one the robot publishes on ``robot_description``, so a calibrated arm works.
Inverse kinematics is damped least squares seeded with the previous solution, so consecutive poses
of a chunk stay on one branch. A solution beyond a limit is refused; what is too far for the time
between two poses is refused later, by `dp_core.limits`.
"""

from __future__ import annotations

from collections.abc import Sequence

from dp_core.errors import KinematicsError
from dp_core.urdf import Array
from dp_core.urdf import ChainJoint
from dp_core.urdf import JointLimits
from dp_core.urdf import read_chain
import numpy as np


class KinematicChain:
    """The joints between ``base`` and ``tip``; poses are T_base_tip, (4, 4)."""

    def __init__(
        self, links: Sequence[ChainJoint], joint_names: tuple[str, ...], limits: JointLimits
    ):
        self._links = tuple(links)
        self.joint_names = joint_names
        self.limits = limits

    @classmethod
    def from_urdf(
        cls, urdf: str, base: str, tip: str, joints: Sequence[str] | None = None
    ) -> KinematicChain:
        """Read the chain from URDF text.

        Args:
            urdf: the document, as on ``robot_description``.
            base: link that poses are expressed in.
            tip: link that is placed.
            joints: joint names in the caller's order; default is the order from base to tip.

        Raises:
            KinematicsError: malformed URDF, unknown links, or joints that are not the chain's.
        """
        return cls(*read_chain(urdf, base, tip, joints))

    def forward(self, q: Array) -> Array:
        """Pose T_base_tip (4, 4) at joint positions ``q`` (n,) [rad]."""
        pose = np.eye(4)
        for link in self._links:
            pose = pose @ link.origin
            if link.index >= 0:
                pose = pose @ _motion(link, float(q[link.index]))
        return pose

    def jacobian(self, q: Array) -> Array:
        """Geometric Jacobian (6, n) at the tip in base axes: linear rows, then angular."""
        return self._forward_jacobian(q)[1]

    def inverse(
        self,
        target: Array,
        seed: Array,
        *,
        position_tolerance_m: float = 1e-6,
        rotation_tolerance_rad: float = 1e-5,
        max_iterations: int = 60,
        damping: float = 1e-4,
    ) -> Array:
        """Joint positions (n,) that place the tip at ``target`` (4, 4), near ``seed`` (n,).

        Raises:
            KinematicsError: not converged (out of reach), or the solution is beyond a limit.
        """
        q = np.array(seed, dtype=np.float64)
        for _ in range(max_iterations):
            pose, jacobian = self._forward_jacobian(q)
            error = np.concatenate(
                [target[:3, 3] - pose[:3, 3], _rotation_vector(target[:3, :3] @ pose[:3, :3].T)]
            )
            position_error = float(np.linalg.norm(error[:3]))
            rotation_error = float(np.linalg.norm(error[3:]))
            if position_error < position_tolerance_m and rotation_error < rotation_tolerance_rad:
                return self._within_limits(q)
            gram = jacobian @ jacobian.T
            gram[np.diag_indices(6)] += damping * min(position_error + rotation_error, 1.0)
            step = jacobian.T @ np.linalg.solve(gram, error)
            q += step * min(1.0, 0.5 / max(float(np.abs(step).max()), 1e-12))
        raise KinematicsError(
            f'pose x={target[0, 3]:.3f} y={target[1, 3]:.3f} z={target[2, 3]:.3f} m is out of '
            f'reach: {position_error * 1e3:.2f} mm and {rotation_error:.4f} rad remain after '
            f'{max_iterations} iterations'
        )

    def _forward_jacobian(self, q: Array) -> tuple[Array, Array]:
        pose = np.eye(4)
        axes = np.zeros((3, len(self.joint_names)))
        origins = np.zeros((3, len(self.joint_names)))
        revolute = np.ones(len(self.joint_names), dtype=bool)
        for link in self._links:
            pose = pose @ link.origin
            if link.index >= 0:
                axes[:, link.index] = pose[:3, :3] @ link.axis
                origins[:, link.index] = pose[:3, 3]
                revolute[link.index] = link.kind != 'prismatic'
                pose = pose @ _motion(link, float(q[link.index]))
        arm = pose[:3, 3:4] - origins  # (3, n) from each joint to the tip
        turning = np.stack(
            [
                axes[1] * arm[2] - axes[2] * arm[1],
                axes[2] * arm[0] - axes[0] * arm[2],
                axes[0] * arm[1] - axes[1] * arm[0],
            ]
        )
        linear = np.where(revolute, turning, axes)
        return pose, np.concatenate([linear, np.where(revolute, axes, 0.0)])

    def _within_limits(self, q: Array) -> Array:
        outside = (q < self.limits.lower) | (q > self.limits.upper)
        if outside.any():
            i = int(np.argmax(outside))
            raise KinematicsError(
                f'joint {self.joint_names[i]} would be at {q[i]:.3f} rad, its limits are '
                f'[{self.limits.lower[i]:.3f}, {self.limits.upper[i]:.3f}]'
            )
        return q


def _motion(link: ChainJoint, value: float) -> Array:
    motion = np.eye(4)
    if link.kind == 'prismatic':
        motion[:3, 3] = value * link.axis
    else:  # Rodrigues' formula
        motion[:3, :3] += np.sin(value) * link.skew + (1 - np.cos(value)) * link.skew @ link.skew
    return motion


def _rotation_vector(rotation: Array) -> Array:
    """Axis times angle (3,) [rad] of a rotation matrix; exact up to a half turn."""
    sine = 0.5 * np.array(
        [
            rotation[2, 1] - rotation[1, 2],
            rotation[0, 2] - rotation[2, 0],
            rotation[1, 0] - rotation[0, 1],
        ]
    )
    norm = float(np.linalg.norm(sine))
    angle = float(np.arctan2(norm, (np.trace(rotation) - 1) / 2))
    if norm > 1e-9:
        return sine * (angle / norm)
    if angle < 1.0:
        return sine
    square = (rotation + np.eye(3)) / 2  # a half turn: axis times its transpose
    axis = square[:, int(np.argmax(np.diag(square)))]
    return np.asarray(axis * (angle / np.linalg.norm(axis)), dtype=np.float64)
