# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a joint_trajectory_controller did, from its own reference at every tick; no ROS.

T ticks, J joints. A trajectory is known by its start: the stamp of a tick less the time since the
start that the controller tells with it. Where that start changes, a message took over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dp_core.errors import DatasetError
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Stamps = NDArray[np.int64]

# Stamps and times since the start are taken by different clocks of the controller: they jitter
# against each other by less than this, and two take-overs are a tick apart [ns].
JITTER_NS = 1_000_000
AROUND_NS = 10_000_000  # before and after a take-over, for the step of the velocity [ns]
GRID_NS = 10_000_000  # on which acceleration and jerk are taken: 100 Hz [ns]
MOVING = 0.3  # joints faster than this show the controller's own advance at a take-over [rad/s]


@dataclass(frozen=True)
class Trace:
    """The reference of a controller, tick by tick.

    Attributes:
        stamps_ns: (T,) time of the tick, rising.
        starts_ns: (T,) start of the trajectory that was followed.
        positions, velocities: (T, J) [rad], [rad/s].
    """

    stamps_ns: Stamps
    starts_ns: Stamps
    positions: Array
    velocities: Array

    def __post_init__(self) -> None:
        ticks = (len(self.stamps_ns),)
        if self.starts_ns.shape != ticks or self.positions.shape[:1] != ticks:
            raise DatasetError(
                f'{ticks[0]} stamps, but {self.starts_ns.shape} starts and '
                f'{self.positions.shape} positions; valid: one row a tick'
            )
        if self.velocities.shape != self.positions.shape:
            raise DatasetError(
                f'velocities are {self.velocities.shape}, valid: {self.positions.shape}'
            )

    def between(self, begin_ns: int, end_ns: int) -> Trace:
        """Return the ticks from `begin_ns` to before `end_ns`."""
        first, last = np.searchsorted(self.stamps_ns, (begin_ns, end_ns))
        part = slice(int(first), int(last))
        return Trace(
            self.stamps_ns[part],
            self.starts_ns[part],
            self.positions[part],
            self.velocities[part],
        )


def take_overs(trace: Trace) -> NDArray[np.int64]:
    """Return the ticks (K,) at which a new trajectory began to be followed."""
    return np.flatnonzero(np.diff(trace.starts_ns) > JITTER_NS) + 1


@dataclass(frozen=True)
class Seams:
    """What happened at K take-overs, the largest of the joints each.

    Attributes:
        position_jump: (K,) step of the reference beyond velocity times time [rad].
        unexplained_jump: (K,) the same less the advance by one period which the controller adds
            itself, with interpolate_from_desired_state, at every take-over [rad].
        velocity_step: (K,) change of velocity from 10 ms before to 10 ms after [rad/s].
        advances: (M,) step over velocity times period, of each joint faster than 0.3 rad/s [1].
    """

    position_jump: Array
    unexplained_jump: Array
    velocity_step: Array
    advances: Array


def seams(trace: Trace, ticks: Sequence[int] | Stamps, period_s: float) -> Seams:
    """Measure take-overs at `ticks` (K,), of a controller with a period [s]."""
    jumps, unexplained, steps, advances = [], [], [], [np.empty(0)]
    for tick in ticks:
        before = trace.velocities[tick - 1]
        passed_s = (trace.stamps_ns[tick] - trace.stamps_ns[tick - 1]) * 1e-9
        step = trace.positions[tick] - trace.positions[tick - 1]
        beyond = step - 0.5 * (before + trace.velocities[tick]) * passed_s
        jumps.append(np.abs(beyond).max())
        unexplained.append(np.abs(beyond - before * period_s).max())
        steps.append(_velocity_step(trace, int(trace.stamps_ns[tick])))
        fast = np.abs(before) > MOVING
        advances.append(step[fast] / (before[fast] * passed_s))
    return Seams(np.array(jumps), np.array(unexplained), np.array(steps), np.concatenate(advances))


def velocity_steps(trace: Trace, stamps_ns: Sequence[int] | Stamps) -> Array:
    """Return the change of velocity over 20 ms around any instants (K,) [rad/s]."""
    return np.array([_velocity_step(trace, int(stamp)) for stamp in stamps_ns])


def _velocity_step(trace: Trace, stamp_ns: int) -> float:
    ends = np.searchsorted(trace.stamps_ns, (stamp_ns - AROUND_NS, stamp_ns + AROUND_NS))
    first, last = np.clip(ends, 0, len(trace.stamps_ns) - 1)
    return float(np.abs(trace.velocities[last] - trace.velocities[first]).max())


@dataclass(frozen=True)
class Motion:
    """Acceleration and jerk of a motion, resampled at 100 Hz; the largest of the joints.

    Attributes:
        stamps_ns: (N,) of the accelerations.
        acceleration: (N,) [rad/s2].
        jerk: (N - 1,) [rad/s3].
    """

    stamps_ns: Stamps
    acceleration: Array
    jerk: Array


def motion(trace: Trace) -> Motion:
    """Differentiate the positions of a trace that lasts at least 40 ms.

    Raises:
        DatasetError: it is shorter.
    """
    grid = np.arange(trace.stamps_ns[0], trace.stamps_ns[-1] + 1, GRID_NS)
    if len(grid) < 4:
        raise DatasetError(f'{len(grid)} samples at 100 Hz, valid: at least 4')
    first = trace.stamps_ns[0]  # floats of whole stamps would be too coarse
    at_s, times_s = (grid - first) * 1e-9, (trace.stamps_ns - first) * 1e-9
    columns = [np.interp(at_s, times_s, column) for column in trace.positions.T]
    step_s = GRID_NS * 1e-9
    acceleration = np.diff(np.stack(columns), 2, axis=1) / step_s**2
    jerk = np.diff(acceleration, axis=1) / step_s
    return Motion(grid[1:-1], np.abs(acceleration).max(axis=0), np.abs(jerk).max(axis=0))
