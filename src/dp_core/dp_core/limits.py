# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Refuse a motion that would leave the joints' limits; a motion is never clipped in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dp_core.errors import ConfigError
from dp_core.errors import LimitError
from dp_core.motion import MotionState
from dp_core.motion import Trajectory
from dp_core.urdf import joint_limits
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# What rounding and a solver may add to a limit: a part of it, and for positions [rad].
RELATIVE_TOLERANCE = 0.002
POSITION_TOLERANCE = 1e-6
# A step of the acceleration is a jerk without end. One as large as the jerk limit builds up in
# this time passes: the arm's own controller smears it over a few of its ticks [s].
STEP_S = 0.004


@dataclass(frozen=True)
class MotionLimits:
    """What every joint keeps in every motion; units are [m] in place of [rad] for sliding joints.

    Attributes:
        joint_names: J names.
        lower, upper: (J,) positions [rad]; infinite for a joint that turns without end.
        velocity: (J,) [rad/s]; infinite where the robot names none.
        acceleration: (J,) [rad/s^2], finite.
        jerk: (J,) [rad/s^3], finite.

    Raises:
        ConfigError: on construction; names joint, value and what is valid.
    """

    joint_names: tuple[str, ...]
    lower: Array
    upper: Array
    velocity: Array
    acceleration: Array
    jerk: Array

    def __post_init__(self) -> None:
        shape = (len(self.joint_names),)
        for name in ('lower', 'upper', 'velocity', 'acceleration', 'jerk'):
            values = np.array(getattr(self, name), dtype=np.float64)
            if values.shape != shape:
                raise ConfigError(f'limits: {name} is {values.shape}, valid: {shape}')
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        for j, joint in enumerate(self.joint_names):
            if not self.lower[j] < self.upper[j]:  # refuses NaN too
                raise ConfigError(
                    f'limits of {joint}: lower is {self.lower[j]} and upper {self.upper[j]}, '
                    'valid: lower below upper'
                )
            for name, highest in (('velocity', np.inf), ('acceleration', 1e6), ('jerk', 1e9)):
                value = getattr(self, name)[j]
                if not 0.0 < value <= highest:
                    raise ConfigError(
                        f'limits of {joint}: {name} is {value}, valid: above 0, at most {highest}'
                    )

    @classmethod
    def of_robot(
        cls,
        urdf: str,
        joints: Sequence[str],
        *,
        max_acceleration: float = 5.0,
        max_jerk: float = 100.0,
        velocity_fraction: float = 1.0,
    ) -> MotionLimits:
        """Positions and velocities from the robot, the rest from the caller.

        A URDF knows no acceleration and no jerk. 5 rad/s^2 is what the MoveIt configuration of the
        UR arms has; with 100 rad/s^3 it is there after 50 ms, and a stop takes v / a + 50 ms.

        Args:
            urdf: the document, as on ``robot_description``.
            joints: J names, in the order of every array here.
            max_acceleration: of every joint [rad/s^2].
            max_jerk: of every joint [rad/s^3].
            velocity_fraction: part of the robot's velocity limits that may be used, in (0, 1].

        Raises:
            ConfigError: a value is outside what is valid.
            KinematicsError: malformed URDF, or a joint the robot does not have.
        """
        if not 0.0 < velocity_fraction <= 1.0:
            raise ConfigError(f'velocity_fraction is {velocity_fraction}, valid: (0, 1]')
        robot = joint_limits(urdf, joints)
        return cls(
            joint_names=tuple(joints),
            lower=robot.lower,
            upper=robot.upper,
            velocity=velocity_fraction * robot.velocity,
            acceleration=np.full(len(joints), max_acceleration),
            jerk=np.full(len(joints), max_jerk),
        )


def check_limits(
    trajectory: Trajectory, limits: MotionLimits, commanded: MotionState | None = None
) -> None:
    """Check the curve that the controller will draw through the knots, whoever planned it.

    Between two knots it is a cubic, so that its extrema are known exactly: jerk is constant,
    acceleration has them at the ends, velocity also where the acceleration is 0, and position
    where the velocity is 0. A motion that begins beyond a position limit may lead back only.

    Args:
        trajectory: motion about to be sent; brakes are not checked, they are the way out.
        limits: of its joints, in its order.
        commanded: where the motion takes over; None does not check the seam.

    Raises:
        LimitError: the message names joint, value, limit and time.
    """
    if commanded is not None:
        _check_seam(trajectory, limits, commanded)
    low = np.minimum(limits.lower, trajectory.start_position)
    high = np.maximum(limits.upper, trajectory.start_position)
    step = limits.jerk * STEP_S
    for what, unit, (times_s, values), lower, upper in zip(
        ('position', 'velocity', 'acceleration', 'jerk', 'a step of acceleration'),
        ('rad', 'rad/s', 'rad/s^2', 'rad/s^3', 'rad/s^2'),
        _extrema(trajectory),
        (low, -limits.velocity, -limits.acceleration, -limits.jerk, -step),
        (high, limits.velocity, limits.acceleration, limits.jerk, step),
    ):
        slack = POSITION_TOLERANCE if what == 'position' else RELATIVE_TOLERANCE * upper
        beyond = np.maximum(lower - slack - values, values - upper - slack)
        if (beyond > 0.0).any():
            worst = np.unravel_index(int(np.argmax(beyond)), beyond.shape)
            j = worst[-1]
            raise LimitError(
                f'{trajectory.joint_names[j]} would reach {what} {values[worst]:.3f} {unit} in '
                f'{times_s[worst]:.2f} s; its limit is [{lower[j]:.3f}, {upper[j]:.3f}] {unit}'
            )


def _check_seam(trajectory: Trajectory, limits: MotionLimits, commanded: MotionState) -> None:
    """Refuse a motion that does not go on from what is commanded."""
    still = np.full_like(limits.jerk, POSITION_TOLERANCE)
    curve = trajectory.curve()
    for order, (what, unit, tolerance) in enumerate(
        (
            ('position', 'rad', still),
            ('velocity', 'rad/s', RELATIVE_TOLERANCE * limits.acceleration),
            ('acceleration', 'rad/s^2', STEP_S * limits.jerk),
        )
    ):
        step = np.abs(curve(0.0, order) - commanded[order])
        if (step > tolerance).any():
            j = int(np.argmax(step - tolerance))
            raise LimitError(
                f'{trajectory.joint_names[j]} would step by {what} {step[j]:.3g} {unit} from what '
                f'is commanded, valid: at most {tolerance[j]:.3g} {unit}'
            )


def _extrema(trajectory: Trajectory) -> list[tuple[Array, Array]]:
    """Times [s] and extrema, (K, N, J) each, over the N pieces of the curve.

    Of positions, velocities, accelerations, jerks and steps of the acceleration, in this order.
    """
    curve = trajectory.curve()
    a, b, c, d = curve.c  # (N, J) each: position = a t^3 + b t^2 + c t + d, t since the knot
    length_s = np.broadcast_to(np.diff(curve.x)[:, None], a.shape)
    with np.errstate(divide='ignore', invalid='ignore'):
        root = np.sqrt(b * b - 3.0 * a * c)  # NaN where the velocity has no zero
        q = -(b + np.where(b < 0.0, -root, root))  # the form that does not cancel
        turns = [q / (3.0 * a), c / q, -b / (3.0 * a)]
    inside = [np.where((0.0 < t) & (t < length_s), t, 0.0) for t in turns]
    t = np.stack([np.zeros_like(a), length_s, *inside])  # (5, N, J)
    accelerations = 6.0 * a * t[:2] + 2.0 * b  # at both ends of each piece
    following = np.concatenate([accelerations[0, 1:], np.zeros_like(b[:1])])
    times_s = curve.x[:-1, None] + t
    return [
        (times_s, ((a * t + b) * t + c) * t + d),
        (times_s, (3.0 * a * t + 2.0 * b) * t + c),
        (times_s[:2], accelerations),
        (times_s[:1], 6.0 * a[None]),
        (times_s[1:2], (following - accelerations[1])[None]),
    ]
