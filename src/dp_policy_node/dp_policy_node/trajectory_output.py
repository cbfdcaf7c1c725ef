# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What may be sent to the controllers, and our model of what they command now.

One lock and one number make it certain that no chunk can follow a brake: every run holds the
epoch it began with, and a brake ends that epoch. An executor carries what passes to the
controllers.
"""

from __future__ import annotations

from collections.abc import Callable
import threading
import time

from dp_core.braking import brake
from dp_core.braking import LastSeen
from dp_core.braking import silent_at
from dp_core.errors import ExpiredError
from dp_core.feedback import ControllerFeedback
from dp_core.motion import CommandedMotion
from dp_core.motion import MotionState
from dp_core.motion import Trajectory
from dp_policy_node.brake_watch import Braked
from dp_policy_node.brake_watch import BrakeWatch
from dp_policy_node.command_model import CommandModel
from dp_policy_node.command_model import Feedback
from dp_policy_node.executor import Executor
from rclpy.clock import Clock
from rclpy.logging import get_logger

Plan = Callable[[CommandedMotion, int], Trajectory]
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
REST_S, REST_LOOK_S = 1.0, 0.01  # who waits for rest: how long at most, how often he looks [s]


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
        self.joint_names = joint_names
        self._executor = executor
        self._model = CommandModel(clock, joint_names, feedback, from_measured=from_measured)
        self._lock = threading.Lock()
        # A lock is not fair: a thread that sends on and on would take it again and again.
        self._no_brake_waits = threading.Event()
        self._no_brake_waits.set()
        self._epoch = 0
        self._has_sent = False  # anything in this epoch
        self._sent = 0, 0  # begin of the last trajectory on the ROS clock, and on the steady clock
        self._braked = Braked(-1, 0.0, 0, is_sent=True)
        self._brake_watch = BrakeWatch(self.brake_again)

    @property
    def moves_arm(self) -> bool:
        """Whether what is sent reaches a controller."""
        return self._executor.moves_arm

    def close(self) -> None:
        """Free the executor; nothing can be sent any more."""
        with self._lock:
            self._epoch += 1
            self._model.motion = None
            self._executor.close()
        self._brake_watch.close()

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
            self._model.settle()
            return self._epoch

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
                    self._model.settle()  # what was heard as the run began may be old
                motion = self._model.motion
                if epoch != self._epoch or motion is None:
                    return None
                begin_ns = time.monotonic_ns()
                now_ns = self._model.follow_clock()
                self._model.meet(now_ns)
                is_moving = now_ns < motion.end_ns
                trajectory = plan(motion, now_ns + ahead_ns + self._executor.arrival_ns)
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
        watched = self._braked if self._braked.epoch == self._epoch else None
        self._epoch += 1
        if watched is not None:  # one stop after another: the first may have been lost
            watched.epoch = self._epoch
        model, motion = self._model, self._model.motion
        if motion is None:
            return None
        if before_jump is None:
            now_ns = model.follow_clock()
        else:  # what was sent later than that knows where its own clock was
            now_ns = model.follow_jump(motion, before_jump, self._sent)
        if model.began_later(now_ns):
            return None
        if last_seen is None and before_jump is None and now_ns < motion.end_ns:
            last_seen = silent_at(model.newest(now_ns))
        stands = last_seen is not None and last_seen.stands
        ends_ns = motion.end_ns  # what is met below may be known for less long
        if now_ns >= motion.end_ns and not stands:
            if last_seen is not None or not model.follow_on(now_ns):
                return None
        elif before_jump is None and last_seen is None:
            model.meet(now_ns)
        end_ns = motion.end_ns
        until_ns = time.monotonic_ns() + max(ends_ns, end_ns) - now_ns
        if watched is not None and time.monotonic_ns() < watched.until_ns:
            until_ns = watched.until_ns
        for _ in range(PLANS):
            steady_ns, now_ns = time.monotonic_ns(), model.now_ns()
            begin_ns = now_ns + max(0, self._executor.arrival_ns - SOONER_NS)
            trajectory = brake(motion, self.joint_names, begin_ns, max_acceleration, last_seen)
            send = self._executor.prepare(trajectory)
            if time.monotonic_ns() - steady_ns <= HELD_UP_NS:
                break
        # What was sent may come to rest sooner by itself than a gentle brake.
        is_sent = last_seen is None or stands or trajectory.end_ns < end_ns
        if is_sent:
            self._publish(trajectory, send)
        self._braked = Braked(self._epoch, max_acceleration, until_ns, is_sent)
        self._brake_watch.begin()
        return trajectory if is_sent else None

    def brake_again(self) -> bool:
        """Brake an arm that goes on after a brake; returns whether to look again.

        A message can be lost: a joint_trajectory_controller's topic is best effort. To a silent
        robot that comes to rest as soon by itself none is sent; it may be heard again before.
        """
        with self._lock:
            braked, steady_ns = self._braked, time.monotonic_ns()
            if not braked.is_watched(self._epoch, steady_ns):
                return False
            now_ns, lost = self._model.follow_clock(), 0
            seen = None if braked.is_sent else self._model.seen(now_ns)
            if self._executor.is_once and braked.may_be_lost(steady_ns - self._sent[1]):
                lost = self._model.lost_messages(now_ns)
            lost = braked.confirm(lost)
            if lost:
                self._model.forget(lost)
                get_logger('trajectory_output').warning('the arm drove on: braked again')
            if lost or seen is not None:
                self._brake(braked.max_acceleration, None, None, seen)
            return True

    def wait_rest(self, patience_s: float = REST_S) -> None:
        """Wait for a braked arm to rest, at most so long [s]: a lost brake is sent again."""
        until_ns = time.monotonic_ns() + patience_s * 1e9
        while time.monotonic_ns() < until_ns and self._may_move():
            time.sleep(REST_LOOK_S)

    def _may_move(self) -> bool:
        with self._lock:
            now_ns, steady_ns = self._model.now_ns(), time.monotonic_ns()
            if self._model.is_moving(now_ns):
                return True
            is_watched = self._braked.is_watched(self._epoch, steady_ns)
            return self._executor.is_once and is_watched and not self._model.is_at_rest(now_ns)

    def command_at(self, time_ns: int) -> MotionState | None:
        """Commanded state of the J joints; None before a run."""
        with self._lock:
            motion = self._model.motion
            return None if motion is None else motion.at(time_ns)

    def feedback(self, now_ns: int) -> ControllerFeedback | None:
        """Return the newest of controllers and arm; None before anything is known."""
        with self._lock:
            return self._model.feedback(self._model.motion, now_ns)

    @property
    def end_ns(self) -> int:
        """Time at which what was sent comes to rest; 0 before [ns]."""
        with self._lock:
            return 0 if self._model.motion is None else self._model.motion.end_ns

    def is_moving(self, now_ns: int) -> bool:
        """Whether what was sent has not ended, or a controller that is slowed down goes on."""
        with self._lock:
            return self._model.is_moving(now_ns)

    def _publish(self, trajectory: Trajectory, send: Callable[[], None]) -> None:
        send()
        self._has_sent = True
        self._sent = trajectory.start_ns, time.monotonic_ns()
        if self._model.motion is not None:
            self._model.motion.follow(trajectory)
