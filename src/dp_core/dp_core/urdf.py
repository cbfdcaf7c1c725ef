# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What kinematics needs of a URDF: the joints of a chain or of all, and the limits of joints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from xml.etree import ElementTree

from dp_core.errors import KinematicsError
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOVING = ('revolute', 'continuous', 'prismatic')


@dataclass(frozen=True)
class ChainJoint:
    """One joint: fixed transform parent -> joint frame, then motion about ``axis``."""

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


def read_chain(
    urdf: str, base: str, tip: str, joints: Sequence[str] | None
) -> tuple[list[ChainJoint], tuple[str, ...], JointLimits]:
    """Joints from ``base`` to ``tip``, the names of the moving ones, and their limits.

    Args:
        urdf: the document.
        base: link that the chain starts from.
        tip: link that it ends at.
        joints: names in the caller's order; None for the order from base to tip.

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
    return [_chain_joint(joint, names) for joint in path], names, _limits(path, names)


@dataclass(frozen=True)
class TreeJoint:
    """One joint of the whole robot; its value is ``factor * q[joint.index] + offset``.

    A joint that nobody commands has index -1 and rests at ``offset``; one that mimics another has
    that one's index.
    """

    parent: str
    child: str
    joint: ChainJoint
    factor: float = 1.0
    offset: float = 0.0


def read_tree(urdf: str, joints: Sequence[str]) -> tuple[str, list[TreeJoint]]:
    """Root link of the robot and all its joints, parents before children.

    Args:
        urdf: the document.
        joints: names of the commanded ones, in the order of q; all others rest, at 0 or at the
            limit that is nearest to it.

    Raises:
        KinematicsError: malformed URDF, a joint the robot does not have, or links that are not
            one tree.
    """
    root = _document(urdf)
    joint_limits(urdf, joints)  # names what is missing
    elements = _joints(root)
    children = {_required(joint, 'child').get('link', '') for joint in elements}
    roots = [link.get('name', '') for link in root.findall('link')]
    roots = [name for name in roots if name not in children]
    if len(roots) != 1 or len(children) != len(elements):
        raise KinematicsError(f'the links of the robot are not one tree; its roots are {roots}')
    tree: list[TreeJoint] = []
    found = roots[:]
    for parent in found:  # grows while it is read
        for element in elements:
            if _required(element, 'parent').get('link') == parent:
                tree.append(_tree_joint(element, tuple(joints)))
                found.append(tree[-1].child)
    if len(tree) != len(elements):
        raise KinematicsError(f'the links below {sorted(children - set(found))} form a ring')
    return roots[0], tree


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


def pose_from_xyz_rpy(xyz: Sequence[float] | Array, rpy: Sequence[float] | Array) -> Array:
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
        numbers = [float(value) for value in text.split()]
    except ValueError:
        numbers = []
    if not numbers:
        raise KinematicsError(
            f'joint {joint.get("name")!r} of the URDF has {tag} {key}={text!r}, valid: numbers'
        )
    return numbers


def _chain_joint(joint: ElementTree.Element, names: tuple[str, ...]) -> ChainJoint:
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
    return ChainJoint(name, kind, pose, axis, skew, names.index(name) if kind in MOVING else -1)


def _tree_joint(element: ElementTree.Element, names: tuple[str, ...]) -> TreeJoint:
    kind, name, mimic = element.get('type', ''), element.get('name', ''), element.find('mimic')
    master, factor, offset = name, 1.0, 0.0
    if mimic is not None:
        master = mimic.get('joint', '')
        factor = _floats(element, 'mimic', 'multiplier', '1')[0]
        offset = _floats(element, 'mimic', 'offset', '0')[0]
        element.remove(mimic)
    if kind not in MOVING:
        element.set('type', 'fixed')  # a floating or planar base is as good as fixed to the robot
    elif master not in names:
        limits = _limits([element], (name,)) if element.find('limit') is not None else None
        offset = 0.0 if limits is None else float(np.clip(0.0, limits.lower, limits.upper)[0])
    joint = _chain_joint(element, (name,))
    index = names.index(master) if kind in MOVING and master in names else -1
    parent, child = (_required(element, tag).get('link', '') for tag in ('parent', 'child'))
    return TreeJoint(parent, child, replace(joint, index=index), factor, offset)


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
