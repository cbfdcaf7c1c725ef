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
from dp_core.feedback import take_up
from dp_core.motion import CommandedMotion
from dp_core.slowed_robot import moving_state


def drives_on(
    motion: CommandedMotion, feedback: ControllerFeedback | None, *, from_measured: bool
) -> bool:
    """Whether the arm moves along what the newest motion should have replaced.

    Then that is our model again: it is where the arm is, as nearly as `take_up` wants.

    Args:
        motion: our model, a brake the newest; changed when the answer is yes.
        feedback: newest; None when there is none. An arm whose speed nobody tells says nothing.
        from_measured: the controller starts each message from the measured state.
    """
    state = None if feedback is None else moving_state(feedback, from_measured=from_measured)
    if feedback is None or state is None:
        return False
    late_s, tolerance = LATE_S, OFF_ARM_RAD
    if feedback.source is Source.CONTROLLER_STATE and not from_measured:
        late_s, tolerance = AT_ONCE_S, OFF_MODEL_RAD
    seen, remembered = (feedback.stamp_ns, *state, late_s), motion.remembered
    if distance(motion, *seen) > tolerance:  # a measurement that trembles makes no brake
        take_up(motion, *seen, tolerance)
    return motion.remembered < remembered
