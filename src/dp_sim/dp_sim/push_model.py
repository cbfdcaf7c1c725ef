# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How the T moves when it is pushed slowly: an ellipsoidal limit surface, many pushes at once.

Sliding friction under the T resists a planar twist (v, w) with a force f and a moment m along
(v, w C^2): the T turns about its centroid as if it were a disc of radius of gyration C. The pusher
sticks while its force stays inside the friction cone, and slides along the edge beyond it
(Lynch, Maekawa, Tanie 1992).
"""

from __future__ import annotations

from dataclasses import dataclass

from dp_sim import scene
import numpy as np
from numpy.typing import NDArray
import shapely

Array = NDArray[np.float64]

GYRATION = 0.068  # C [m]
FRICTION = 0.3  # between pusher and T
LENGTHS = np.array([0.003, 0.006, 0.012, 0.025, 0.05, 0.1])  # of a push [m]
TILTS = (-0.25, 0.0, 0.25)  # of a push against the edge's normal [rad]
_SPACING = 0.011  # of contacts along an edge [m]
_MARGIN = 0.006  # of contacts from a corner [m]
_STEP = 0.005  # of the integration [m]


@dataclass(frozen=True)
class Contacts:
    """Places to push from, in the frame of the T, K of them.

    Attributes:
        centre: (K, 2) of the pusher when it touches [m].
        normal: (K, 2) of the edge, into the T.
        low, high: (K,) where the edge ends along its tangent [m].
        direction: (K, 2) of the push.
    """

    centre: Array
    normal: Array
    low: Array
    high: Array
    direction: Array

    def take(self, index: NDArray[np.int64]) -> Contacts:
        """Select contacts by index."""
        return Contacts(
            self.centre[index],
            self.normal[index],
            self.low[index],
            self.high[index],
            self.direction[index],
        )


def contacts() -> Contacts:
    """Contacts along the whole outline that the pusher can touch, in every direction of TILTS."""
    corners = np.asarray(scene.BLOCK_CORNERS)
    outline = shapely.Polygon(corners)
    rows = []
    for a, b in zip(corners, np.roll(corners, -1, axis=0)):
        tangent = (b - a) / np.linalg.norm(b - a)
        normal = np.array([-tangent[1], tangent[0]])  # the outline is counter-clockwise
        low, high = a @ tangent, b @ tangent
        n = max(2, int((high - low - 2 * _MARGIN) / _SPACING) + 1)
        for s in np.linspace(low + _MARGIN, high - _MARGIN, n):
            centre = a + (s - low) * tangent - scene.PUSHER_RADIUS * normal
            if outline.distance(shapely.Point(centre)) > scene.PUSHER_RADIUS - 1e-6:
                rows += [(centre, normal, low, high, turn(normal, tilt)) for tilt in TILTS]
    return Contacts(*(np.array(column) for column in zip(*rows)))


def turn(vectors: Array, angle: Array | float) -> Array:
    """Rotate (..., 2) by `angle` [rad]."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = vectors[..., 0], vectors[..., 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)


def push(poses: Array, touched: Contacts) -> Array:
    """Poses (N, len(LENGTHS), 3) of T's at `poses` (N, 3) after pushes of LENGTHS.

    Args:
        poses: x, y, yaw [m, m, rad].
        touched: N contacts, one for each pose.
    """
    pose = np.array(poses, dtype=np.float64)
    centre = pose[:, :2] + turn(touched.centre, pose[:, 2])  # (N, 2) in the world, as direction
    direction = turn(touched.direction, pose[:, 2])
    alive = np.ones(len(pose), dtype=bool)
    result = np.empty((len(pose), len(LENGTHS), 3))
    gone = 0.0
    for k, length in enumerate(LENGTHS):
        n = int(np.ceil((length - gone) / _STEP - 1e-9))
        step = (length - gone) / n
        for _ in range(n):
            twist = _twist(pose, centre, direction, touched, alive)
            pose[:, :2] += step * turn(twist[:, :2], pose[:, 2])
            pose[:, 2] += step * twist[:, 2]
            centre += step * direction
        gone = float(length)
        result[:, k] = pose
    return result


def _twist(
    pose: Array, centre: Array, direction: Array, touched: Contacts, alive: NDArray[np.bool_]
) -> Array:
    """Twist (N, 3) in the T's frame per metre of push; `alive` loses what slid off its edge."""
    u = turn(direction, -pose[:, 2])
    p = turn(centre - pose[:, :2], -pose[:, 2]) + scene.PUSHER_RADIUS * touched.normal
    nx, ny = touched.normal.T
    px, py = p.T
    along = px * ny - py * nx  # coordinate on the tangent (ny, -nx)
    alive &= (along >= touched.low) & (along <= touched.high)
    c2 = GYRATION**2
    total = c2 + px * px + py * py
    fx = ((c2 + px * px) * u[:, 0] + px * py * u[:, 1]) / total
    fy = (px * py * u[:, 0] + (c2 + py * py) * u[:, 1]) / total
    normal_force, tangent_force = fx * nx + fy * ny, fx * ny - fy * nx
    slides = np.abs(tangent_force) > FRICTION * normal_force
    side = FRICTION * np.sign(tangent_force)
    gx, gy = nx + side * ny, ny - side * nx  # force on the edge of the cone
    moment = (px * gy - py * gx) / c2
    yielding = gx * nx + gy * ny + moment * (px * ny - py * nx)  # normal speed at the contact
    scale = (u[:, 0] * nx + u[:, 1] * ny) / np.maximum(yielding, 1e-9)
    vx, vy = np.where(slides, scale * gx, fx), np.where(slides, scale * gy, fy)
    w = np.where(slides, scale * moment, (px * fy - py * fx) / c2)
    moves = alive & (u[:, 0] * nx + u[:, 1] * ny > 0)
    return np.where(moves[:, None], np.stack([vx, vy, w], axis=1), 0.0)
