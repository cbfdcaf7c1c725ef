# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The polynomials between the points of a trajectory, chosen as joint_trajectory_controller does.

The degree follows from the fields that both ends of a segment carry: positions alone give a line,
positions and velocities a cubic, all three a quintic. Accelerations without velocities make the
real controller read zero inside the segment, and so does this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Knot:
    """A state of all joints at a time; None is a field that the message left out."""

    time_ns: int
    positions: Array | None  # (joints,) [rad]
    velocities: Array | None = None  # (joints,) [rad/s]
    accelerations: Array | None = None  # (joints,) [rad/s2]


def coefficients(a: Knot, b: Knot) -> Array:
    """Return (6, joints): the polynomial from `a` to `b` in seconds since `a`."""
    p0, p1 = a.positions, b.positions
    if p0 is None or p1 is None:
        raise ValueError('a segment needs positions at both ends; deduce them first')
    out = np.zeros((6, len(p0)))
    seconds = (b.time_ns - a.time_ns) * 1e-9
    v0, v1, a0, a1 = a.velocities, b.velocities, a.accelerations, b.accelerations
    with np.errstate(all='ignore'):  # NaN and infinity travel on, as in the real controller
        if v0 is None or v1 is None:
            if a0 is None or a1 is None:
                out[0] = p0
                out[1] = (p1 - p0) / seconds
        elif a0 is None or a1 is None:
            _fill_cubic(out, seconds, (p0, v0), (p1, v1))
        else:
            _fill_quintic(out, seconds, (p0, v0, a0), (p1, v1, a1))
    return out


def _fill_cubic(
    out: Array, seconds: float, a: tuple[Array, Array], b: tuple[Array, Array]
) -> None:
    (p0, v0), (p1, v1) = a, b
    rise, d0, d1 = p1 - p0, v0 * seconds, v1 * seconds
    out[0] = p0
    out[1] = v0
    out[2] = (3.0 * rise - 2.0 * d0 - d1) / seconds**2
    out[3] = (-2.0 * rise + d0 + d1) / seconds**3


def _fill_quintic(
    out: Array, seconds: float, a: tuple[Array, Array, Array], b: tuple[Array, Array, Array]
) -> None:
    (p0, v0, a0), (p1, v1, a1) = a, b
    rise, d0, d1 = p1 - p0, v0 * seconds, v1 * seconds
    e0, e1 = a0 * seconds**2, a1 * seconds**2
    out[0] = p0
    out[1] = v0
    out[2] = 0.5 * a0
    out[3] = (20.0 * rise - 3.0 * e0 + e1 - 12.0 * d0 - 8.0 * d1) / (2.0 * seconds**3)
    out[4] = (-30.0 * rise + 3.0 * e0 - 2.0 * e1 + 16.0 * d0 + 14.0 * d1) / (2.0 * seconds**4)
    out[5] = (12.0 * rise - e0 + e1 - 6.0 * d0 - 6.0 * d1) / (2.0 * seconds**5)


def deduce_positions(a: Knot, b: Knot) -> Knot:
    """Return `b` with the positions (and velocities) that follow from `a` by the mean slope."""
    if b.positions is not None or a.positions is None:
        return b
    seconds = (b.time_ns - a.time_ns) * 1e-9
    zeros = np.zeros_like(a.positions)
    v0 = zeros if a.velocities is None else a.velocities
    v1 = b.velocities
    if v1 is None:
        a0 = zeros if a.accelerations is None else a.accelerations
        a1 = zeros if b.accelerations is None else b.accelerations
        v1 = v0 + 0.5 * seconds * (a0 + a1)
    return replace(b, positions=a.positions + 0.5 * seconds * (v0 + v1), velocities=v1)


class Evaluator:
    """Evaluates a (6, joints) polynomial without building arrays at every tick."""

    def __init__(self) -> None:
        """Reserve the matrix of powers: position, velocity and acceleration rows."""
        self._powers = np.zeros((3, 6))
        self._powers[0, 0] = self._powers[1, 1] = 1.0
        self._powers[2, 2] = 2.0

    def __call__(self, polynomial: Array, seconds: float) -> Array:
        """Return (3, joints): positions [rad], velocities [rad/s], accelerations [rad/s2]."""
        t2 = seconds * seconds
        t3 = t2 * seconds
        t4 = t2 * t2
        powers = self._powers
        powers[0, 1:] = (seconds, t2, t3, t4, t4 * seconds)
        powers[1, 2:] = (2.0 * seconds, 3.0 * t2, 4.0 * t3, 5.0 * t4)
        powers[2, 3:] = (6.0 * seconds, 12.0 * t2, 20.0 * t3)
        return powers @ polynomial
