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
from dataclasses import dataclass
from xml.etree import ElementTree

from dp_core.errors import KinematicsError
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOVING = ('revolute', 'continuous', 'prismatic')


@dataclass(frozen=True)
class _Link:
    """One URDF joint: fixed transform parent -> joint frame, then motion about ``axis``."""

    name: str
    kind: str
    origin: Array  # (4, 4)
    axis: Array  # (3,)
    skew: Array  # (3, 3), cross-product matrix of axis
    index: int  # into q, or -1 for a fixed joint


@dataclass(frozen=True)
class JointLimits:
    """Limits of joints: positions [rad or m] and velocity [rad/s or m/s], each (n,)."""

    lower: Array
    upper: Array
    velocity: Array


class KinematicChain:
    """The joints between ``base`` and ``tip``; poses are T_base_tip, (4, 4)."""

    def __init__(self, links: Sequence[_Link], joint_names: tuple[str, ...], limits: JointLimits):
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
        path = _path(urdf, base, tip)
        moving = [joint.get('name', '') for joint in path if joint.get('type') in MOVING]
        names = tuple(joints) if joints else tuple(moving)
        if sorted(names) != sorted(moving):
            raise KinematicsError(
                f'the chain {base} -> {tip} has joints {moving}, asked for {list(names)}'
            )
        links = [_link(joint, names) for joint in path]
        return cls(links, names, _limits(path, names))

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


def pose_from_xyz_rpy(xyz: Sequence[float], rpy: Sequence[float]) -> Array:
    """Transform (4, 4) from a translation [m] and URDF roll, pitch, yaw [rad] (fixed axes)."""
    (cr, cp, cy), (sr, sp, sy) = np.cos(rpy), np.sin(rpy)
    pose = np.eye(4)
    pose[:3, :3] = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    pose[:3, 3] = xyz
    return pose


def joint_limits(urdf: str, joints: Sequence[str]) -> JointLimits:
    """Limits of ``joints``, in that order, from URDF text.

    Raises:
        KinematicsError: malformed URDF, or a joint the robot does not have.
    """
    elements = {joint.get('name'): joint for joint in _joints(_document(urdf))}
    missing = [name for name in joints if name not in elements]
    if missing:
        raise KinematicsError(f'the robot has no joints {missing}; it has {list(elements)}')
    return _limits([elements[name] for name in joints], tuple(joints))


def _motion(link: _Link, value: float) -> Array:
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


def _document(urdf: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(urdf)
    except ElementTree.ParseError as error:
        raise KinematicsError(f'robot_description is not valid XML: {error}') from error


def _joints(root: ElementTree.Element) -> list[ElementTree.Element]:
    """Joints of the robot; <ros2_control> and <transmission> have joints of the same names."""
    return root.findall('joint')


def _path(urdf: str, base: str, tip: str) -> list[ElementTree.Element]:
    root = _document(urdf)
    parent_joint = {_required(joint, 'child').get('link'): joint for joint in _joints(root)}
    known = {link.get('name') for link in root.findall('link')}
    for name in (base, tip):
        if name not in known:
            raise KinematicsError(
                f'the robot has no link {name!r}; it has {sorted(map(str, known))}'
            )
    path: list[ElementTree.Element] = []
    link: str | None = tip
    while link != base:
        if link not in parent_joint or len(path) > len(parent_joint):
            raise KinematicsError(
                f'no chain leads from {base!r} to {tip!r}; above the tip are '
                f'{[_required(joint, "parent").get("link") for joint in reversed(path)]}'
            )
        path.insert(0, parent_joint[link])
        link = _required(parent_joint[link], 'parent').get('link')
    return path


def _required(joint: ElementTree.Element, tag: str) -> ElementTree.Element:
    element = joint.find(tag)
    if element is None:
        raise KinematicsError(f'joint {joint.get("name")!r} of the URDF has no <{tag}>')
    return element


def _floats(joint: ElementTree.Element, tag: str, key: str, default: str) -> list[float]:
    element = joint.find(tag)
    text = default if element is None else element.get(key, default)
    try:
        return [float(value) for value in text.split()]
    except ValueError as error:
        raise KinematicsError(
            f'joint {joint.get("name")!r} of the URDF has {tag} {key}={text!r}, valid: numbers'
        ) from error


def _link(joint: ElementTree.Element, names: tuple[str, ...]) -> _Link:
    kind, name = joint.get('type', ''), joint.get('name', '')
    if kind not in (*MOVING, 'fixed') or joint.find('mimic') is not None:
        raise KinematicsError(
            f'joint {name!r} of the chain is of type {kind!r} or mimics another one, '
            f'valid: {[*MOVING, "fixed"]}'
        )
    axis = np.array(_floats(joint, 'axis', 'xyz', '1 0 0'))
    length = float(np.linalg.norm(axis))
    if kind in MOVING and not length > 0:
        raise KinematicsError(f'joint {name!r} of the URDF has axis {axis.tolist()}')
    axis = axis / (length or 1.0)
    skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    xyz = _floats(joint, 'origin', 'xyz', '0 0 0')
    pose = pose_from_xyz_rpy(xyz, _floats(joint, 'origin', 'rpy', '0 0 0'))
    return _Link(name, kind, pose, axis, skew, names.index(name) if kind in MOVING else -1)


def _limits(path: Sequence[ElementTree.Element], names: tuple[str, ...]) -> JointLimits:
    lower, upper = np.full(len(names), -np.inf), np.full(len(names), np.inf)
    velocity = np.full(len(names), np.inf)
    for joint in path:
        name, kind = joint.get('name', ''), joint.get('type')
        if name not in names:
            continue
        if kind not in MOVING:
            raise KinematicsError(f'joint {name!r} is of type {kind!r}, valid: {list(MOVING)}')
        if kind != 'continuous' and joint.find('limit') is None:
            raise KinematicsError(f'joint {name!r} of the URDF has no <limit>')
        i = names.index(name)
        velocity[i] = _floats(joint, 'limit', 'velocity', 'inf')[0]
        if kind != 'continuous':
            lower[i] = _floats(joint, 'limit', 'lower', '0')[0]
            upper[i] = _floats(joint, 'limit', 'upper', '0')[0]
    return JointLimits(lower, upper, velocity)
