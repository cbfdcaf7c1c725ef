# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Chooses the next push: a search two pushes deep over every contact, direction and length."""

from __future__ import annotations

from dataclasses import dataclass

from dp_sim import push_model
from dp_sim import scene
from dp_sim.detour import Detour
from dp_sim.detour import is_free
from dp_sim.push_model import LENGTHS
from dp_sim.push_model import turn
import numpy as np
from numpy.typing import NDArray
import shapely

Array = NDArray[np.float64]

CLEARANCE = 0.027  # between pusher and T in free travel [m]
TURN_WEIGHT = 0.09  # a turn of 1 rad counts as this displacement [m]
TRAVEL_WEIGHT = 0.01
MIDDLE = 0.16  # the T is kept in this radius about the goal: near the edge no push reaches it [m]
BRANCHES = 40  # first pushes that are looked at twice
_TOUCH = 0.003  # between pusher and the rest of the T while a gap is closed [m]


@dataclass(frozen=True)
class Push:
    """A push to carry out, in `world`.

    Attributes:
        way: (N, 2) corners from the tool to where the gap begins [m]; the first leg is a retreat.
        contact: (2,) of the pusher when it touches [m].
        end: (2,) of the pusher at the end of the push [m].
        lengths: (len(LENGTHS) + 1,) pushed, from 0 [m].
        poses: (len(LENGTHS) + 1, 3) of the T that the model foresees at these lengths.
    """

    way: Array
    contact: Array
    end: Array
    lengths: Array
    poses: Array


def distance_to_goal(poses: Array) -> Array:
    """Cost (...) [m] of poses (..., 3): displacement and weighted turn to the goal."""
    d = poses - np.asarray(scene.GOAL_POSE)
    yaw = (d[..., 2] + np.pi) % (2 * np.pi) - np.pi
    return np.asarray(np.sqrt(d[..., 0] ** 2 + d[..., 1] ** 2 + (TURN_WEIGHT * yaw) ** 2))


class PushPlanner:
    """Searches pushes.

    `noise` in the choice gives varied demonstrations. With much of it a new plan from half way
    is seldom the old one, and a policy, which sees no plan, learns to change its mind.
    """

    def __init__(self, rng: np.random.Generator, noise: float) -> None:
        """Prepare what does not depend on the pose of the T."""
        self._rng = rng
        self._noise = noise
        self._detour = Detour(CLEARANCE)
        everything = push_model.contacts()
        entries = _entries(everything, self._detour)
        usable = np.flatnonzero(np.isfinite(entries).all(axis=1))
        self._contacts = everything.take(usable)
        self._entries = entries[usable]  # (K, 2) where the gap begins, in the T's frame

    def plan(self, block: tuple[float, float, float], tool: Array) -> Push | None:
        """Best push for the T at `block` and the tool at (2,) [m]; None if out of reach."""
        pose = np.asarray(block, dtype=np.float64)
        start = turn(np.asarray(tool) - pose[:2], -pose[2])
        outside = self._detour.exit(pose, start)
        travel = self._detour.lengths(outside, self._entries)
        first = push_model.push(np.tile(pose, (len(travel), 1)), self._contacts)  # (K, L, 3)
        score = self._score(pose, first, travel)
        for index in np.argsort(score.ravel()):
            k, length = divmod(int(index), len(LENGTHS))
            if not np.isfinite(score[k, length]):
                return None
            way = self._detour.way(pose, outside, self._entries[k])
            if way is not None:
                return self._push(
                    pose, np.concatenate([np.asarray(tool)[None], way]), first[k], k, length
                )
        return None

    def retreat(self, block: tuple[float, float, float], tool: Array) -> Array:
        """Corners (N, 2) [m] of a way round the T from `tool` to the end zone.

        The first leg leaves the T. Where no way keeps its distance, it is a straight line.
        """
        pose = np.asarray(block, dtype=np.float64)
        goal = np.asarray(scene.END_ZONE)
        if np.allclose(tool, goal):
            return np.stack([goal, goal])
        outside, entry = (
            self._detour.exit(pose, turn(np.asarray(point) - pose[:2], -pose[2]))
            for point in (tool, goal)
        )
        way = self._detour.way(pose, outside, entry)
        between = np.empty((0, 2)) if way is None else way
        return np.concatenate([np.asarray(tool)[None], between, goal[None]])

    def _score(self, pose: Array, first: Array, travel: Array) -> Array:
        """Score (K, L) of first pushes, lower is better, inf where the tool cannot go."""
        cost = _cost(first)
        score = np.full(cost.shape, np.inf)
        rough = np.where(self._reachable(pose) & np.isfinite(travel)[:, None], cost, np.inf)
        rough = rough + TRAVEL_WEIGHT * np.where(np.isfinite(travel), travel, 0.0)[:, None]
        best = np.argsort(rough.ravel())[:BRANCHES]
        best = best[np.isfinite(rough.ravel()[best])]
        if len(best):
            k, length = np.divmod(best, len(LENGTHS))
            second = self._second(first[k, length])
            noise = 1.0 + self._noise * self._rng.standard_normal(len(best))
            score[k, length] = (0.5 * cost[k, length] + second + TRAVEL_WEIGHT * travel[k]) * noise
        return score

    def _second(self, poses: Array) -> Array:
        """Smallest cost (N,) that one more push can reach from each of poses (N, 3)."""
        n, k = len(poses), len(self._entries)
        touched = self._contacts.take(np.tile(np.arange(k), n))
        after = push_model.push(np.repeat(poses, k, axis=0), touched)
        return np.asarray(_cost(after).reshape(n, -1).min(axis=1))

    def _reachable(self, pose: Array) -> NDArray[np.bool_]:
        """Which pushes (K, L) stay where the tool may go, from the gap to the end."""
        centre = turn(self._contacts.centre, pose[2]) + pose[:2]
        entry = turn(self._entries, pose[2]) + pose[:2]
        direction = turn(self._contacts.direction, pose[2])
        ends = centre[:, None] + LENGTHS[:, None] * direction[:, None]
        ends_free = is_free(ends.reshape(-1, 2)).reshape(ends.shape[:2])
        return np.asarray(ends_free & (is_free(centre) & is_free(entry))[:, None])

    def _push(self, pose: Array, way: Array, poses: Array, k: int, length: int) -> Push:
        contact = turn(self._contacts.centre[k], pose[2]) + pose[:2]
        direction = turn(self._contacts.direction[k], pose[2])
        return Push(
            way,
            contact,
            contact + LENGTHS[length] * direction,
            np.concatenate([[0.0], LENGTHS]),
            np.concatenate([pose[None], poses]),
        )


def _cost(poses: Array) -> Array:
    """Distance to the goal (...) [m] of poses (..., 3), and how far they are off the middle."""
    off = np.linalg.norm(poses[..., :2] - np.asarray(scene.GOAL_POSE[:2]), axis=-1) - MIDDLE
    return np.asarray(distance_to_goal(poses) + np.maximum(off, 0.0))


def _entries(touched: push_model.Contacts, detour: Detour) -> Array:
    """Where the straight way to each contact begins (K, 2) in the T's frame; NaN if barred."""
    outline = shapely.Polygon(scene.BLOCK_CORNERS)
    entries = np.full(touched.centre.shape, np.nan)
    for k, (centre, direction, normal) in enumerate(
        zip(touched.centre, touched.direction, touched.normal)
    ):
        for back in np.arange(CLEARANCE, 0.12, 0.002):
            entry = centre - back * direction
            if not detour.zone.contains(shapely.Point(entry)):
                line = shapely.LineString([entry, centre - _TOUCH * normal])
                if outline.distance(line) >= scene.PUSHER_RADIUS + _TOUCH - 1e-6:
                    entries[k] = entry
                break
    return entries
