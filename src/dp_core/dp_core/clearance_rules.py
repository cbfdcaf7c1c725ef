# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a robot keeps away from: itself, the table, and the sides of the box that its tool is in.

Each rule measures C clearances at T instants, (T, C) [m], names them in ``whats`` (C,), and says
in ``least`` (C,) how much each must be [m].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dp_core.capsules import Capsules
from dp_core.capsules import segment_distances
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Placed:
    """The robot at T instants, in the root link.

    Attributes:
        frames: (T, B, 4, 4) poses of its bodies.
        ends: (T, K, 2, 3) ends of its capsules [m].
    """

    frames: Array
    ends: Array


class Rule(Protocol):
    """One kind of clearance, of C values; ``least`` (C,) is what they must be [m]."""

    least: Array

    @property
    def whats(self) -> tuple[str, ...]:
        """What is measured."""

    def measure(self, placed: Placed) -> Array:
        """Clearances (T, C) [m]."""


class SelfDistance:
    """Distances between capsules of bodies that are not neighbours."""

    def __init__(self, capsules: Capsules, parents: Sequence[int], least_m: float):
        """``parents`` (B,) of the bodies; all distances must be at least ``least_m``."""
        bodies, up = capsules.bodies, np.asarray(parents)
        first, second = np.triu_indices(len(bodies), 1)
        a, b = bodies[first], bodies[second]
        free = (a != b) & (up[a] != b) & (up[b] != a)
        self._capsules, self._first, self._second = capsules, first[free], second[free]
        self._widths = capsules.radii[self._first] + capsules.radii[self._second]
        halves = 0.5 * np.linalg.norm(np.diff(capsules.ends, axis=1)[:, 0], axis=1)
        self._reach = self._widths + halves[self._first] + halves[self._second]
        self.least = np.full(len(self._first), least_m)

    @property
    def whats(self) -> tuple[str, ...]:
        """What is measured."""
        names = self._capsules.links
        return tuple(
            f'the distance between {names[i]} and {names[j]}'
            for i, j in zip(self._first, self._second)
        )

    def keep(self, which: Mask) -> None:
        """Measure only these (C,) from now on."""
        for name in ('_first', '_second', '_widths', '_reach', 'least'):
            setattr(self, name, getattr(self, name)[which])

    def measure(self, placed: Placed) -> Array:
        """Clearances (T, C) [m]; of pairs that stay far apart, a lower bound that is enough."""
        middles = placed.ends.mean(axis=2)  # (T, K, 3)
        apart = middles[:, self._first] - middles[:, self._second]
        values = np.sqrt(np.einsum('tci,tci->tc', apart, apart)) - self._reach
        near = (values < self.least).any(axis=0)
        first, second = self._first[near], self._second[near]
        distances = segment_distances(placed.ends[:, first], placed.ends[:, second])
        values[:, near] = distances - self._widths[near]
        return np.asarray(values)


class TableDistance:
    """Heights of the moving capsules above a plane; those of the tool have their own least one."""

    def __init__(self, capsules: Capsules, up: Array, height_m: float, least: Array):
        """``up`` (3,) is the unit normal in the root link, ``least`` (K,) of each capsule [m]."""
        moving = np.flatnonzero(capsules.bodies > 0)
        self._capsules, self._which = capsules, moving
        self._up, self._height_m = up, height_m
        self.least = least[moving]

    @property
    def whats(self) -> tuple[str, ...]:
        """What is measured."""
        return tuple(
            f'the height of {self._capsules.links[i]} above the table' for i in self._which
        )

    def keep(self, which: Mask) -> None:
        """Measure only these (C,) from now on."""
        self._which, self.least = self._which[which], self.least[which]

    def measure(self, placed: Placed) -> Array:
        """Clearances (T, C) [m]; exact for cylinders, whose flat ends do not reach below."""
        ends = placed.ends[:, self._which]  # (T, C, 2, 3)
        heights = ends @ self._up - self._height_m
        along = ends[:, :, 1] - ends[:, :, 0]
        length = np.maximum(np.linalg.norm(along, axis=2), 1e-12)
        slope = np.minimum(np.abs(along @ self._up) / length, 1.0)
        radii, insets = self._capsules.radii[self._which], self._capsules.insets[self._which]
        inside = np.sqrt(radii**2 - insets**2)  # of the cylinder
        flat = inside * np.sqrt(1.0 - slope**2) + insets * slope
        down = np.where(insets > 0.0, flat, radii)
        return np.asarray(heights.min(axis=2) - down)


class ToolBox:
    """The way of one tool to the six sides of a box, inside it positive."""

    def __init__(
        self, tool: str, body: int, point: Array, frame: str, pose: Array, low: Array, high: Array
    ):
        """Take ``point`` (3,) of ``body``; box from ``low`` to ``high`` (3,) in ``frame``.

        ``pose`` (4, 4) is that frame's in the root link.
        """
        self._body, self._point = body, np.append(point, 1.0)
        self._into_frame = np.linalg.inv(pose)[:3]
        self._low, self._high = low, high
        self.least = np.zeros(6)
        self.whats = tuple(
            f'the way of {tool} to the side {axis} = {value:.3f} m of its box in {frame}'
            for side in (low, high)
            for axis, value in zip('xyz', side)
        )

    def measure(self, placed: Placed) -> Array:
        """Clearances (T, 6) [m]."""
        points = placed.frames[:, self._body] @ self._point  # (T, 4)
        inside = points @ self._into_frame.T  # (T, 3)
        return np.concatenate([inside - self._low, self._high - inside], axis=1)
