# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of a recorded motion: what a controller was made to command after a fault. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.limits import MotionLimits
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# A controller begins each trajectory at its last command: one tick of 2 ms is done twice.
TICK_S = 0.002
JUMP_RAD = 1e-3  # a step of the position beyond what the velocities explain [rad]
SLOW = 0.02  # below this speed the time that a step took cannot be read from its length [rad/s]
GAP_S = 0.02  # samples farther apart are a hole in the record [s]
# Means over so many ticks, 10 ms and 50 ms: a hand-over within a tick is no acceleration of an
# arm, and pieces of constant jerk are 50 ms long.
ACCELERATION_TICKS, JERK_TICKS = 5, 25
# Numerical and sampling slack of the limits [1].
SLACK = 1.05
# A trajectory is planned for the moment at which the controller will have it. One that comes this
# much earlier or later starts off its place by as much of the way, and its first piece, of at
# least the second length, makes up for that: by 6 v T / L^2 more acceleration [s].
ARRIVAL_S, FIRST_PIECE_S = 0.002, 0.1


@dataclass(frozen=True)
class Track:
    """What the controller's reference was.

    Attributes:
        times_s: (N,) since the fault [s].
        positions, velocities: (N, J) [rad], [rad/s].
    """

    times_s: Array
    positions: Array
    velocities: Array

    def between(self, begin_s: float, end_s: float) -> Track:
        """Return the samples of a span, both ends included."""
        keep = (self.times_s >= begin_s) & (self.times_s <= end_s)
        return Track(self.times_s[keep], self.positions[keep], self.velocities[keep])


@dataclass(frozen=True)
class Ticks:
    """What was heard of the controller's reference.

    Attributes:
        heard_s: (N,) when.
        stamps_s: (N,) what the controller says [s].
        positions, velocities: (N, J) [rad], [rad/s].
    """

    heard_s: Array
    stamps_s: Array
    positions: Array
    velocities: Array

    def rows(self, part: slice) -> Ticks:
        """Return some of the ticks."""
        return Ticks(*(values[part] for values in vars(self).values()))

    def followed_by(self, other: Ticks) -> Ticks:
        """Return both, one after the other."""
        pairs = zip(vars(self).values(), vars(other).values())
        return Ticks(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True)
class MotionFigures:
    """What was commanded from the fault until rest.

    Attributes:
        rest_s: from the fault to rest; None where it never came [s].
        velocity: largest, of any joint [rad/s].
        acceleration: the same, of means over 10 ms [rad/s^2].
        jerk: the same, of means over 50 ms [rad/s^3].
        violations: which limits were broken, in words.
    """

    rest_s: float | None
    velocity: float
    acceleration: float
    jerk: float
    violations: tuple[str, ...]


def rest_after(track: Track, reacted_s: float) -> float | None:
    """Return when the first standstill begins that lasts beyond ``reacted_s``; None for none."""
    still = ~track.velocities.any(axis=1)
    later = np.flatnonzero(still & (track.times_s >= reacted_s))
    if not len(later):
        return None
    moving = np.flatnonzero(~still[: later[0]])
    return float(track.times_s[moving[-1] + 1 if len(moving) else 0])


def curve_times(track: Track) -> Array:
    """Return where on its curve the controller was at each sample (N,) [s].

    In the tick of a hand-over the reference advances by one tick more; the length of its step
    tells.
    """
    dt = np.diff(track.times_s)
    mean = (track.velocities[1:] + track.velocities[:-1]) / 2.0
    square = (mean**2).sum(axis=1)
    fast = square > SLOW**2
    step = (np.diff(track.positions, axis=0) * mean).sum(axis=1)
    elapsed = np.where(fast, step / np.where(fast, square, 1.0), dt)
    twice = np.where(elapsed - dt > 0.5 * TICK_S, TICK_S, 0.0)
    return np.concatenate([[0.0], np.cumsum(dt + twice)])


def accelerations(track: Track) -> Array:
    """Return means over ACCELERATION_TICKS, of each joint (N - ticks, J) [rad/s^2]."""
    return _slopes(track.velocities, curve_times(track), ACCELERATION_TICKS)


def jerks(track: Track) -> Array:
    """Return means over JERK_TICKS of the accelerations, of each joint [rad/s^3]."""
    times_s = curve_times(track)
    middle_s = (times_s[ACCELERATION_TICKS:] + times_s[:-ACCELERATION_TICKS]) / 2.0
    values = _slopes(track.velocities, times_s, ACCELERATION_TICKS)
    return _slopes(values, middle_s, JERK_TICKS)


def _slopes(values: Array, times_s: Array, ticks: int) -> Array:
    if len(values) <= ticks:
        return np.zeros((0, values.shape[1]))
    return np.asarray((values[ticks:] - values[:-ticks]) / _spans(times_s, ticks)[:, None])


def _spans(times_s: Array, ticks: int) -> Array:
    return np.asarray(times_s[ticks:] - times_s[:-ticks])


def jump(track: Track) -> float:
    """Return the longest step that the velocities, and a hand-over, do not explain [rad]."""
    dt = np.diff(track.times_s)[:, None]
    speeds = np.abs(track.velocities)
    mean = (track.velocities[1:] + track.velocities[:-1]) / 2.0
    beyond = np.abs(np.diff(track.positions, axis=0) - mean * dt)
    beyond = beyond - 1.25 * TICK_S * np.maximum(speeds[1:], speeds[:-1])
    return float(beyond[dt[:, 0] < GAP_S].max(initial=0.0))


def broken_limits(track: Track, limits: MotionLimits) -> tuple[str, ...]:
    """Return which limits a motion breaks, in words; the first and last rows are not its ends."""
    speeds = np.abs(track.velocities)  # (N, J)
    room = 6.0 * speeds.max(axis=0, initial=0.0) * ARRIVAL_S / FIRST_PIECE_S**2  # (J,)
    outside = (track.positions < limits.lower) | (track.positions > limits.upper)
    acceleration = SLACK * limits.acceleration + room
    jerk = SLACK * limits.jerk + room / (JERK_TICKS * TICK_S)  # it comes at once
    broken = {
        'position limit': outside.any(),
        'velocity limit': (speeds > limits.velocity).any(),
        'acceleration limit': (np.abs(accelerations(track)) > acceleration).any(),
        'jerk limit': (np.abs(jerks(track)) > jerk).any(),
        'jump of the command': jump(track) > JUMP_RAD,
    }
    return tuple(name for name, is_broken in broken.items() if is_broken)


def judge(
    track: Track, reacted_s: float, limits: MotionLimits, *, halts: bool = False
) -> MotionFigures:
    """Judge a motion.

    Args:
        track: from the fault until long after rest; no goal moves the arm after it has rested.
        reacted_s: when the last brake, or whatever ended the motion, was heard [s].
        limits: of the joints.
        halts: the robot stopped or slowed the arm itself: its limits are not ours to keep, and
            its controller may tell no rest.
    """
    rest_s = rest_after(track, reacted_s)
    way = track.between(0.0, np.inf if rest_s is None else rest_s)
    later = track.velocities[track.times_s > (np.inf if rest_s is None else rest_s)]
    broken = {
        'never at rest': rest_s is None and not halts,
        'motion without a goal': bool(later.any()),
    }
    return MotionFigures(
        rest_s,
        float(np.abs(way.velocities).max(initial=0.0)),
        float(np.abs(accelerations(way)).max(initial=0.0)),
        float(np.abs(jerks(way)).max(initial=0.0)),
        (
            *(() if halts else broken_limits(way, limits)),
            *(name for name, is_broken in broken.items() if is_broken),
        ),
    )
