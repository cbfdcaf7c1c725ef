# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Does the arm follow what it is commanded? Pure: clocks are arguments."""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.errors import ConfigError
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import Source
from dp_core.interlock import SLOW_GRACE_S
from dp_core.motion import MotionState
from dp_core.watchdog import Fault
from dp_core.watchdog import Verdict
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# A joint may be out of tolerance for this long, as when the arm only lags in a fast turn [s].
TRACKING_GRACE_S = 0.2
# An arm that stays within the first [rad] while a joint is commanded to be faster than the second
# [rad/s], for so long [s], does not hear its commands: a slow motion leaves no large error. By
# positions, since not every driver reports velocities that are true.
STANDING_RAD, COMMANDED_SPEED, STANDING_GRACE_S = 0.005, 0.1, 0.3
# Nor does one that stands while its command, slower than that, has gone so far [rad].
COMMANDED_RAD = 0.04
# Where it has been while nothing was heard of it for so long [s] is not known: it may have gone
# and come back, and has not stood.
UNHEARD_S = STANDING_GRACE_S / 2.0
# A reference goes on from where it was. One that jumps so far [rad] belongs to a controller that
# has dropped its trajectory and holds the arm where it is: a tolerance of its own was violated.
JUMP_RAD = 0.1


@dataclass(frozen=True)
class FollowingSettings:
    """What still counts as following.

    Attributes:
        tolerance_rad: largest distance of a joint from its reference [rad]; 0 for no check.
        min_speed_scaling: least fraction of the commanded speed [1]; 0 allows any.
    """

    tolerance_rad: float = 0.3
    min_speed_scaling: float = 0.2

    def __post_init__(self) -> None:
        if not self.tolerance_rad >= 0.0:
            raise ConfigError(f'tolerance_rad is {self.tolerance_rad}, valid: 0 or more')
        if not 0.0 <= self.min_speed_scaling <= 1.0:
            raise ConfigError(f'min_speed_scaling is {self.min_speed_scaling}, valid: 0 to 1')


class Following:
    """Checked at a fixed rate while a goal runs; each goal has its own."""

    def __init__(self, joint_names: tuple[str, ...], settings: FollowingSettings):
        self._joint_names = joint_names
        self._settings = settings
        self._off_since_ns: int | None = None
        self._slow_since_ns: int | None = None
        self._stood_at: tuple[int, Array] | None = None  # stamp and (J,) position
        self._waits_at: tuple[int, Array, Array] | None = None  # stamp, arm (J,), command (J,)
        self._before: ControllerFeedback | None = None
        self._heard_ns: int | None = None
        self.stands = False  # the arm, by the last check, although it is commanded to move

    def check(
        self, feedback: ControllerFeedback, commanded: MotionState, steady_ns: int
    ) -> Verdict | None:
        """Return why the arm does not follow, or None.

        Args:
            feedback: the newest.
            commanded: what was sent for this instant.
            steady_ns: monotonic clock [ns].
        """
        self._note_holes(feedback.stamp_ns)
        stands = self._check_standing(feedback, commanded.velocity)
        stands = stands or self._check_waiting(feedback, commanded.position)
        self.stands = stands is not None
        return (
            self._check_speed(feedback.speed_scaling, steady_ns)
            or self._check_jump(feedback)
            or stands
            or self._check_error(feedback, steady_ns)
        )

    def _check_speed(self, scaling: float, steady_ns: int) -> Verdict | None:
        minimum = self._settings.min_speed_scaling
        if not scaling < minimum:  # unknown (NaN) too
            self._slow_since_ns = None
            return None
        since_ns = self._slow_since_ns = self._slow_since_ns or steady_ns
        if (steady_ns - since_ns) * 1e-9 < SLOW_GRACE_S:
            return None
        return Verdict(
            Fault.SPEED_SCALING,
            f'the controller runs at {100 * scaling:.0f} % of the commanded speed, '
            f'min_speed_scaling is {100 * minimum:.0f} %',
        )

    def _note_holes(self, stamp_ns: int) -> None:
        heard_ns, self._heard_ns = self._heard_ns, stamp_ns
        if heard_ns is not None and (stamp_ns - heard_ns) * 1e-9 > UNHEARD_S:
            self._stood_at = self._waits_at = None

    def _check_standing(self, feedback: ControllerFeedback, commanded: Array) -> Verdict | None:
        if feedback.measured is None or self._settings.tolerance_rad == 0.0:
            return None
        before = self._stood_at
        if (
            before is None
            or np.abs(feedback.measured - before[1]).max() > STANDING_RAD
            or np.abs(commanded).max() < COMMANDED_SPEED
        ):
            self._stood_at = feedback.stamp_ns, feedback.measured
            return None
        return _stands() if _has_passed(feedback, before[0]) else None

    def _check_waiting(self, feedback: ControllerFeedback, commanded: Array) -> Verdict | None:
        """Judge an arm that stands while its command creeps away."""
        if feedback.measured is None or self._settings.tolerance_rad == 0.0:
            return None
        before = self._waits_at
        if before is None or np.abs(feedback.measured - before[1]).max() > STANDING_RAD:
            self._waits_at = feedback.stamp_ns, feedback.measured, commanded
            return None
        since_ns, arm, command = before
        gone = float(np.abs(commanded - command).max())
        if gone < STANDING_RAD:  # it has not left yet
            self._waits_at = feedback.stamp_ns, arm, command
            return None
        return _stands() if gone > COMMANDED_RAD and _has_passed(feedback, since_ns) else None

    def _check_jump(self, feedback: ControllerFeedback) -> Verdict | None:
        before, self._before = self._before, feedback
        if before is None or feedback.source is not Source.CONTROLLER_STATE:
            return None
        if before.source is not feedback.source:
            return None
        if before.velocity is None or feedback.velocity is None:
            return None
        speed = np.maximum(np.abs(before.velocity), np.abs(feedback.velocity))
        passed_s = max(0, feedback.stamp_ns - before.stamp_ns) * 1e-9
        jump = np.abs(feedback.position - before.position)
        beyond = jump - 2.0 * speed * passed_s - JUMP_RAD
        if beyond.max() <= 0.0:
            return None
        j = int(np.argmax(beyond))
        return Verdict(
            Fault.CONTROLLER,
            f'the reference of {self._joint_names[j]} jumped by {jump[j]:.3f} rad: the controller '
            'has dropped its trajectory, as when a tolerance of its own is violated',
        )

    def _check_error(self, feedback: ControllerFeedback, steady_ns: int) -> Verdict | None:
        error, tolerance = feedback.error, self._settings.tolerance_rad
        if error is None or tolerance == 0.0:
            return None
        largest = float(np.abs(error).max())
        if largest <= tolerance:
            self._off_since_ns = None
            return None
        since_ns = self._off_since_ns = self._off_since_ns or steady_ns
        if (steady_ns - since_ns) * 1e-9 < TRACKING_GRACE_S:
            return None
        joint = self._joint_names[int(np.abs(error).argmax())]
        return Verdict(
            Fault.CONTROLLER,
            f'{joint} is {largest:.3f} rad from its reference (by {feedback.source.value}), '
            f'allowed are {tolerance} rad: the controller is inactive, or the arm was held',
        )


def _has_passed(feedback: ControllerFeedback, since_ns: int) -> bool:
    return (feedback.stamp_ns - since_ns) * 1e-9 > STANDING_GRACE_S


def _stands() -> Verdict:
    return Verdict(
        Fault.CONTROLLER,
        f'the arm stands still for {STANDING_GRACE_S} s while it is commanded to move: '
        'the controller is inactive or hears nothing, or the arm was stopped',
    )
