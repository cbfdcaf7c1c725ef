# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of a recorded motion: what a controller was made to command after a fault. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.urdf import JointLimits
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# A controller begins each trajectory at its last command: one tick of 2 ms is done twice.
TICK_S = 0.002
JUMP_RAD = 1e-3  # a step of the position beyond what the velocities explain [rad]
SLOW = 0.02  # below this speed the time that a step took cannot be read from its length [rad/s]
GAP_S = 0.02  # samples farther apart are a hole in the record [s]
# Numerical and sampling slack of the bound on braking [1].
SLACK = 1.05


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
class MotionFigures:
    """What was commanded from the fault until rest.

    Attributes:
        rest_s: from the fault to rest; None where it never came [s].
        velocity, acceleration: largest, of any joint [rad/s], [rad/s^2].
        braking: largest acceleration within the last ramp [rad/s^2].
        violations: which limits were broken, in words.
    """

    rest_s: float | None
    velocity: float
    acceleration: float
    braking: float
    violations: tuple[str, ...]


def rest_after(track: Track, reacted_s: float) -> float | None:
    """Return when the first standstill begins that lasts beyond ``reacted_s``; None for none."""
    still = ~track.velocities.any(axis=1)
    later = np.flatnonzero(still & (track.times_s >= reacted_s))
    if not len(later):
        return None
    moving = np.flatnonzero(~still[: later[0]])
    return float(track.times_s[moving[-1] + 1 if len(moving) else 0])


def accelerations(track: Track) -> Array:
    """Return the acceleration of the fastest changing joint over each interval (N - 1,).

    In the tick of a hand-over the reference advances by one tick more; the length of its step
    tells.
    """
    if len(track.times_s) < 2:
        return np.zeros(0)
    dt = np.diff(track.times_s)
    mean = (track.velocities[1:] + track.velocities[:-1]) / 2.0
    square = (mean**2).sum(axis=1)
    fast = square > SLOW**2
    step = (np.diff(track.positions, axis=0) * mean).sum(axis=1)
    elapsed = np.where(fast, step / np.where(fast, square, 1.0), dt)
    twice = np.where(elapsed - dt > 0.5 * TICK_S, TICK_S, 0.0)
    change = np.abs(np.diff(track.velocities, axis=0)).max(axis=1)
    return np.asarray(change / (dt + twice))


def jump(track: Track) -> float:
    """Return the longest step that the velocities, and a hand-over, do not explain [rad]."""
    dt = np.diff(track.times_s)[:, None]
    speeds = np.abs(track.velocities)
    mean = (track.velocities[1:] + track.velocities[:-1]) / 2.0
    beyond = np.abs(np.diff(track.positions, axis=0) - mean * dt)
    beyond = beyond - 1.25 * TICK_S * np.maximum(speeds[1:], speeds[:-1])
    return float(beyond[dt[:, 0] < GAP_S].max(initial=0.0))


def judge(
    track: Track, reacted_s: float, ramp_s: float, limits: JointLimits, max_acceleration: float
) -> MotionFigures:
    """Judge a motion.

    Args:
        track: from the fault until long after rest; no goal moves the arm after it has rested.
        reacted_s: when the last brake, or whatever ended the motion, was heard [s].
        ramp_s: duration of the last ramp that was sent; it ends at rest [s].
        limits: of the joints.
        max_acceleration: of that ramp [rad/s^2].
    """
    rest_s = rest_after(track, reacted_s)
    way = track.between(0.0, np.inf if rest_s is None else rest_s)
    speeds = np.abs(way.velocities).max(axis=0, initial=0.0)  # (J,)
    braking = 0.0
    if rest_s is not None:
        ramp = track.between(rest_s - ramp_s + TICK_S, rest_s)
        braking = float(accelerations(ramp).max(initial=0.0))
    outside = (track.positions < limits.lower) | (track.positions > limits.upper)
    later = track.velocities[track.times_s > (np.inf if rest_s is None else rest_s)]
    broken = {
        'position limit': bool(outside.any()),
        'velocity limit': bool((speeds > limits.velocity).any()),
        'jump of the command': jump(track) > JUMP_RAD,
        'braking acceleration': braking > SLACK * max_acceleration,
        'never at rest': rest_s is None,
        'motion without a goal': bool(later.any()),
    }
    return MotionFigures(
        rest_s,
        float(speeds.max(initial=0.0)),
        float(accelerations(way).max(initial=0.0)),
        braking,
        tuple(name for name, is_broken in broken.items() if is_broken),
    )
