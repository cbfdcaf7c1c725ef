# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
r"""From any commanded motion to rest: soon, without a jerk, wherever it finds the controller.

Four pieces of constant jerk, the same for all joints, so that the tool stays on its way::

    acceleration   0 |\                 /|
                     |  \              / |
                  -A |     \__________/  |
                     |<---->|<>|<--->|<-->|
                      onset rise steady end

A brake takes effect when it arrives, wherever the controller is by then. The first piece is a
cubic, and makes up for that: one of length L that starts the distance g beside its plan
accelerates by 6 g / L^2 more at its begin and less at its end, or the other way round. So it is
long, leaves room at its begin for a controller that has moved on, because the brake came late, and
at its end for one that lags behind, because the motion before had come late.
"""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.feedback import ControllerFeedback
from dp_core.motion import CommandedMotion
from dp_core.motion import MotionState
from dp_core.motion import Trajectory
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ONSET_S, END_S = 0.1, 0.05
# A controller so far ahead of the plan, or behind it, still keeps the acceleration limit [s],
# unless the motion accelerates so much already that less than LEAST_ROOM of it is left [1].
AHEAD_S, BEHIND_S, LEAST_ROOM = 0.01, 0.005, 0.25
# The onset ends at this part of the full deceleration, or more [1].
LEAST_ONSET = 0.7
SHORT_S = 1e-6  # pieces that are shorter are left out
HOLD_SHARE = 0.8  # of the acceleration limit, to hold an arm where it stands [1]
# A robot that was not heard for so long may hang, and hear a brake only when it wakes up [s].
HANGS_S = 0.15
# To a silent robot a brake begins and ends with these parts of the acceleration limit at most: it
# begins at once, and before it the arm may have accelerated the other way [1].
GENTLE_BEGIN, GENTLE_END = 0.4, 0.8
SHORTEST_S, LONGER = (
    0.2,
    1.1,
)  # such a brake lasts so long, or by this factor longer, and so on [1]


@dataclass(frozen=True)
class LastSeen:
    """Where an arm that does not follow was seen last.

    Attributes:
        position: (J,) [rad].
        velocity: (J,) [rad/s]; None where it is not measured.
        stands: it is heard, and stands there although it is commanded to move: the controller
            hears nothing, or somebody holds the arm. Else it has fallen silent: it may hang, and
            follow the brake much later.
    """

    position: Array
    velocity: Array | None = None
    stands: bool = False


def silent_at(feedback: ControllerFeedback | None) -> LastSeen | None:
    """Return where a robot was seen last that was not heard for a while; None for another one."""
    if feedback is None or feedback.measured is None:
        return None
    if feedback.unheard_s <= HANGS_S:
        return None
    return LastSeen(feedback.measured, feedback.measured_velocity)


def brake(
    motion: CommandedMotion,
    joint_names: tuple[str, ...],
    now_ns: int,
    max_acceleration: float,
    last_seen: LastSeen | None = None,
) -> Trajectory:
    """Come to rest from the commanded state, every joint inside ``max_acceleration`` [rad/s^2].

    From a steady speed v, at 5 rad/s^2, it takes 0.15 s up to 0.3 rad/s, and from there up to
    1.5 rad/s v / max_acceleration + 0.1 to 0.15 s.

    Args:
        motion: what is commanded.
        joint_names: J names.
        now_ns: where the brake begins [ns].
        max_acceleration: limit [rad/s^2].
        last_seen: of an arm that does not follow. One that stands is held there. To a silent one
            the brake is gentle: it brings it from that place, and that velocity, too.
    """
    if last_seen is not None and last_seen.stands:
        return _hold(motion, joint_names, now_ns, max_acceleration, last_seen.position)
    if last_seen is not None:
        return _gentle(motion, joint_names, now_ns, max_acceleration, last_seen)
    start = motion.at(now_ns)
    position, velocity, acceleration = start
    onset_s = _onset_s(velocity, acceleration, max_acceleration)
    excess = velocity + acceleration * onset_s / 2.0  # (J,) what A has to take away
    pull = 6.0 * np.abs(velocity) / onset_s**2 + 2.0 * np.abs(acceleration) / onset_s
    behind = float(pull.max()) * BEHIND_S  # more at the end of the onset [rad/s^2]
    part, rise_s = 1.0, 0.0  # of the full deceleration, reached by the onset
    ramps_s = (onset_s + END_S) / 2.0  # A acts for half of each ramp
    if float(np.abs(excess).max()) / ramps_s + behind > max_acceleration:
        part = max(LEAST_ONSET, 1.0 - behind / max_acceleration)
        rise_s = onset_s / part - onset_s
        ramps_s += rise_s / 2.0
    steady_s = max(0.0, float(np.abs(excess).max()) / max_acceleration - ramps_s)
    peak = -excess / (ramps_s + steady_s)  # (J,) acceleration of the steady piece [rad/s^2]
    pieces = ((onset_s, part * peak), (rise_s, peak), (steady_s, peak), (END_S, 0.0 * peak))
    knots: list[tuple[Array, Array]] = []
    lengths_s = []
    for length, end in pieces:
        if length < SHORT_S:
            continue
        lengths_s.append(length)
        position = position + length * velocity + length**2 * (2.0 * acceleration + end) / 6.0
        velocity = velocity + length * (acceleration + end) / 2.0
        acceleration = end
        knots.append((position, velocity))
    return Trajectory(
        start_ns=now_ns,
        joint_names=joint_names,
        start_position=start.position,
        start_velocity=start.velocity,
        times_s=np.cumsum(lengths_s),
        positions=np.array([knot[0] for knot in knots]),
        velocities=np.array([*(knot[1] for knot in knots[:-1]), np.zeros_like(peak)]),
    )


def _gentle(
    motion: CommandedMotion,
    joint_names: tuple[str, ...],
    now_ns: int,
    max_acceleration: float,
    seen: LastSeen,
) -> Trajectory:
    """By one cubic to a place on the way, from where the arm should be and where it was seen.

    The place is where the motion would be after half of the time: so the brake keeps to a way that
    was checked, however long it takes.
    """
    start = motion.at(now_ns)
    there = seen.position, start.velocity if seen.velocity is None else seen.velocity
    left_s = (motion.end_ns - now_ns) * 1e-9  # what was sent comes to rest by itself then
    length_s = SHORTEST_S
    place = motion.at(now_ns + round(length_s / 2.0 * 1e9)).position
    while length_s < left_s and max_acceleration < max(
        _needed(*start[:2], place, length_s), _needed(*there, place, length_s)
    ):
        length_s *= LONGER
        place = motion.at(now_ns + round(length_s / 2.0 * 1e9)).position
    return _to_rest(start, joint_names, now_ns, length_s, place)


def _needed(position: Array, velocity: Array, place: Array, length_s: float) -> float:
    """Return which acceleration limit a cubic to rest needs, by its begin and its end [rad/s^2].

    One over the distance g from the velocity v, of length L, accelerates by 6 g / L^2 - 4 v / L at
    its begin, by 2 v / L - 6 g / L^2 at its end.
    """
    gap = 6.0 * (place - position) / length_s**2
    begin, end = gap - 4.0 * velocity / length_s, 2.0 * velocity / length_s - gap
    return float(max(np.abs(begin).max() / GENTLE_BEGIN, np.abs(end).max() / GENTLE_END))


def _hold(
    motion: CommandedMotion,
    joint_names: tuple[str, ...],
    now_ns: int,
    max_acceleration: float,
    place: Array,
) -> Trajectory:
    """At rest where the arm stands (J,) from the first knot on: a controller there moves nothing.

    One that did follow comes back to the arm, so that letting go of it moves nothing either: by a
    cubic of length T over the distance g from the velocity v, which accelerates by at most
    6 g / T^2 + 4 v / T.
    """
    start = motion.at(now_ns)
    limit = HOLD_SHARE * max_acceleration
    speed, gap = np.abs(start.velocity), np.abs(start.position - place)
    needed_s = (2.0 * speed + np.sqrt(4.0 * speed**2 + 6.0 * gap * limit)) / limit  # (J,)
    return _to_rest(start, joint_names, now_ns, max(ONSET_S, float(needed_s.max())), place)


def _to_rest(
    start: MotionState, joint_names: tuple[str, ...], now_ns: int, length_s: float, place: Array
) -> Trajectory:
    """One cubic to ``place`` (J,) [rad], and rest there."""
    return Trajectory(
        start_ns=now_ns,
        joint_names=joint_names,
        start_position=start.position,
        start_velocity=start.velocity,
        times_s=np.array([length_s, length_s + END_S]),
        positions=np.array([place, place]),
        velocities=np.zeros((2, len(place))),
    )


def _onset_s(velocity: Array, acceleration: Array, limit: float) -> float:
    """Return how long the first piece has to be for a controller ahead or behind [s].

    At its begin what makes up for that adds to a motion that slows down, or speeds up, already; at
    its end to the brake.
    """
    off_s = np.where(velocity * acceleration < 0.0, AHEAD_S, BEHIND_S)
    begin = off_s / np.maximum(limit - np.abs(acceleration), LEAST_ROOM * limit)
    end = BEHIND_S / ((1.0 - LEAST_ONSET) * limit)
    needed = np.sqrt(6.0 * np.abs(velocity) * np.maximum(begin, end))
    return max(ONSET_S, float(np.max(needed, initial=0.0)))
