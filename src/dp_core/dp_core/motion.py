# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Motions of joints: what is sent to a controller, and our model of what it commands."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from dp_core.chunk import Seam
from dp_core.errors import TrajectoryError
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline

Array = NDArray[np.float64]
# What was commanded is remembered for so long [ns]: longer than an observation may be old.
MEMORY_NS = 2_000_000_000
# A motion is looked at so often, when it is asked whether it passes a place [s].
LOOK_S = 0.01
# A step of the clock by more than this moves a motion [ns].
CLOCK_TOLERANCE_NS = 2_000_000


class MotionState(NamedTuple):
    """Positions [rad], velocities [rad/s] and accelerations [rad/s^2] of J joints, each (J,)."""

    position: Array
    velocity: Array
    acceleration: Array


@dataclass(frozen=True)
class Trajectory:
    """Knots after ``start_ns``; the controller joins them by cubics, from rest or from motion.

    Attributes:
        start_ns: hand-over on the ROS clock [ns].
        joint_names: J names.
        start_position, start_velocity: (J,) commanded there [rad], [rad/s]; not sent.
        times_s: (N,) after start, increasing, all > 0 [s].
        positions, velocities: (N, J) [rad], [rad/s]; the last velocity is exactly 0.
        seam: how far the chunk was from the motion before; None for braking.
        deviation: largest distance from the chunk's targets once the seam is over [rad]: how much
            the limits, and the smoothing, have changed of what the policy wanted.
    """

    start_ns: int
    joint_names: tuple[str, ...]
    start_position: Array
    start_velocity: Array
    times_s: Array
    positions: Array
    velocities: Array
    seam: Seam | None = None
    deviation: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what a controller would obey to the arm's harm, or die of."""
        shape = (len(self.times_s), len(self.joint_names))
        for name in ('positions', 'velocities'):
            if getattr(self, name).shape != shape:
                raise TrajectoryError(f'{name} are {getattr(self, name).shape}, valid: {shape}')
        for name in ('start_position', 'start_velocity'):
            if getattr(self, name).shape != shape[1:]:
                raise TrajectoryError(f'{name} is {getattr(self, name).shape}, valid: {shape[1:]}')
        if len(set(self.joint_names)) != len(self.joint_names):
            raise TrajectoryError(f'joints {list(self.joint_names)} are not unique')
        numbers = (self.start_position, self.start_velocity, self.positions, self.velocities)
        if not all(np.isfinite(values).all() for values in (*numbers, self.times_s)):
            raise TrajectoryError('the motion contains NaN or infinity')
        if shape[0] < 2 or not (np.diff(self.times_s, prepend=0.0) > 0).all():
            raise TrajectoryError(f'times {self.times_s.tolist()} do not rise from 0 in two knots')
        if self.velocities[-1].any():
            raise TrajectoryError(f'the last velocity is {self.velocities[-1].tolist()}, valid: 0')

    @property
    def end_ns(self) -> int:
        """Time at which the motion has come to rest [ns]."""
        return self.start_ns + round(float(self.times_s[-1]) * 1e9)

    def curve(self) -> CubicHermiteSpline:
        """Positions over seconds since ``start_ns``, as the controller interpolates them."""
        return CubicHermiteSpline(
            np.concatenate([[0.0], self.times_s]),
            np.concatenate([self.start_position[None], self.positions]),
            np.concatenate([self.start_velocity[None], self.velocities]),
        )


def clock_step_ns(before: tuple[int, int], now: tuple[int, int]) -> int:
    """By how much the ROS clock has stepped since ``before``, against the steady clock [ns].

    Args:
        before: both clocks, read together: ROS and steady time [ns].
        now: the same, later.

    Returns:
        0 for less than CLOCK_TOLERANCE_NS: the time between the two readings, or a clock that is
        slewed.
    """
    step_ns = (now[0] - before[0]) - (now[1] - before[1])
    return step_ns if abs(step_ns) > CLOCK_TOLERANCE_NS else 0


class CommandedMotion:
    """Our model of what the controller commands, now and a little while ago."""

    def __init__(self, position: Array):
        """The arm holds ``position`` (J,) [rad]."""
        self._hold = np.array(position, dtype=np.float64)
        self._sent: deque[tuple[Trajectory, CubicHermiteSpline]] = deque()

    def follow(self, trajectory: Trajectory) -> None:
        """Replace the motion from ``start_ns`` on, as the controller does when it has the message.

        What was to begin later than that is forgotten, as a message overtaken by a newer one.
        """
        while self._sent and self._sent[-1][0].start_ns >= trajectory.start_ns:
            self._sent.pop()
        self._sent.append((trajectory, trajectory.curve()))
        while len(self._sent) > 1 and self._sent[1][0].start_ns < trajectory.start_ns - MEMORY_NS:
            self._sent.popleft()

    def shift(self, by_ns: int) -> None:
        """Let all that was sent be told on a clock that has stepped by ``by_ns`` since.

        The controller does not follow such a step: its trajectory goes on as before.
        """
        if not by_ns:
            return
        self._sent = deque(
            (replace(trajectory, start_ns=trajectory.start_ns + by_ns), curve)
            for trajectory, curve in self._sent
        )

    @property
    def end_ns(self) -> int:
        """Time at which the motion comes to rest; 0 when nothing was ever sent [ns]."""
        return self._sent[-1][0].end_ns if self._sent else 0

    @property
    def begin_ns(self) -> int:
        """Begin of the first motion that is remembered; 0 when nothing was ever sent [ns]."""
        return self._sent[0][0].start_ns if self._sent else 0

    def passes(self, position: Array, tolerance: float, since_ns: int | None = None) -> bool:
        """Whether what was sent comes so near to ``position`` (J,), with every joint [rad].

        Args:
            position: of the arm.
            tolerance: of every joint.
            since_ns: asks for what the newest motion replaced, too, if it would have ended later
                than this: the newest may have been lost, and the arm go on as before [ns].
        """
        for k, (trajectory, curve) in enumerate(reversed(self._sent)):
            if k and (since_ns is None or trajectory.end_ns < since_ns):
                continue
            times_s = np.minimum(np.arange(0.0, curve.x[-1] + LOOK_S, LOOK_S), curve.x[-1])
            if np.abs(curve(times_s) - position).max(axis=1).min() <= tolerance:
                return True
        return False

    def forget(self, unheard: int) -> None:
        """Forget the newest trajectories, so many: the controller never had them."""
        for _ in range(unheard):
            self._sent.pop()

    def path(self, times_ns: NDArray[np.int64], unheard: int = 0, order: int = 0) -> Array:
        """Commanded positions (T, J) at times (T,) [ns], or with order 1 velocities.

        Args:
            times_ns: as far back as is remembered.
            unheard: so many of the newest trajectories are left out.
            order: of the derivative.
        """
        values = np.tile(self._hold, (len(times_ns), 1))
        left = np.ones(len(times_ns), dtype=np.bool_)
        for trajectory, curve in islice(reversed(self._sent), unheard, None):
            mine = left & (times_ns >= trajectory.start_ns)
            if mine.any():
                since_s = np.minimum((times_ns[mine] - trajectory.start_ns) * 1e-9, curve.x[-1])
                values[mine] = curve(since_s, order)
                left &= ~mine
            if not left.any():
                break
        if self._sent:
            values[left] = self._sent[0][0].start_position
        if order:
            values[left] = 0.0
        return values

    @property
    def remembered(self) -> int:
        """How many trajectories are remembered."""
        return len(self._sent)

    def at(self, time_ns: int) -> MotionState:
        """Commanded state at ``time_ns``, which may lie up to MEMORY_NS in the past."""
        rest = np.zeros_like(self._hold)
        for trajectory, curve in reversed(self._sent):
            if time_ns >= trajectory.end_ns:
                return MotionState(trajectory.positions[-1].copy(), rest, rest.copy())
            if time_ns >= trajectory.start_ns:
                t = (time_ns - trajectory.start_ns) * 1e-9
                return MotionState(*(np.asarray(curve(t, order)) for order in range(3)))
        if self._sent:
            return MotionState(self._sent[0][0].start_position.copy(), rest, rest.copy())
        return MotionState(self._hold.copy(), rest, rest.copy())
