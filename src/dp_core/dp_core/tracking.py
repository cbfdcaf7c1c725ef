# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Targets in time -> the motion nearest to them that the limits allow.

Least squares, and a quadratic program for every joint where a limit is in the way. Between two
knots the jerk is constant, so positions are cubics: what a controller draws between knots with
positions and velocities is exactly the motion that was planned, and accelerations are continuous.
Limits are kept between the knots as well: a cubic stays among its control points. Where the
targets ask for more than the limits, the motion comes late, by as little as it must, and ends at
rest all the same.

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

from dataclasses import replace

import daqp
from dp_core.errors import LimitError
from dp_core.limits import MotionLimits
from dp_core.motion import MotionState
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SMOOTHNESS = 1e-8  # [s^6]
SOFTER, SOFTENINGS = 2.0, 14  # factor of the smoothness, and how often: down to 0.7 Hz
# Plans keep this share of a limit, and so far from those of position [rad], so that rounding and
# the next plan's other knots have room.
SHARE, ROOM = 0.97, 1e-5
OPTIMAL = 1  # daqp's exit flag
EQUALITY = 5  # daqp: active, immutable
# Between knots at full speed [s]. Jerks move the arm farther in the longer pieces of a slowed
# chunk, by the cube of that; in units that are not as much smaller, the solver does not end.
USUAL_S = 0.05


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
    first = _first_jerks(start, float(knots_s[0]), limits)
    limits = replace(  # a joint that is beyond its limits may stay there, or be led back
        limits,
        lower=np.minimum(limits.lower + ROOM, start.position),
        upper=np.maximum(limits.upper - ROOM, start.position),
    )
    states, smoothness = _unlimited(forced, free, targets, weights, limits)
    if not _keeps(states, knots_s, first, limits):
        rows = np.concatenate(_hull(forced, knots_s))
        share = min(1.0, (USUAL_S / float(np.median(np.diff(knots_s)))) ** 3)
        for j in range(targets.shape[1]):
            jerks = _solve(
                forced[:, 0],
                rows,
                targets[:, j] - free[:, 0, j],
                weights,
                smoothness,
                _bounds(free[..., j], knots_s, first[:, j], limits, j),
                limits.jerk[j] * share,
            )
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


def _hull(states: Array, knots_s: Array) -> tuple[Array, Array, Array]:
    """What a motion stays among, linear in its states (N, 3, ...) at the knots.

    The control points of the cubics (positions) and parabolas (velocities) between the knots. A
    knot lies between its neighbours, so only the first and the last are named. In the piece before
    the first knot they hang on the start alone: `_first_jerks` bounds that one.

    Returns:
        positions (2 N - 1, ...), velocities (N + 1, ...) and accelerations (N, ...).
    """
    position, velocity, acceleration = np.moveaxis(states, 1, 0)
    h = np.diff(knots_s).reshape(-1, *(1,) * (states.ndim - 2))  # (N - 1, ...)
    leave, arrive = position[:-1] + h * velocity[:-1] / 3, position[1:] - h * velocity[1:] / 3
    middle = velocity[:-1] + h * acceleration[:-1] / 2
    return (
        np.concatenate([position[:1], leave, arrive]),
        np.concatenate([velocity[:1], middle, velocity[-1:]]),
        acceleration,
    )


def _first_jerks(start: MotionState, first_s: float, limits: MotionLimits) -> Array:
    """Lowest and highest jerks (2, J) that keep position and velocity until the first knot.

    All that happens there follows from one jerk. Below the highest one the position keeps its
    limit at every time t: jerk <= 6 (room - v t - a t^2 / 2) / t^3, least at the first knot or
    where its derivative is 0; the velocity: jerk <= 2 (spare - a t) / t^2. Both may come up to
    their whole limits, for the plan before had other knots.
    """
    bounds = []
    for side, limit in ((-1.0, limits.lower), (1.0, limits.upper)):
        position, velocity, acceleration = (side * values for values in start)
        room, spare = np.maximum(side * limit - position, 0.0), limits.velocity - velocity
        with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
            root = np.sqrt(4.0 * velocity**2 + 6.0 * acceleration * room)  # NaN: no zero
            turn, top = 6.0 * room / (2.0 * velocity + root), 2.0 * spare / acceleration
        t = np.where((0.0 < turn) & (turn < first_s), turn, first_s)
        jerk = 6.0 * (room - velocity * t - acceleration * t**2 / 2) / t**3
        t = np.where((0.0 < top) & (top < first_s), top, first_s)
        bounds.append(side * np.minimum(jerk, 2.0 * (spare - acceleration * t) / t**2))
    return np.array(bounds)


def _keeps(states: Array, knots_s: Array, first: Array, limits: MotionLimits) -> bool:
    """Whether states (N, 4, J) are inside all limits, between the knots as well."""
    positions, velocities, accelerations = _hull(states[:, :3], knots_s)
    jerks = states[:, 3]
    return bool(
        (positions >= limits.lower).all()
        and (positions <= limits.upper).all()
        and (np.abs(velocities) <= SHARE * limits.velocity).all()
        and (np.abs(accelerations) <= SHARE * limits.acceleration).all()
        and (np.abs(jerks) <= SHARE * limits.jerk).all()
        and (first[0] <= jerks[0]).all()
        and (jerks[0] <= first[1]).all()
    )


def _solve(
    forced: Array,
    rows: Array,
    targets: Array,
    weights: Array,
    smoothness: float,
    bounds: Array,
    unit: float,
) -> Array | None:
    """Jerks (N,) of one joint; None when the limits leave none.

    Args:
        forced: (N, N) from jerks to positions.
        rows: (4 N, N) from jerks to all else that is bounded.
        targets: (N,) of the forced positions [rad].
        weights: (N,) of the targets.
        smoothness: of the solution [s^6].
        bounds: (2, 5 N) of the jerks and rows, low and high; where they are equal, the value.
        unit: of the unknowns, for a well conditioned problem [rad/s^3].
    """
    count = len(targets)
    position = forced * unit
    cost = position.T @ (weights[:, None] * position) + smoothness * unit**2 * np.eye(count)
    slope = -position.T @ (weights * targets)
    low, high = bounds
    sense = np.where(low == high, EQUALITY, 0).astype(np.int32)
    low[:count] /= unit
    high[:count] /= unit
    solution, _, flag, _ = daqp.solve(cost, slope, rows * unit, high, low, sense)
    return np.asarray(solution) * unit if flag == OPTIMAL else None


def _bounds(free: Array, knots_s: Array, first: Array, limits: MotionLimits, j: int) -> Array:
    """Bounds (2, 5 N) of one joint, low and high: of jerks, then of the forced part of `_hull`."""
    positions, velocities, accelerations = _hull(free, knots_s)
    jerk = np.full(len(free), SHARE * limits.jerk[j])
    velocity = np.full(len(velocities), SHARE * limits.velocity[j])
    acceleration = np.full(len(free), SHARE * limits.acceleration[j])
    velocity[-1] = acceleration[-1] = 0.0  # at rest in the end
    lower, upper = (np.full(len(positions), limit[j]) for limit in (limits.lower, limits.upper))
    without = np.concatenate([np.zeros(len(free)), positions, velocities, accelerations])
    low = np.concatenate([-jerk, lower, -velocity, -acceleration]) - without
    high = np.concatenate([jerk, upper, velocity, acceleration]) - without
    low[0], high[0] = max(low[0], first[0]), min(high[0], first[1])
    return np.array([low, high])
