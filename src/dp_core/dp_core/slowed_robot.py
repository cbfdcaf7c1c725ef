# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Does an arm still follow our motion when that should have ended?

A robot that is slowed down does. It is not at rest then, whatever our model says, and a stop has
to brake it from where it is.
"""

from __future__ import annotations

from dp_core.feedback import coast
from dp_core.feedback import COAST_S
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import distance
from dp_core.feedback import LATE_S
from dp_core.feedback import OFF_ARM_RAD
from dp_core.feedback import Source
from dp_core.motion import CommandedMotion
from dp_core.motion import MEMORY_NS
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# A reference faster than the first, or an arm faster than the second, moves [rad/s].
REFERENCE_SPEED, ARM_SPEED = 1e-3, 0.05


def moves_on(motion: CommandedMotion, feedback: ControllerFeedback | None, now_ns: int) -> bool:
    """Whether a controller tells that it follows our motion after its end: it is slowed down."""
    if feedback is None or feedback.source is not Source.CONTROLLER_STATE:
        return False
    return _on_the_way(motion, feedback, now_ns, None, from_measured=False) is not None


def follow_on(
    motion: CommandedMotion,
    feedback: ControllerFeedback | None,
    joint_names: tuple[str, ...],
    now_ns: int,
    *,
    from_measured: bool,
) -> bool:
    """Bring our model to an arm that follows our motion after its end; False when none does.

    An arm that is only late, as servos are, comes to rest by itself.
    """
    if feedback is None:
        return False
    since_ns = now_ns - MEMORY_NS  # the newest, a brake perhaps, may not have been heard
    state = _on_the_way(motion, feedback, now_ns, since_ns, from_measured=from_measured)
    if state is None:
        return False
    if feedback.source is not Source.CONTROLLER_STATE and not from_measured:
        if distance(motion, feedback.stamp_ns, *state, LATE_S) <= OFF_ARM_RAD:
            return False
    motion.follow(coast(feedback.stamp_ns, joint_names, *state))
    return True


def _on_the_way(
    motion: CommandedMotion,
    feedback: ControllerFeedback,
    now_ns: int,
    since_ns: int | None,
    *,
    from_measured: bool,
) -> tuple[Array, Array] | None:
    """Return positions and velocities (J,) of an arm that moves along our newest motion.

    With ``since_ns`` one that it replaced counts as well, see `CommandedMotion.passes`. Whoever
    moves elsewhere is moved by somebody else. What is older than COAST_S tells nothing of now.
    """
    state = moving_state(feedback, from_measured=from_measured)
    if state is None:
        return None
    if now_ns - feedback.stamp_ns > COAST_S * 1e9:
        return None
    return state if motion.passes(state[0], OFF_ARM_RAD, since_ns) else None


def moving_state(
    feedback: ControllerFeedback, *, from_measured: bool
) -> tuple[Array, Array] | None:
    """Return positions and velocities (J,) of what moves; None where nothing is known to.

    It is the reference where controllers tell it and continue from it, else the arm.
    """
    position, velocity, least = feedback.position, feedback.velocity, REFERENCE_SPEED
    if from_measured or feedback.source is not Source.CONTROLLER_STATE:
        if feedback.measured is None:
            return None
        position, velocity, least = feedback.measured, feedback.measured_velocity, ARM_SPEED
    if velocity is None or np.abs(velocity).max() <= least:
        return None
    return position, velocity
