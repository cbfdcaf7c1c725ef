# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Targets in time -> the motion nearest to them that the limits allow.

Least squares, and a quadratic program for every joint where a limit is in the way. Between two
knots the jerk is constant, so positions are cubics: what a controller draws between knots with
positions and velocities is exactly the motion that was planned, accelerations are continuous, and
a bound kept at the knots is kept between them (accelerations exactly; velocities up to
h^2 jerk / 8). Where the targets ask for more than the limits, the motion comes late, by as little
as it must, and ends at rest all the same.

It minimises the squared distance to the targets plus SMOOTHNESS times the squared jerk: a filter
without lag that passes what is slower than SMOOTHNESS^(-1/6) rad/s, 3.4 Hz. Targets at 10 Hz hold
little above that but the noise of a policy.

The filter is linear and the same for all joints, so that the tool keeps to the way of its targets:
in a plane it stays in the plane. A joint that reaches a limit while the others do not bends that
way (the pusher of the shipped task, meant to be 15 mm above the table, went to 68 mm, and through
it). So the motion is made smoother, for all joints alike, until none is at a limit of acceleration
or jerk.
"""

from __future__ import annotations

import daqp
from dp_core.errors import LimitError
from dp_core.limits import MotionLimits
from dp_core.motion import MotionState
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SMOOTHNESS = 1e-8  # [s^6]
SOFTER, SOFTENINGS = 2.0, 14  # factor of the smoothness, and how often: down to 0.7 Hz
# Plans keep this share of a limit, so that rounding and the next plan's other knots have room.
SHARE = 0.97
OPTIMAL = 1  # daqp's exit flag
EQUALITY = 5  # daqp: active, immutable


def _model(knots_s: Array) -> tuple[Array, Array]:
    """From a state and the jerks (N,) of one joint to its states at the knots.

    Returns:
        free (N, 3, 3): of the position, velocity and acceleration at time 0.
        forced (N, 3, N): of the jerk in the piece before each knot.
    """
    one, zero = np.ones_like(knots_s), np.zeros_like(knots_s)
    rows = [[one, knots_s, knots_s**2 / 2], [zero, one, knots_s], [zero, zero, one]]
    free = np.moveaxis(np.array(rows), -1, 0)
    h = np.diff(knots_s, prepend=0.0)  # (N,) length of each piece
    since = knots_s[:, None] - knots_s  # (N, N) from the end of a piece to a knot
    forced = np.stack(
        [h**3 / 6 + h**2 / 2 * since + h / 2 * since**2, h**2 / 2 + h * since, h + 0 * since], 1
    )
    return free, np.where(since[:, None] >= 0.0, forced, 0.0)


def track(
    knots_s: Array, targets: Array, weights: Array, start: MotionState, limits: MotionLimits
) -> tuple[Array, Array]:
    """Follow targets from a moving start to rest at the last knot.

    Args:
        knots_s: (N,) times after the start, rising [s].
        targets: (N, J) positions at these times [rad].
        weights: (N,) of each target, 0 for none.
        start: commanded at time 0.
        limits: of the J joints.

    Returns:
        positions (N, J) [rad] and velocities (N, J) [rad/s] at the knots.

    Raises:
        LimitError: no motion inside the limits comes to rest in time.
    """
    free_of, forced = _model(knots_s)
    free = np.einsum('nik,kj->nij', free_of, np.array(start))  # (N, 3, J) without any jerk
    states, smoothness = _unlimited(forced, free, targets, weights, limits)
    if not _keeps(states, limits):
        for j in range(targets.shape[1]):
            jerks = _solve(forced, free[..., j], targets[:, j], weights, limits, j, smoothness)
            if jerks is None:
                raise LimitError(
                    f'joint {j} at {start.position[j]:.3f} rad, {start.velocity[j]:.3f} rad/s and '
                    f'{start.acceleration[j]:.3f} rad/s^2 cannot come to rest within '
                    f'{knots_s[-1]:.2f} s inside its limits'
                )
            states[:, :3, j] = free[..., j] + forced @ jerks
    positions, velocities = states[:, 0], states[:, 1]
    velocities[-1] = 0.0
    return positions, velocities


def _unlimited(
    forced: Array, free: Array, targets: Array, weights: Array, limits: MotionLimits
) -> tuple[Array, float]:
    """Solve without limits, as smooth as it takes to keep those of acceleration and jerk.

    Returns:
        states (N, 4, J): positions, velocities, accelerations and the jerks before the knots.
        smoothness: of this solution [s^6].
    """
    count, last = len(targets), forced[-1, 1:]  # (2, N): the last velocity and acceleration
    lagrange = np.zeros((count + 2, count + 2))
    lagrange[:count, count:], lagrange[count:, :count] = last.T, last
    weighted = forced[:, 0].T * weights
    right = np.concatenate([weighted @ (targets - free[:, 0]), -free[-1, 1:]])
    alone = targets.shape[1] == 1  # one joint has no way to leave
    smoothness = SMOOTHNESS
    for softening in range(1 if alone else SOFTENINGS + 1):
        smoothness = SMOOTHNESS * SOFTER**softening
        lagrange[:count, :count] = weighted @ forced[:, 0] + smoothness * np.eye(count)
        jerks = np.linalg.solve(lagrange, right)[:count]  # (N, J)
        states = np.concatenate(
            [free + np.einsum('nim,mj->nij', forced, jerks), jerks[:, None]], axis=1
        )
        if (np.abs(states[:, 2:]) <= SHARE * np.array([limits.acceleration, limits.jerk])).all():
            break
    return states, smoothness


def _keeps(states: Array, limits: MotionLimits) -> bool:
    """Whether states (N, 4, J) are inside all limits."""
    high = np.array([limits.velocity, limits.acceleration, limits.jerk])
    return bool(
        (states[:, 0] >= limits.lower).all()
        and (states[:, 0] <= limits.upper).all()
        and (np.abs(states[:, 1:]) <= SHARE * high).all()
    )


def _solve(
    forced: Array,
    free: Array,
    targets: Array,
    weights: Array,
    limits: MotionLimits,
    joint: int,
    smoothness: float,
) -> Array | None:
    """Jerks (N,) of one joint; None when the limits leave none."""
    scale = limits.jerk[joint]  # unknowns in units of the limit: well conditioned
    position = forced[:, 0] * scale
    cost = position.T @ (weights[:, None] * position)
    cost += smoothness * scale**2 * np.eye(len(targets))
    slope = position.T @ (weights * (free[:, 0] - targets))
    low, high = _bounds(free, limits, joint)
    rows = np.concatenate([forced[:, 0], forced[:, 1], forced[:, 2]]) * scale
    sense = np.zeros(4 * len(targets), np.int32)
    rest = [3 * len(targets) - 1, 4 * len(targets) - 1]  # last velocity and acceleration
    sense[rest] = EQUALITY
    solution, _, flag, _ = daqp.solve(cost, slope, rows, high, low, sense)
    return np.asarray(solution) * scale if flag == OPTIMAL else None


def _bounds(free: Array, limits: MotionLimits, j: int) -> tuple[Array, Array]:
    """Bounds (4N,) of jerks [limit], then of forced positions, velocities and accelerations."""
    count = len(free)
    velocity, acceleration = SHARE * limits.velocity[j], SHARE * limits.acceleration[j]
    low = np.concatenate(
        [
            np.full(count, -SHARE),
            limits.lower[j] - free[:, 0],
            -velocity - free[:, 1],
            -acceleration - free[:, 2],
        ]
    )
    high = np.concatenate(
        [
            np.full(count, SHARE),
            limits.upper[j] - free[:, 0],
            velocity - free[:, 1],
            acceleration - free[:, 2],
        ]
    )
    for last in (3 * count - 1, 4 * count - 1):
        low[last] = high[last] = -free[-1, 1 if last < 3 * count else 2]
    return low, high
