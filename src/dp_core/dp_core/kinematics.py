# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Forward and inverse kinematics of one serial chain, read from the robot's own URDF.

The URDF is the one the robot publishes on ``robot_description``, so a calibrated arm works.
Inverse kinematics is damped least squares from a seed, for many poses at once: in Python the time
lies in the number of calls. A solution beyond a limit is refused; what is too far for the time
between two poses is refused later, by `dp_core.limits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dp_core.errors import KinematicsError
from dp_core.joint_motions import JointMotions
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
        self.joint_names = joint_names
        self.limits = limits
        moving = [link for link in links if link.index >= 0]
        self._order = np.array([link.index for link in moving], dtype=np.intp)
        self._axes = np.array([link.axis for link in moving]).reshape(-1, 3)
        self._revolute = np.array([[link.kind != 'prismatic'] for link in moving])
        before, pose = [], np.eye(4)  # fixed joints are part of the next moving one, or of tip
        for link in links:
            pose = pose @ link.origin
            if link.index >= 0:
                before.append(pose)
                pose = np.eye(4)
        self._motions = JointMotions(moving, before)
        self._tip = pose

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
        return np.asarray(self._frames(np.asarray(q, dtype=np.float64)[None])[1][0])

    def jacobian(self, q: Array) -> Array:
        """Geometric Jacobian (6, n) at the tip in base axes: linear rows, then angular."""
        return np.asarray(self._forward_jacobian(np.asarray(q, dtype=np.float64)[None])[1][0])

    def inverse(self, target: Array, seed: Array, **options: Any) -> Array:
        """Joint positions (n,) that place the tip at ``target`` (4, 4), near ``seed`` (n,).

        Args:
            target: pose of the tip.
            seed: where the search begins [rad].
            **options: tolerances and iterations as of `inverse_all`.

        Raises:
            KinematicsError: not converged (out of reach), or the solution is beyond a limit.
        """
        return np.asarray(self.inverse_all(target[None], seed, **options)[0])

    def inverse_all(
        self,
        targets: Array,
        seed: Array,
        *,
        position_tolerance_m: float = 1e-6,
        rotation_tolerance_rad: float = 1e-5,
        max_iterations: int = 60,
        damping: float = 1e-4,
    ) -> Array:
        """Joint positions (N, n) for poses ``targets`` (N, 4, 4), each found from ``seed`` (n,).

        Raises:
            KinematicsError: not converged (out of reach), or a solution is beyond a limit.
        """
        q = np.tile(np.asarray(seed, dtype=np.float64), (len(targets), 1))
        left = np.arange(len(targets))  # rows that are not there yet
        for _ in range(max_iterations):
            pose, jacobian = self._forward_jacobian(q[left])
            turn = targets[left, :3, :3] @ pose[:, :3, :3].transpose(0, 2, 1)
            shift = targets[left, :3, 3] - pose[:, :3, 3]
            error = np.concatenate([shift, _rotation_vectors(turn)], axis=1)  # (left, 6)
            position_error = np.linalg.norm(error[:, :3], axis=1)
            rotation_error = np.linalg.norm(error[:, 3:], axis=1)
            far = (position_error >= position_tolerance_m) | (
                rotation_error >= rotation_tolerance_rad
            )
            if not far.any():
                return self._within_limits(q)
            left, error, jacobian = left[far], error[far], jacobian[far]
            transposed = jacobian.transpose(0, 2, 1)
            weight = damping * np.minimum(position_error[far] + rotation_error[far], 1.0)
            gram = jacobian @ transposed + weight[:, None, None] * np.eye(6)
            step = (transposed @ np.linalg.solve(gram, error[:, :, None]))[:, :, 0]
            largest = np.maximum(np.abs(step).max(axis=1, keepdims=True), 1e-12)
            q[left] += step * np.minimum(1.0, 0.5 / largest)
        k, target = int(np.argmax(far)), targets[left[0]]
        raise KinematicsError(
            f'pose x={target[0, 3]:.3f} y={target[1, 3]:.3f} z={target[2, 3]:.3f} m is out of '
            f'reach: {position_error[k] * 1e3:.2f} mm and {rotation_error[k]:.4f} rad remain '
            f'after {max_iterations} iterations'
        )

    def _frames(self, q: Array) -> tuple[Array, Array]:
        """Frames of the joints (N, n, 4, 4), in the chain's order, and of the tip (N, 4, 4)."""
        motions = self._motions.at(q[:, self._order])
        for i in range(1, motions.shape[1]):
            motions[:, i] = motions[:, i - 1] @ motions[:, i]
        if not len(self._order):  # a link that is fixed to the base
            return motions, np.tile(self._tip, (len(q), 1, 1))
        return motions, motions[:, -1] @ self._tip

    def _forward_jacobian(self, q: Array) -> tuple[Array, Array]:
        """Poses (N, 4, 4) and Jacobians (N, 6, n) at joint positions (N, n)."""
        frames, pose = self._frames(q)
        axes = (frames[:, :, :3, :3] @ self._axes[:, :, None])[..., 0]  # (N, n, 3)
        arm = pose[:, None, :3, 3] - frames[:, :, :3, 3]  # from each joint to the tip
        (ax, ay, az), (x, y, z) = np.moveaxis(axes, -1, 0), np.moveaxis(arm, -1, 0)
        turning = np.stack([ay * z - az * y, az * x - ax * z, ax * y - ay * x], axis=-1)
        columns = np.concatenate(
            [np.where(self._revolute, turning, axes), np.where(self._revolute, axes, 0.0)], axis=-1
        )
        jacobian = np.empty((len(q), 6, q.shape[1]))
        jacobian[:, :, self._order] = columns.transpose(0, 2, 1)
        return pose, jacobian

    def _within_limits(self, q: Array) -> Array:
        outside = (q < self.limits.lower) | (q > self.limits.upper)
        if outside.any():
            k, i = np.argwhere(outside)[0]
            raise KinematicsError(
                f'joint {self.joint_names[i]} would be at {q[k, i]:.3f} rad, its limits are '
                f'[{self.limits.lower[i]:.3f}, {self.limits.upper[i]:.3f}]'
            )
        return q


def _rotation_vectors(rotations: Array) -> Array:
    """Axis times angle (N, 3) [rad] of rotation matrices (N, 3, 3); exact up to a half turn."""
    r = rotations
    sine = 0.5 * np.stack(
        [r[:, 2, 1] - r[:, 1, 2], r[:, 0, 2] - r[:, 2, 0], r[:, 1, 0] - r[:, 0, 1]], axis=1
    )
    norm = np.linalg.norm(sine, axis=1)
    angle = np.arctan2(norm, (np.trace(r, axis1=1, axis2=2) - 1) / 2)
    vectors = np.where(norm > 1e-9, angle / np.maximum(norm, 1e-9), 1.0)[:, None] * sine
    for k in np.flatnonzero((norm <= 1e-9) & (angle >= 1.0)):
        square = (r[k] + np.eye(3)) / 2  # a half turn: axis times its transpose
        axis = square[:, int(np.argmax(np.diag(square)))]
        vectors[k] = axis * (angle[k] / np.linalg.norm(axis))
    return np.asarray(vectors)
