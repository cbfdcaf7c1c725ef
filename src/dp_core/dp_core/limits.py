# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Refuse a motion that would leave the joints' limits; a motion is never clipped in silence."""

from __future__ import annotations

from dp_core.errors import LimitError
from dp_core.trajectory import Trajectory
from dp_core.urdf import JointLimits
import numpy as np

CHECK_PERIOD_S = 0.01


def check_limits(trajectory: Trajectory, limits: JointLimits) -> None:
    """Check the curve that the controller will follow every 10 ms, not only its knots.

    Args:
        trajectory: motion about to be sent.
        limits: of its joints, in its order.

    Raises:
        LimitError: a joint would leave its position or exceed its velocity limit; the message
            names joint, value, limit and time.
    """
    curve = trajectory.curve()
    times_s = np.linspace(
        0.0,
        trajectory.times_s[-1],
        max(2, round(float(trajectory.times_s[-1]) / CHECK_PERIOD_S) + 1),
    )
    positions, velocities = curve(times_s), curve(times_s, 1)  # (T, J) each
    for what, unit, excess, value in (
        (
            'position',
            'rad',
            np.maximum(limits.lower - positions, positions - limits.upper),
            positions,
        ),
        ('velocity', 'rad/s', np.abs(velocities) - limits.velocity, velocities),
    ):
        if (excess > 0).any():
            t, j = np.unravel_index(int(np.argmax(excess)), excess.shape)
            allowed = (
                f'[{limits.lower[j]:.3f}, {limits.upper[j]:.3f}]'
                if what == 'position'
                else f'{limits.velocity[j]:.3f}'
            )
            raise LimitError(
                f'{trajectory.joint_names[j]} would reach {what} {value[t, j]:.3f} {unit} in '
                f'{times_s[t]:.2f} s; its limit is {allowed} {unit}'
            )
