# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How much of a command's delay is dead time, and how much the lag of a servo.

A servo that closes a part ``dt / T`` of its error each instant (first order, time constant T)
delays a slow motion by T, and damps a fast one, which a dead time does not. So the commanded
motion is sent through such a servo, for each T of a grid, before the delay is sought; the T that
leaves the least of the measured motion unexplained is the servo's.
"""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.calibration.delay import Delay
from dp_core.calibration.delay import GRID_S
from dp_core.calibration.delay import least_unexplained
from dp_core.calibration.delay import Signal
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEP_S = 0.01
# Longest lag that is tried, beyond a fifth more than the whole delay [s].
MOST_S = 0.3
# A lag counts when without one so many times more of the motion is left unexplained.
CLEAR = 1.5
MAX_SAMPLES = 1000


@dataclass(frozen=True)
class Servo:
    """What a delay consists of.

    Attributes:
        dead_time_s: nothing moves for so long [s].
        lag_s: time constant with which the motion follows then [s].
    """

    dead_time_s: float
    lag_s: float


def separate_lag(measured: Signal, commanded: Signal, delay: Delay) -> Servo | None:
    """Split a delay into dead time and lag; None where the motion does not tell them apart.

    Args:
        measured: positions of one joint (N, 1) [rad].
        commanded: positions that were commanded (M, 1) [rad].
        delay: of the measured motion after the commanded one.
    """
    every = max(1, len(measured.times_s) // MAX_SAMPLES)
    measured = Signal(measured.times_s[::every], measured.values[::every])
    longest_s = min(MOST_S, 1.2 * delay.delay_s + STEP_S)
    lags_s = np.arange(0.0, longest_s + STEP_S / 2, STEP_S)
    if len(lags_s) < 3:
        return None
    rows = []
    for lag_s in lags_s:
        middle_s = delay.delay_s - lag_s
        delays_s = np.arange(middle_s - 0.05, middle_s + 0.1, GRID_S)
        rows.append(least_unexplained(measured, _through_servo(commanded, lag_s), delays_s))
    unexplained, dead_s = (np.array(column) for column in zip(*rows))
    best = int(np.clip(np.argmin(unexplained), 1, len(lags_s) - 2))
    around = slice(best - 1, best + 2)
    square, slope, _ = np.polyfit(lags_s[around], unexplained[around], 2)
    if not square > 0 or unexplained[0] < CLEAR * unexplained[best]:
        return None
    lag_s = float(np.clip(-slope / (2 * square), lags_s[0], lags_s[-1]))
    return Servo(float(np.interp(lag_s, lags_s, dead_s)), lag_s)


def _through_servo(commanded: Signal, lag_s: float) -> Signal:
    """Send positions (M, 1) through a first order servo, exact for straight pieces of motion."""
    if lag_s <= 0.0:
        return commanded
    times_s = np.arange(commanded.times_s[0], commanded.times_s[-1], GRID_S)
    goal = commanded.at(times_s)[:, 0]
    keep = np.exp(-GRID_S / lag_s)
    speed = np.diff(goal, prepend=goal[0]) / GRID_S
    behind, trail = 0.0, []  # it starts at rest
    for v in speed.tolist():
        behind = keep * behind + lag_s * (1.0 - keep) * v
        trail.append(behind)
    return Signal(times_s, (goal - np.array(trail))[:, None])
