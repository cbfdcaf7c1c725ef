# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Our model of what the controllers command: kept with the clock, and with what they tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import time

from dp_core.braking import LastSeen
from dp_core.feedback import at_rest
from dp_core.feedback import COAST_S
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import hand_over
from dp_core.feedback import Source
from dp_core.lost_brake import lost_messages
from dp_core.motion import clock_step_ns
from dp_core.motion import CommandedMotion
from dp_core.slowed_robot import follow_on
from dp_core.slowed_robot import moves_on
from dp_core.slowed_robot import moving_state
from dp_policy_node.clocks import read_together
from rclpy.clock import Clock

Feedback = Callable[[CommandedMotion | None, int], ControllerFeedback | None]
# So long before the first motion that is remembered nothing is known: a clock began anew [ns].
UNKNOWN_NS = 100_000_000
# A robot that is not heard for so long may hang [s]. It would begin a chunk when it wakes up, with
# the first knot still 100 ms ahead, and jerk; so the chunk waits, and the one before it goes on.
HEARD_S = 0.03


class CommandModel:
    """What is commanded now, and was a little while ago; its user holds the lock.

    Attributes:
        clock: the ROS clock.
        feedback: returns the newest, given our model and the time [ns].
        motion: None before a run.
        clocks: ROS and steady clock when ``motion`` was last told of them [ns].
    """

    def __init__(
        self,
        clock: Clock,
        joint_names: tuple[str, ...],
        feedback: Feedback,
        *,
        from_measured: bool,
    ):
        """Know nothing yet; the arguments are those of `TrajectoryOutput`."""
        self.clock, self.feedback = clock, feedback
        self._joint_names, self._from_measured = joint_names, from_measured
        self.motion: CommandedMotion | None = None
        self.clocks = 0, 0

    def now_ns(self) -> int:
        """Return the time of the ROS clock [ns]."""
        return self.clock.now().nanoseconds

    def follow_clock(self) -> int:
        """Return the ROS clock's time [ns]; tell the motion of a clock that was set meanwhile."""
        clocks = read_together(self.clock)
        if clocks is None:
            return self.now_ns()
        if not self.clock.ros_time_is_active:  # controllers share a simulated clock
            if self.clocks[1] and self.motion is not None:
                # Small steps too: 50 ms would move an arm at 0.5 rad/s by 25 mrad.
                self.motion.shift(clock_step_ns(self.clocks, clocks))
            self.clocks = clocks
        return clocks[0]

    def follow_jump(self, motion: CommandedMotion, *known: tuple[int, int]) -> int:
        """Return the ROS clock's time after a jump [ns]: the arm has not jumped with it.

        Args:
            motion: that of the arm.
            known: ROS and steady clock [ns], read together before the jump or after it.
        """
        newest = max((*known, self.clocks), key=lambda pair: pair[1])
        self.clocks = self.now_ns(), time.monotonic_ns()
        motion.shift(clock_step_ns(newest, self.clocks))
        return self.clocks[0]

    def newest(self, now_ns: int) -> ControllerFeedback | None:
        """Newest feedback; what another computer's clock stamps a little later is of now."""
        feedback = self.feedback(self.motion, now_ns)
        if feedback is None or feedback.stamp_ns <= now_ns:
            return feedback
        return replace(feedback, stamp_ns=now_ns)

    def settle(self) -> None:
        """Bring the model to an arm that should rest: someone else may have moved it."""
        now_ns = self.now_ns()
        if self.motion is not None:
            now_ns = self.follow_clock()
            if self.began_later(now_ns):  # it has ended
                self.motion = CommandedMotion(self.motion.at(self.motion.end_ns).position)
        motion, feedback = self.motion, self.newest(now_ns)
        if feedback is not None and (motion is None or now_ns >= motion.end_ns):
            self.motion = at_rest(motion, feedback, from_measured=self._from_measured)

    def meet(self, now_ns: int) -> None:
        """Bring the model to where the controllers will continue."""
        if self.motion is not None:
            feedback = self.newest(now_ns)
            hand_over(self.motion, feedback, self._joint_names, from_measured=self._from_measured)

    def began_later(self, now_ns: int) -> bool:
        """Whether all that is remembered began after ``now_ns``: the clock began anew."""
        return self.motion is not None and now_ns < self.motion.begin_ns - UNKNOWN_NS

    def is_moving(self, now_ns: int) -> bool:
        """Whether what was sent has not ended, or a controller that is slowed down goes on."""
        if self.motion is None:
            return False
        if now_ns < self.motion.end_ns and not self.began_later(now_ns):
            return True
        return moves_on(self.motion, self.newest(now_ns), now_ns)

    def follow_on(self, now_ns: int) -> bool:
        """Bring the model to an arm that moves on after its end; False when none does."""
        feedback, measured = self.newest(now_ns), self._from_measured
        return self.motion is not None and follow_on(
            self.motion, feedback, self._joint_names, now_ns, from_measured=measured
        )

    def lost_messages(self, now_ns: int) -> int:
        """Return how many of the newest trajectories the arm has not heard, by how it moves."""
        feedback, measured = self._of_now(now_ns), self._from_measured
        if self.motion is None or feedback is None:
            return 0
        return lost_messages(self.motion, feedback, from_measured=measured)

    def forget(self, lost: int) -> None:
        """Take so many of the newest trajectories as lost."""
        if self.motion is not None:
            self.motion.forget(lost)

    def seen(self, now_ns: int) -> LastSeen | None:
        """Return where the arm is seen now; None where it is not heard."""
        feedback = self._of_now(now_ns)
        if feedback is None or feedback.measured is None:
            return None
        return LastSeen(feedback.measured, feedback.measured_velocity)

    def is_at_rest(self, now_ns: int) -> bool:
        """Whether the arm is heard, and nothing is known to move."""
        feedback, measured = self._of_now(now_ns), self._from_measured
        return feedback is not None and moving_state(feedback, from_measured=measured) is None

    def _of_now(self, now_ns: int) -> ControllerFeedback | None:
        """Newest feedback; None from a robot that hung: it tells first where it was."""
        feedback = self.newest(now_ns)
        if feedback is None or feedback.source is Source.MODEL or feedback.unheard_s > HEARD_S:
            return None
        return feedback if now_ns - feedback.stamp_ns <= COAST_S * 1e9 else None
