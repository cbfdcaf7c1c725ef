# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Refuse a motion that would leave the joints' limits; a motion is never clipped in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dp_core.errors import ConfigError
from dp_core.errors import LimitError
from dp_core.trajectory import Trajectory
from dp_core.urdf import joint_limits
from dp_core.urdf import JointLimits
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CHECK_PERIOD_S = 0.01


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


def check_limits(trajectory: Trajectory, limits: JointLimits | MotionLimits) -> None:
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
