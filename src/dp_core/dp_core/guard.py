# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The last look at what is about to be sent; it knows the robot and trusts no planner.

Three questions, and for each a refusal with joint or link, value, limit and time: does the chunk
step too far (`Guard.check_chunk`), does the motion leave a limit of a joint (`dp_core.limits`),
and does it come too near to something (`dp_core.clearance`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field

from dp_core.action_group import ActionGroup
from dp_core.chunk import ActionChunk
from dp_core.clearance import Clearance
from dp_core.clearance import ClearanceSettings
from dp_core.errors import ConfigError
from dp_core.errors import LimitError
from dp_core.limits import check_limits
from dp_core.limits import MotionLimits
from dp_core.motion import MotionState
from dp_core.motion import Trajectory
import numpy as np

# A motion this far from its chunk, once the seam is over, was slowed by a limit [rad].
SLOWED_RAD = 0.02


@dataclass(frozen=True)
class GuardSettings:
    """Limits of one robot beyond what its URDF says.

    Attributes:
        velocity_fraction: part of the URDF's velocity limits that may be used, in (0, 1].
        max_acceleration: of every joint [rad/s^2].
        max_jerk: of every joint [rad/s^3].
        max_step: largest distance of a joint between two steps of a chunk, and from what is
            commanded to the first step that is kept [rad].
        clearance: distances of the robot to itself, the table and the sides of a box.
    """

    velocity_fraction: float = 1.0
    max_acceleration: float = 5.0
    max_jerk: float = 100.0
    max_step: float = 0.5
    clearance: ClearanceSettings = field(default_factory=ClearanceSettings)

    def __post_init__(self) -> None:
        """Raise ConfigError naming the value and what is valid."""
        if not self.max_step > 0.0:  # refuses NaN too
            raise ConfigError(f'max_step is {self.max_step} rad, valid: above 0')


class Guard:
    """All checks of one robot.

    Attributes:
        limits: what every joint keeps, for the planner too.
        notes: what a person should know about what is checked.
    """

    def __init__(self, urdf: str, groups: Sequence[ActionGroup], settings: GuardSettings):
        """Prepare for the robot in ``urdf`` and the action groups of a contract, in its order.

        Raises:
            ConfigError: a setting is outside what is valid.
            KinematicsError: the robot lacks links or joints.
        """
        self.limits = MotionLimits.of_robot(
            urdf,
            [joint for group in groups for joint in group.joints],
            max_acceleration=settings.max_acceleration,
            max_jerk=settings.max_jerk,
            velocity_fraction=settings.velocity_fraction,
        )
        self._clearance = Clearance(urdf, groups, settings.clearance)
        self._max_step = settings.max_step
        self.notes = self._clearance.notes

    def check_chunk(self, chunk: ActionChunk, commanded: MotionState, from_ns: int) -> None:
        """Check the steps of a chunk that are meant for ``from_ns`` or later.

        Raises:
            LimitError: one lies too far from the step before it, or the first from ``commanded``.
        """
        kept = np.flatnonzero(chunk.due_ns().min(axis=1) >= from_ns)
        targets = np.concatenate([commanded.position[None], chunk.positions[kept]])
        steps = np.abs(np.diff(targets, axis=0))
        if not (steps > self._max_step).any():
            return
        n, j = np.unravel_index(int(np.argmax(steps)), steps.shape)
        origin = 'what is commanded' if n == 0 else f'step {kept[n - 1]}'
        raise LimitError(
            f'{chunk.joint_names[j]} would go {steps[n, j]:.3f} rad from {origin} to step '
            f'{kept[n]} of the chunk, valid: at most {self._max_step:.3f} rad'
        )

    def check_motion(self, trajectory: Trajectory, commanded: MotionState) -> None:
        """Check a motion that takes over from ``commanded``.

        Raises:
            LimitError: it does not begin there, leaves a limit or comes too near to something.
        """
        check_limits(trajectory, self.limits, commanded)
        self._clearance.check(trajectory)
