# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
r"""From rest to rest in a straight line of the joints, as soon as speed and limits allow.

Seven pieces of constant jerk, the same for all joints, some of them empty::

    velocity        ________
                  /          \
                 /            \
    ____________/              \____________

Each piece is a cubic, so a controller that joins knots by cubics draws exactly this motion.
"""

from __future__ import annotations

from dp_core.errors import ConfigError
from dp_core.limits import MotionLimits
from dp_core.motion import Trajectory
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Part of the limits of acceleration and jerk that is used: nobody waits for this motion.
SHARE = 0.5
# An arm that near is there already [rad].
THERE_RAD = 1e-3


def approach(
    start: Array, target: Array, start_ns: int, speed: float, limits: MotionLimits
) -> Trajectory | None:
    """Plan the way; None when the arm is there already.

    Args:
        start: (J,) where it rests [rad].
        target: (J,) where it shall rest [rad].
        start_ns: hand-over on the ROS clock [ns].
        speed: of the fastest joint [rad/s].
        limits: of the J joints.

    Raises:
        ConfigError: the target is not for these joints or not finite.
    """
    if target.shape != start.shape or not np.isfinite(target).all():
        raise ConfigError(
            f'the target is {target.tolist()}, valid: {len(start)} finite positions [rad] of '
            f'{list(limits.joint_names)}'
        )
    way = target - start
    far = np.abs(way)
    if far.max() < THERE_RAD:
        return None
    moves = far > 0.0
    top = float((np.minimum(limits.velocity, speed)[moves] / far[moves]).min())
    acceleration = float((limits.acceleration[moves] / far[moves]).min()) * SHARE
    jerk = float((limits.jerk[moves] / far[moves]).min()) * SHARE
    times_s, shares, rates = _profile(top, acceleration, jerk)
    return Trajectory(
        start_ns=start_ns,
        joint_names=limits.joint_names,
        start_position=start,
        start_velocity=np.zeros_like(start),
        times_s=times_s,
        positions=np.concatenate([start + shares[:-1, None] * way, target[None]]),
        velocities=np.concatenate([rates[:-1, None] * way, np.zeros((1, len(way)))]),
    )


def _profile(top: float, acceleration: float, jerk: float) -> tuple[Array, Array, Array]:
    """Go from 0 to 1 with limits of the first three derivatives [1/s], [1/s^2], [1/s^3].

    Returns:
        times [s], values and their rates [1/s] at the ends of the pieces, (N,) each.
    """
    onset = min(acceleration / jerk, (top / jerk) ** 0.5)  # length of a piece with jerk [s]
    gain = onset + top / (jerk * onset)  # from rest to the top speed [s]
    cruise = 1.0 / top - gain
    if cruise < 0.0:  # the top speed is not reached
        cruise, onset = 0.0, min(acceleration / jerk, (1.0 / (2.0 * jerk)) ** (1.0 / 3.0))
        gain = onset / 2.0 + (onset**2 / 4.0 + 1.0 / (jerk * onset)) ** 0.5
    steady = max(0.0, gain - 2.0 * onset)
    lengths = np.array([onset, steady, onset, cruise, onset, steady, onset])
    value = rate = bend = time_s = 0.0
    rows = []
    for length, change in zip(lengths, jerk * np.array([1, 0, -1, 0, -1, 0, 1])):
        if length < 1e-6:
            continue
        value += rate * length + bend * length**2 / 2.0 + change * length**3 / 6.0
        rate += bend * length + change * length**2 / 2.0
        bend += change * length
        time_s += length
        rows.append((time_s, value, rate))
    columns = np.array(rows).T
    return columns[0], columns[1], columns[2]
