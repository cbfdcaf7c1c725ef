# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The small motion that latencies are measured with: one joint swings about where it stands.

Three sine waves whose frequencies have no common period, so that no wrong delay fits as well as
the right one; fast enough that a millisecond is seen, slow enough for any arm. It begins and ends
at rest at the same place.
"""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.errors import CalibrationError
from dp_core.urdf import JointLimits
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FREQUENCIES_HZ = np.array([0.4, 0.9, 1.5])
PHASES = np.array([0.0, 3.6, 1.2])  # they keep the peak of the sum low [rad]
RAMP_S = 1.5
CHECK_S = 0.002
MAX_AMPLITUDE = 0.05
# Nearer to a limit of its joint the motion is not begun [rad].
MARGIN = 0.02


@dataclass(frozen=True)
class Excitation:
    """How far, how fast and for how long the joint swings; the first limit that is met holds.

    Attributes:
        amplitude: largest distance from the start [rad].
        duration_s: of the whole motion [s].
        max_velocity: [rad/s].
        max_acceleration: [rad/s^2].
    """

    amplitude: float = MAX_AMPLITUDE
    duration_s: float = 8.0
    max_velocity: float = 0.3
    max_acceleration: float = 2.0

    def __post_init__(self) -> None:
        """Refuse what is no small motion."""
        if not 0.0 < self.amplitude <= MAX_AMPLITUDE:
            raise CalibrationError(
                f'amplitude is {self.amplitude} rad, valid: more than 0, at most {MAX_AMPLITUDE}'
            )
        if not 3 * RAMP_S <= self.duration_s <= 60.0:
            raise CalibrationError(f'duration is {self.duration_s} s, valid: {3 * RAMP_S} to 60 s')
        if not (self.max_velocity > 0.0 and self.max_acceleration > 0.0):
            raise CalibrationError(
                f'velocity {self.max_velocity} rad/s and acceleration {self.max_acceleration} '
                'rad/s^2 must be positive'
            )

    def offsets(self, times_s: Array) -> Array:
        """Distance from the start (N,) [rad] at ``times_s`` (N,) after the motion began [s]."""
        return np.asarray(self._scale() * self._shape(times_s))

    def peak(self) -> float:
        """Largest distance from the start [rad]."""
        return float(np.abs(self.offsets(self._fine())).max())

    def check(self, joint: str, position: float, limits: JointLimits) -> None:
        """Raise unless the motion about ``position`` [rad] keeps off the limits (1,) of ``joint``.

        Raises:
            CalibrationError: the joint would come near to a limit, or exceed its velocity.
        """
        lower, upper = float(limits.lower[0]) + MARGIN, float(limits.upper[0]) - MARGIN
        peak = self.peak()
        if not lower <= position - peak <= position + peak <= upper:
            raise CalibrationError(
                f'{joint} stands at {position:.3f} rad; to swing by {peak:.3f} it needs '
                f'{MARGIN} rad more to its limits [{limits.lower[0]:.3f}, {limits.upper[0]:.3f}]: '
                'move the arm or choose another joint'
            )
        fastest = float(np.abs(np.diff(self.offsets(self._fine()))).max()) / CHECK_S
        if fastest > limits.velocity[0]:
            raise CalibrationError(
                f'{joint} would move at {fastest:.3f} rad/s, its limit is '
                f'{limits.velocity[0]:.3f}: lower the velocity'
            )

    def _fine(self) -> Array:
        return np.arange(0.0, self.duration_s, CHECK_S)

    def _scale(self) -> float:
        shape = self._shape(self._fine())
        velocity = np.diff(shape) / CHECK_S
        acceleration = np.diff(velocity) / CHECK_S
        return min(
            self.amplitude / float(np.abs(shape).max()),
            self.max_velocity / float(np.abs(velocity).max()),
            self.max_acceleration / float(np.abs(acceleration).max()),
        )

    def _shape(self, times_s: Array) -> Array:
        angle = 2 * np.pi * FREQUENCIES_HZ * times_s[:, None] + PHASES
        waves = (np.sin(angle) / FREQUENCIES_HZ).sum(axis=1)  # equal velocities
        return np.asarray(self._window(times_s) * waves)

    def _window(self, times_s: Array) -> Array:
        """Rise from 0 to 1 and back, without a step of the acceleration."""
        rest_s = np.minimum(times_s, self.duration_s - times_s)
        x = np.clip(rest_s / RAMP_S, 0.0, 1.0)
        return np.asarray(x**3 * (10.0 - 15.0 * x + 6.0 * x**2))
