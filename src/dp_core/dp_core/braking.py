# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
r"""From any commanded motion to rest: soon, without a jerk, and also when the message comes late.

Three pieces of constant jerk, the same for all joints, so that the tool stays on its way::

    acceleration   0 |\            /|
                     | \          / |
                  -A |  \________/  |
                     |<--->|<--->|<--->|
                     onset  steady  end

The first piece is long, because the controller has moved on by the time a brake arrives, and this
piece makes up for that: a cubic of length L that starts the distance g too far on decelerates by
6 g / L^2 more at its begin, where the plan does not decelerate yet.
"""

from __future__ import annotations

from dp_core.motion import CommandedMotion
from dp_core.motion import Trajectory
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ONSET_S, END_S = 0.1, 0.05
# A brake that reaches the controller this late still keeps the acceleration limit [s].
DELAY_S = 0.01


def brake(
    motion: CommandedMotion,
    joint_names: tuple[str, ...],
    now_ns: int,
    max_acceleration: float,
    last_seen: Array | None = None,
) -> Trajectory:
    """Come to rest from the commanded state, every joint inside ``max_acceleration`` [rad/s^2].

    From speed v, that is steady and below 0.8 rad/s at 5 rad/s^2, it takes
    v / max_acceleration + 0.075 s.

    Args:
        motion: what is commanded.
        joint_names: J names.
        now_ns: where the brake begins [ns].
        max_acceleration: limit [rad/s^2].
        last_seen: (J,) where the arm was seen last, when it has fallen silent [rad]. It may hang
            there and follow the brake much later: then the onset makes up for that distance, and
            half of it more, because it may also have had another velocity.
    """
    position, velocity, acceleration = motion.at(now_ns)
    gap = float(np.abs(velocity).max()) * DELAY_S
    if last_seen is not None:
        gap = max(gap, 1.5 * float(np.abs(position - last_seen).max()))
    onset_s = max(ONSET_S, float(np.sqrt(6.0 * gap / max_acceleration)))
    excess = velocity + acceleration * onset_s / 2.0  # (J,) what A has to take away
    ramps_s = (onset_s + END_S) / 2.0  # A acts for half of each ramp
    steady_s = max(0.0, float(np.abs(excess).max()) / max_acceleration - ramps_s)
    peak = -excess / (ramps_s + steady_s)  # (J,) acceleration of the steady piece [rad/s^2]
    lengths_s = [length for length in (onset_s, steady_s, END_S) if length > 0.0]
    ends = [peak, peak, np.zeros_like(peak)][-len(lengths_s) :]
    knots: list[tuple[Array, Array]] = []
    for length, end in zip(lengths_s, ends):
        position = position + length * velocity + length**2 * (2.0 * acceleration + end) / 6.0
        velocity = velocity + length * (acceleration + end) / 2.0
        acceleration = end
        knots.append((position, velocity))
    start = motion.at(now_ns)
    return Trajectory(
        start_ns=now_ns,
        joint_names=joint_names,
        start_position=start.position,
        start_velocity=start.velocity,
        times_s=np.cumsum(lengths_s),
        positions=np.array([knot[0] for knot in knots]),
        velocities=np.array([*(knot[1] for knot in knots[:-1]), np.zeros_like(peak)]),
    )
