# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The robot as capsules: every point within a radius of a segment. Distances of capsules.

Distances of segments are a few lines of numpy for all pairs and all times of a motion at once; a
collision library would be called pair by pair, and add a compiled dependency to every robot.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

from dp_core.body_tree import BodyTree
from dp_core.errors import KinematicsError
from dp_core.urdf import Array
from dp_core.urdf import pose_from_xyz_rpy
import numpy as np

# A box becomes this many capsules side by side at most.
MAX_SPLIT = 8
# How much shorter than its cylinder a capsule's segment is at either end [radius].
INSET = 0.25
# Frames nearer to each other than this have nothing between them [m].
MIN_SPAN_M = 0.01


@dataclass(frozen=True)
class Capsules:
    """K capsules, each fixed to a body of a `BodyTree`.

    Attributes:
        links: K names of the links they belong to.
        bodies: (K,) numbers of their bodies.
        ends: (K, 2, 3) ends of the segments in the frames of the bodies [m].
        radii: (K,) [m].
        insets: (K,) by how much the segment is shorter at either end than the cylinder inside
            the capsule, 0 for round shapes [m]. The capsule's ends are mostly air, which matters
            above a table.
        guessed: links without a shape that is understood, which became capsules by a default
            radius.
        unseen: links whose mesh is left out, as they have a simple shape too.
    """

    links: tuple[str, ...]
    bodies: Array
    ends: Array
    radii: Array
    insets: Array
    guessed: tuple[str, ...]
    unseen: tuple[str, ...]


def segment_distances(first: Array, second: Array) -> Array:
    """Distances (...) of segments ``first`` and ``second`` (..., 2, 3) [m].

    The nearest points of the lines, clamped to the segments one after the other (C. Ericson,
    Real-Time Collision Detection, section 5.1.9); a segment may be a point.
    """
    start, along = first[..., 0, :], first[..., 1, :] - first[..., 0, :]
    other_start, other_along = second[..., 0, :], second[..., 1, :] - second[..., 0, :]
    between = start - other_start
    a, e = _dot(along, along), _dot(other_along, other_along)
    b, c, f = _dot(along, other_along), _dot(along, between), _dot(other_along, between)
    tiny = 1e-18
    a_or_1, e_or_1 = np.where(a > tiny, a, 1.0), np.where(e > tiny, e, 1.0)
    across = a * e - b * b
    s = np.where(across > 1e-12 * a * e, (b * f - c * e) / np.where(across > 0, across, 1.0), 0.0)
    s = np.clip(s, 0.0, 1.0)
    t = np.clip(np.where(e > tiny, (b * s + f) / e_or_1, 0.0), 0.0, 1.0)
    s = np.clip(np.where(a > tiny, (b * t - c) / a_or_1, 0.0), 0.0, 1.0)
    gap = between + s[..., None] * along - t[..., None] * other_along
    return np.asarray(np.sqrt(_dot(gap, gap)))


def read_capsules(urdf: str, tree: BodyTree, default_radius_m: float) -> Capsules:
    """Capsules of all links that enclose their collision shapes.

    A cylinder and each part of a box become the capsule round it. A link
    that moves and has only a mesh, or nothing, becomes capsules of ``default_radius_m`` from its
    frame to the frames of its moving joints, with a mesh also to those of its fixed joints; a mesh
    without any becomes a ball.

    Raises:
        KinematicsError: malformed URDF.
    """
    rows: list[tuple[str, int, Array, float, float]] = []
    guessed, unseen = [], []
    for link in ElementTree.fromstring(urdf).findall('link'):
        name = link.get('name', '')
        body, pose = tree.find(name)
        shapes = [shape for item in link.findall('collision') for shape in _shapes(item, name)]
        has_mesh = link.find('.//geometry/mesh') is not None
        if not shapes and body > 0:
            shapes = [(ends, default_radius_m, True) for ends in _spans(tree, name, has_mesh)] or (
                [(np.zeros((2, 3)), default_radius_m, False)] if has_mesh else []
            )
            guessed += [name] if shapes else []
        elif has_mesh and body > 0:
            unseen.append(name)
        for ends, radius, flat in shapes:
            ends, radius, inset = _enclose(ends, radius) if flat else (ends, radius, 0.0)
            rows.append((name, body, ends @ pose[:3, :3].T + pose[:3, 3], radius, inset))
    rows.sort(key=lambda row: row[1])  # from the base outwards
    return Capsules(
        links=tuple(row[0] for row in rows),
        bodies=np.array([row[1] for row in rows], dtype=np.intp),
        ends=np.array([row[2] for row in rows]).reshape(-1, 2, 3),
        radii=np.array([row[3] for row in rows]),
        insets=np.array([row[4] for row in rows]),
        guessed=tuple(guessed),
        unseen=tuple(unseen),
    )


def _enclose(ends: Array, radius: float) -> tuple[Array, float, float]:
    """Ends (2, 3), radius and inset of the capsule round a cylinder, all [m].

    A segment as long as the cylinder would lay half a ball of air on either end. One that is
    shorter by INSET radii needs a radius 3 % larger to reach the rim, and a fifth less air.
    """
    along = ends[1] - ends[0]
    length = float(np.linalg.norm(along))
    inset = min(INSET * radius, 0.49 * length)
    step = inset / max(length, 1e-9) * along
    return np.array([ends[0] + step, ends[1] - step]), float(np.hypot(radius, inset)), inset


def _dot(first: Array, second: Array) -> Array:
    return np.asarray(np.einsum('...i,...i->...', first, second))


def _spans(tree: BodyTree, link: str, has_mesh: bool) -> list[Array]:
    """Segments (2, 3) from a link's frame to those of its joints, in the link's frame [m]."""
    origins = [
        item.joint.origin[:3, 3]
        for item in tree.joints
        if item.parent == link and (has_mesh or item.joint.index >= 0)
    ]
    return [np.array([np.zeros(3), o]) for o in origins if np.linalg.norm(o) > MIN_SPAN_M]


def _shapes(collision: ElementTree.Element, link: str) -> list[tuple[Array, float, bool]]:
    """Segments (2, 3) in the link's frame [m], radii [m], and whether the ends are flat."""
    origin = collision.find('origin')
    attributes = {} if origin is None else origin.attrib
    pose = pose_from_xyz_rpy(
        _numbers(attributes.get('xyz', '0 0 0'), link, 3),
        _numbers(attributes.get('rpy', '0 0 0'), link, 3),
    )
    shape = next(iter(collision.find('geometry') or ()), None)
    kind = '' if shape is None else shape.tag
    parts: list[tuple[Array, float, bool]] = []
    if shape is not None and kind in ('cylinder', 'capsule'):
        (half,) = 0.5 * _numbers(shape.get('length', ''), link, 1)
        ends = np.array([[0.0, 0.0, -half], [0.0, 0.0, half]])
        parts = [(ends, _numbers(shape.get('radius', ''), link, 1)[0], kind == 'cylinder')]
    elif shape is not None and kind == 'sphere':
        parts = [(np.zeros((2, 3)), _numbers(shape.get('radius', ''), link, 1)[0], False)]
    elif shape is not None and kind == 'box':
        parts = _box(_numbers(shape.get('size', ''), link, 3))
    return [(ends @ pose[:3, :3].T + pose[:3, 3], radius, flat) for ends, radius, flat in parts]


def _box(size: Array) -> list[tuple[Array, float, bool]]:
    """Capsules along the longest side, side by side along the middle one."""
    short, middle, long = np.argsort(size)
    count = int(np.clip(np.ceil(size[middle] / max(size[short], 1e-6)), 1, MAX_SPLIT))
    width = size[middle] / count
    parts = []
    for k in range(count):
        ends = np.zeros((2, 3))
        ends[:, middle] = (k + 0.5) * width - 0.5 * size[middle]
        ends[:, long] = -0.5 * size[long], 0.5 * size[long]
        parts.append((ends, float(np.hypot(0.5 * width, 0.5 * size[short])), True))
    return parts


def _numbers(text: str, link: str, count: int) -> Array:
    try:
        values = np.array([float(value) for value in text.split()])
    except ValueError:
        values = np.empty(0)
    if len(values) != count or not np.isfinite(values).all():
        raise KinematicsError(
            f'a collision shape of link {link!r} has {text!r}, valid: {count} finite numbers'
        )
    return values
