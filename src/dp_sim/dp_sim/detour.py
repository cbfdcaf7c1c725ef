# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Ways for the pusher through the free plane round the T."""

from __future__ import annotations

from dp_sim import scene
from dp_sim.push_model import turn
import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra
import shapely
from shapely.geometry import Point
from shapely.ops import nearest_points

Array = NDArray[np.float64]
_RING_MARGIN = 0.002  # corners of the way lie this far outside of the forbidden zone [m]
_EDGE = 0.012  # kept from the edge of the workspace [m]


class Detour:
    """Shortest ways round the T at a clearance; computed in the frame of the T."""

    def __init__(self, clearance_m: float) -> None:
        """Keep the pusher's surface `clearance_m` from the T."""
        outline = shapely.Polygon(scene.BLOCK_CORNERS)
        distance = clearance_m + scene.PUSHER_RADIUS
        self.zone = outline.buffer(distance, quad_segs=6)
        self._core = outline.buffer(distance - 1e-4, quad_segs=6)
        shapely.prepare(self._core)
        ring = outline.buffer(distance + _RING_MARGIN, quad_segs=3).exterior.coords
        self._ring = np.array(ring)[:-1]  # (M, 2)
        a, b = np.meshgrid(np.arange(len(self._ring)), np.arange(len(self._ring)))
        self._between = self._weights(self._ring[a.ravel()], self._ring[b.ravel()]).reshape(
            a.shape
        )

    def lengths(self, start: Array, goals: Array) -> Array:
        """Lengths (K,) [m] of ways from `start` (2,) to `goals` (K, 2); inf where none is."""
        graph = self._graph(start, goals, np.ones(len(self._ring), dtype=bool))
        return np.asarray(dijkstra(graph, indices=0)[1 + len(self._ring) :])

    def way(self, pose: Array, start: Array, goal: Array) -> Array | None:
        """Corners (N, 2) in `world` of the way from `start` to `goal`, both in the T's frame.

        Stays where the tool may go; None where there is no way.
        """
        ring = turn(self._ring, pose[2]) + pose[:2]
        graph = self._graph(start, goal[None], is_free(ring))
        distance, previous = dijkstra(graph, indices=0, return_predecessors=True)
        node = len(self._ring) + 1
        if not np.isfinite(distance[node]):
            return None
        nodes = np.concatenate([start[None], self._ring, goal[None]])
        path = [node]
        while path[-1] != 0:
            path.append(int(previous[path[-1]]))
        return turn(nodes[path[::-1]], pose[2]) + pose[:2]

    def exit(self, pose: Array, start: Array) -> Array:
        """Nearest point (2,) in the T's frame to `start` that is outside of the zone."""
        if not self.zone.contains(Point(start)):
            return start
        low, high = np.add(scene.TOOL_LOW, _EDGE), np.subtract(scene.TOOL_HIGH, _EDGE)
        corners = np.array([low, (high[0], low[1]), high, (low[0], high[1])])
        room = shapely.Polygon(turn(corners - pose[:2], -pose[2]))
        free = room.difference(self.zone.buffer(_RING_MARGIN / 2))
        if free.is_empty:
            return start
        return np.array(nearest_points(free, Point(start))[0].coords[0])

    def _weights(self, a: Array, b: Array) -> Array:
        """Distances (N,) of points seen from one another, 0 (no edge) where the T is between."""
        lines = shapely.linestrings(np.stack([a, b], axis=1))
        seen = ~shapely.intersects(self._core, lines)
        return np.where(seen, np.linalg.norm(a - b, axis=1), 0.0)

    def _graph(self, start: Array, goals: Array, usable: NDArray[np.bool_]) -> Array:
        m, k = len(self._ring), len(goals)
        graph = np.zeros((1 + m + k, 1 + m + k))
        graph[1 : 1 + m, 1 : 1 + m] = self._between * usable * usable[:, None]
        ends = np.concatenate([start[None], goals])
        a = np.repeat(ends, m, axis=0)
        reach = self._weights(a, np.tile(self._ring, (1 + k, 1))).reshape(1 + k, m) * usable
        graph[0, 1 : 1 + m] = reach[0]
        graph[1 : 1 + m, 1 + m :] = reach[1:].T
        graph[0, 1 + m :] = self._weights(np.tile(start, (k, 1)), goals)
        return graph


def is_free(points: Array) -> NDArray[np.bool_]:
    """Which of the points (N, 2) in `world` the tool can go to."""
    inside = (points > np.add(scene.TOOL_LOW, _EDGE)) & (
        points < np.subtract(scene.TOOL_HIGH, _EDGE)
    )
    from_base = np.linalg.norm(points - np.asarray(scene.BASE_POSITION), axis=1)
    return np.asarray(inside.all(axis=1) & (from_base > scene.BASE_CLEARANCE))
