# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What may be sent to the controllers, and our model of what they command now.

One lock and one number make it certain that no chunk can follow a brake: every run holds the
epoch it began with, and a brake ends that epoch. An executor carries what passes to the
controllers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import threading
import time

from dp_core.braking import brake
from dp_core.braking import LastSeen
from dp_core.braking import silent_at
from dp_core.errors import ExpiredError
from dp_core.feedback import at_rest
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import hand_over
from dp_core.motion import clock_step_ns
from dp_core.motion import CommandedMotion
from dp_core.motion import MotionState
from dp_core.motion import Trajectory
from dp_core.slowed_robot import follow_on
from dp_core.slowed_robot import moves_on
from dp_policy_node.clocks import read_together
from dp_policy_node.executor import Executor
from rclpy.clock import Clock

Plan = Callable[[CommandedMotion, int], Trajectory]
Feedback = Callable[[CommandedMotion | None, int], ControllerFeedback | None]
# A chunk is planned for so much later than the look at the clock, and goes out when this is over:
# a message begins when it arrives, so one that comes early is as wrong as a late one [ns].
PLANNING_NS, PLANNING_MARGIN = 10_000_000, 1.5
# A controller that moves is known for 0.1 s (`COAST_S`): no plan begins later [ns].
MOST_AHEAD_NS = 80_000_000
# What would go out so much later was held up, and is planned anew, so often [ns].
HELD_UP_NS, PLANS = 5_000_000, 4
# A brake is planned for so much sooner than it arrives, but not for the past: it bears to come
# late better than to come early, or, which is the same, to an arm that is behind our model [ns].
SOONER_NS = 5_000_000
# So long before the first motion that is remembered nothing is known: a clock began anew [ns].
UNKNOWN_NS = 100_000_000


class TrajectoryOutput:
    """Sends trajectories of all action groups, one after the other."""

    def __init__(
        self,
        clock: Clock,
        joint_names: tuple[str, ...],
        executor: Executor,
        feedback: Feedback,
        *,
        from_measured: bool = False,
    ):
        """Send nothing yet.

        Args:
            clock: the ROS clock.
            joint_names: of the J joints of all groups.
            executor: carries trajectories to the controllers.
            feedback: returns the newest feedback, given our model and the time [ns].
            from_measured: what is sent continues from the measured state: a controller with the
                dangerous parameter, or none at all.
        """
        self._clock = clock
        self.joint_names = joint_names
        self._executor = executor
        self._feedback = feedback
        self._from_measured = from_measured
        self._lock = threading.Lock()
        # A lock is not fair: a thread that sends on and on would take it again and again.
        self._no_brake_waits = threading.Event()
        self._no_brake_waits.set()
        self._epoch = 0
        self._has_sent = False  # anything in this epoch
        self._motion: CommandedMotion | None = None
        self._clocks = 0, 0  # ROS and steady clock when our model was last told of them [ns]
        self._sent = 0, 0  # begin of the last trajectory on the ROS clock, and on the steady clock

    @property
    def moves_arm(self) -> bool:
        """Whether what is sent reaches a controller."""
        return self._executor.moves_arm

    def close(self) -> None:
        """Free the executor; nothing can be sent any more."""
        with self._lock:
            self._epoch += 1
            self._motion = None
            self._executor.close()

    def why_deaf(self) -> str:
        """Return which controller does not listen, in words; '' when all do."""
        return self._executor.why_deaf()

    def why_refused(self) -> str:
        """Return what a controller said against what was sent last; '' when nothing."""
        return self._executor.why_refused()

    def begin(self) -> int:
        """Begin a run and return its epoch; runs that began before can send no more.

        A motion continues from what is commanded, an arm that should rest as `at_rest` says.
        """
        with self._lock:
            self._epoch += 1
            self._has_sent = False
            self._executor.begin()
            self._settle()
            return self._epoch

    def _settle(self) -> None:
        """Bring our model to an arm that should rest: someone else may have moved it."""
        motion, now_ns = self._motion, self._clock.now().nanoseconds
        if motion is not None:
            now_ns = self._follow_clock(motion)
            if now_ns < motion.begin_ns - UNKNOWN_NS:
                motion = CommandedMotion(motion.at(motion.end_ns).position)  # it has ended
        feedback = self._newest(motion, now_ns)
        if feedback is not None and (motion is None or now_ns >= motion.end_ns):
            motion = at_rest(motion, feedback, from_measured=self._from_measured)
        self._motion = motion

    def is_current(self, epoch: int) -> bool:
        """Whether the run that began with ``epoch`` may still send."""
        return epoch == self._epoch

    def send(self, epoch: int, plan: Plan) -> Trajectory | None:
        """Plan from what is commanded when the message arrives, and publish; None after a brake.

        A plan that took long, because this process was held up, begins in the past. The controller
        would begin it late, and hurry to its first knot: at 0.4 s with 4.7 rad/s in place of 0.5.
        So it is made anew. All that takes time lies before the last look at the clock: what is
        held up after it comes late.

        Raises:
            TrajectoryError: from ``plan``, or the result is not safe to send; nothing was sent.
            ExpiredError: every plan was held up; nothing was sent.
        """
        ahead_ns = PLANNING_NS
        for _ in range(PLANS):
            self._no_brake_waits.wait()  # between two plans a brake has its turn
            with self._lock:
                if epoch == self._epoch and not self._has_sent:
                    self._settle()  # what was heard at the begin of the run may have been old
                if epoch != self._epoch or self._motion is None:
                    return None
                begin_ns = time.monotonic_ns()
                now_ns = self._follow_clock(self._motion)
                self._meet(self._motion, now_ns)
                is_moving = now_ns < self._motion.end_ns
                trajectory = plan(self._motion, now_ns + ahead_ns + self._executor.arrival_ns)
                send = self._executor.prepare(trajectory)
            planning_ns = time.monotonic_ns() - begin_ns
            time.sleep(max(0, ahead_ns - planning_ns) * 1e-9)
            self._no_brake_waits.wait()
            with self._lock:
                if epoch != self._epoch:
                    return None
                took_ns = time.monotonic_ns() - begin_ns
                if took_ns <= ahead_ns + HELD_UP_NS:
                    self._publish(trajectory, send)
                    return trajectory
            ahead_ns = max(PLANNING_NS, round(PLANNING_MARGIN * planning_ns))
            if is_moving:
                ahead_ns = min(ahead_ns, MOST_AHEAD_NS)
        raise ExpiredError(
            f'{PLANS} plans were held up, the last one by {took_ns * 1e-6:.0f} ms: this computer '
            'is overloaded'
        )

    def brake(
        self,
        max_acceleration: float,
        epoch: int | None = None,
        before_jump: tuple[int, int] | None = None,
        last_seen: LastSeen | None = None,
    ) -> Trajectory | None:
        """Come to rest and end the epoch; None when the arm rests already.

        Args:
            max_acceleration: of every joint [rad/s^2].
            epoch: brake only this run, and leave a newer one alone; None brakes whatever moves.
            before_jump: ROS and steady clock [ns] before the ROS clock jumped: the arm has not
                jumped with it. None when it has not.
            last_seen: of an arm that does not follow. To a silent one, which may wake up later,
                the brake is slow, or none where the motion ends as soon.
        """
        self._no_brake_waits.clear()
        try:
            with self._lock:
                return self._brake(max_acceleration, epoch, before_jump, last_seen)
        finally:
            self._no_brake_waits.set()

    def _brake(
        self,
        max_acceleration: float,
        epoch: int | None,
        before_jump: tuple[int, int] | None,
        last_seen: LastSeen | None,
    ) -> Trajectory | None:
        if epoch is not None and epoch != self._epoch:
            return None
        self._epoch += 1
        joints, measured = self.joint_names, self._from_measured
        if self._motion is None:
            return None
        if before_jump is None:
            now_ns = self._follow_clock(self._motion)
        else:
            now_ns = self._clock.now().nanoseconds
            # What was sent or told our model later than that knows where its own clock was.
            known = (before_jump, self._sent, self._clocks)
            self._clocks = now_ns, time.monotonic_ns()
            self._motion.shift(clock_step_ns(max(known, key=lambda pair: pair[1]), self._clocks))
        if now_ns < self._motion.begin_ns - UNKNOWN_NS:
            return None
        if last_seen is None and before_jump is None and now_ns < self._motion.end_ns:
            last_seen = silent_at(self._newest(self._motion, now_ns))
        stands = last_seen is not None and last_seen.stands
        if now_ns >= self._motion.end_ns and not stands:
            told = None if last_seen is not None else self._newest(self._motion, now_ns)
            if not follow_on(self._motion, told, joints, now_ns, from_measured=measured):
                return None
        elif before_jump is None and last_seen is None:
            self._meet(self._motion, now_ns)
        for _ in range(PLANS):
            steady_ns, now_ns = time.monotonic_ns(), self._clock.now().nanoseconds
            begin_ns = now_ns + max(0, self._executor.arrival_ns - SOONER_NS)
            trajectory = brake(self._motion, joints, begin_ns, max_acceleration, last_seen)
            send = self._executor.prepare(trajectory)
            if time.monotonic_ns() - steady_ns <= HELD_UP_NS:
                break
        if last_seen is not None and not stands and trajectory.end_ns >= self._motion.end_ns:
            return None  # what was sent comes to rest sooner by itself
        self._publish(trajectory, send)
        return trajectory

    def command_at(self, time_ns: int) -> MotionState | None:
        """Commanded state of the J joints; None before a run."""
        with self._lock:
            return None if self._motion is None else self._motion.at(time_ns)

    def feedback(self, now_ns: int) -> ControllerFeedback | None:
        """Return the newest of controllers and arm; None before anything is known."""
        with self._lock:
            return self._feedback(self._motion, now_ns)

    @property
    def end_ns(self) -> int:
        """Time at which what was sent comes to rest; 0 before [ns]."""
        with self._lock:
            return 0 if self._motion is None else self._motion.end_ns

    def is_moving(self, now_ns: int) -> bool:
        """Whether what was sent has not ended, or a controller that is slowed down goes on."""
        with self._lock:
            if self._motion is None:
                return False
            if self._motion.begin_ns - UNKNOWN_NS <= now_ns < self._motion.end_ns:
                return True
            return moves_on(self._motion, self._newest(self._motion, now_ns), now_ns)

    def _follow_clock(self, motion: CommandedMotion) -> int:
        """Return the ROS clock's time [ns]; tell our model of a clock that was set meanwhile."""
        clocks = read_together(self._clock)
        if clocks is None:
            return self._clock.now().nanoseconds
        if not self._clock.ros_time_is_active:  # controllers share a simulated clock
            if self._clocks[1]:  # small steps too: 50 ms would move an arm at 0.5 rad/s by 25 mrad
                motion.shift(clock_step_ns(self._clocks, clocks))
            self._clocks = clocks
        return clocks[0]

    def _newest(self, motion: CommandedMotion | None, now_ns: int) -> ControllerFeedback | None:
        """Newest feedback; what another computer's clock stamps a little later is of now."""
        feedback = self._feedback(motion, now_ns)
        if feedback is None or feedback.stamp_ns <= now_ns:
            return feedback
        return replace(feedback, stamp_ns=now_ns)

    def _meet(self, motion: CommandedMotion, now_ns: int) -> None:
        """Bring our model to where the controllers will continue."""
        feedback = self._newest(motion, now_ns)
        hand_over(motion, feedback, self.joint_names, from_measured=self._from_measured)

    def _publish(self, trajectory: Trajectory, send: Callable[[], None]) -> None:
        send()
        self._has_sent = True
        self._sent = trajectory.start_ns, time.monotonic_ns()
        if self._motion is not None:
            self._motion.follow(trajectory)
