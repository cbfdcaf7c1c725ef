# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Does an arm go on as if it had not been braked? The message was lost, and must be sent again."""

from __future__ import annotations

from dp_core.feedback import AT_ONCE_S
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import distance
from dp_core.feedback import LATE_S
from dp_core.feedback import OFF_ARM_RAD
from dp_core.feedback import OFF_MODEL_RAD
from dp_core.feedback import Source
from dp_core.feedback import unheard_by
from dp_core.motion import CommandedMotion
from dp_core.slowed_robot import moving_state

# A robot that hung follows a gentle brake late, and on its way comes by places where it would be
# on the motion before, if that were later still. Servos are late by so much at most [s].
SERVO_LATE_S = LATE_S[LATE_S <= 0.15]


def lost_messages(
    motion: CommandedMotion, feedback: ControllerFeedback | None, *, from_measured: bool
) -> int:
    """Return how many of the newest trajectories an arm does not follow, but one before; or 0.

    Args:
        motion: our model, a brake the newest.
        feedback: newest; None when there is none. An arm whose speed nobody tells says nothing.
        from_measured: the controller starts each message from the measured state.
    """
    state = None if feedback is None else moving_state(feedback, from_measured=from_measured)
    if feedback is None or state is None:
        return 0
    late_s, older_s, tolerance = LATE_S, SERVO_LATE_S, OFF_ARM_RAD
    if feedback.source is Source.CONTROLLER_STATE and not from_measured:
        late_s, older_s, tolerance = AT_ONCE_S, AT_ONCE_S, OFF_MODEL_RAD
    newest = distance(motion, feedback.stamp_ns, *state, late_s)
    if newest <= tolerance:  # a measurement that trembles makes no brake
        return 0
    return unheard_by(motion, feedback.stamp_ns, *state, older_s, newest, tolerance)
