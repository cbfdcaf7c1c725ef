# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for joint_trajectory_controller in its generations, without ROS.

They differ in what a new trajectory does to the one that runs (parameter `generation`):

- A replaces it at once: Humble, Jazzy (4.x), Kilted (5.x), and up to 6.7. A stamp in the future
  ends the old motion too, and the new one is approached slowly.
- B lets the old one run until the new one's stamp: 6.8.0 and 6.9.0. There is one place to wait in:
  a newer message takes it, so a stream whose stamps are further ahead than its period never moves
  anything. Stamps 0 and past are as in A.
- C joins the two (splice.py): after 6.9.0.

Generation D, `positions_upsampling`, gives velocities to messages that carry positions only, and
passes those that carry velocities, as all of ours do, on to C: for them it is C. With
`allow_trajectory_replacement: false`, B and C are A.

The stand-in holds to recordings of the real ones (`test/data/jtc`, `test/data/jtc_generations`):
the command is sampled one period ahead, the end is held, and their artefacts of one tick are kept
on purpose. With `interpolate_from_desired_state`, the last command, which is meant for one period
later, is stored with the stamp of its own tick, so in A and B the reference advances by two
periods in the tick of a hand-over; in C it stands still for that tick.

Tolerances are judged at every tick (follow_goal.py). A joint beyond one ends the motion: the
command stays what it was for a tick, and then the arm is held where it was measured, in one step.

Not modelled: `cmd_timeout`, `decelerate_on_cancel`, wrapped joints, effort, and that with speed
scaling and without positions in a message C deduces these segment by segment.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from dp_sim.follow_goal import FollowedGoal
from dp_sim.follow_goal import GoalProgress
from dp_sim.follow_goal import Step
from dp_sim.segments import Array
from dp_sim.segments import Evaluator
from dp_sim.segments import Knot
from dp_sim.splice import can_splice
from dp_sim.splice import splice
from dp_sim.tolerances import Tolerances
from dp_sim.trajectory_plan import begin
from dp_sim.trajectory_plan import JointOrder
from dp_sim.trajectory_plan import Plan
from dp_sim.trajectory_plan import Track
from dp_sim.trajectory_rules import ControllerParameters
from dp_sim.trajectory_rules import judge
from dp_sim.trajectory_rules import Judgement
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import Verdict
import numpy as np

# Ticks that lie further apart are those of a clock that was set in between [ns].
CLOCK_STEP_NS = 400_000_000


class Arrival(NamedTuple):
    """A trajectory that was accepted and has not taken over yet."""

    new: TrajectoryMessage | Plan
    goal: FollowedGoal | None = None
    is_hold: bool = False


class JointTrajectoryController:
    """Takes trajectory messages from any thread and yields one command per tick.

    `receive` may be called by another thread than the others; the newest message wins.
    """

    def __init__(self, parameters: ControllerParameters) -> None:
        """Start inactive."""
        self.parameters = parameters
        self.accepted = 0
        self.rejected = 0
        self.scaling = 1.0  # of the speed, as a robot tells it; set by others
        self._generation = parameters.generation
        self._period_ns = round(1e9 / parameters.update_rate_hz)
        self._n_joints = len(parameters.joints)
        self._incoming: deque[Arrival] = deque()
        self._deferred: Arrival | None = None  # generation B
        self._own_hold: Arrival | None = None  # for the next tick
        self.progress = GoalProgress(Tolerances.of_parameters(parameters))
        interfaces = parameters.command_interfaces
        self._checks_velocity = 'velocity' in parameters.state_interfaces and (
            'velocity' in interfaces or 'effort' in interfaces
        )
        self._order = JointOrder(parameters.joints)
        self._evaluate = Evaluator()
        self._track: Track | None = None
        self._command = np.zeros((3, self._n_joints))
        self._command_ns: int | None = None
        self._time_ns = 0
        self._desired: tuple[Array, float] | None = None

    @property
    def active(self) -> bool:
        """Whether the controller has been activated."""
        return self._track is not None

    @property
    def ran_out(self) -> bool:
        """Whether the tick lay past the last point of the trajectory: nothing left to follow."""
        track = self._track
        return track is None or self._time_ns > track.start_ns + track.plan.knots[-1].time_ns

    @property
    def time_from_start_ns(self) -> int:
        """Time of the last tick since the start of its trajectory [ns]."""
        return 0 if self._track is None else self._time_ns - self._track.start_ns

    @property
    def reference(self) -> Array:
        """Desired state of the last tick, (3, joints): [rad], [rad/s], [rad/s2]."""
        if self._desired is None:
            return self._command.copy()
        return Evaluator()(*self._desired)

    @property
    def command(self) -> Array:
        """The last command, meant for one period after its tick: (3, joints)."""
        return self._command

    def activate(self, time_ns: int, positions: Array) -> None:
        """Hold these positions [rad], as the real controller does on activation."""
        self._forget()
        self._command = np.zeros((3, self._n_joints))
        self._command[0] = positions
        self._command_ns = None
        self._time_ns = time_ns
        self._desired = None
        self._take(_hold(positions), time_ns, None, None)

    def deactivate(self) -> None:
        """Halt where commanded last; messages are dropped until the next activation."""
        self._forget()
        self._command = self._command.copy()
        self._command[1:] = 0.0

    def receive(self, message: TrajectoryMessage, now_ns: int) -> Judgement:
        """Judge a message; an accepted one takes over at the next tick."""
        judgement = judge(message, self.parameters, now_ns, active=self.active)
        if judgement.verdict is Verdict.ACCEPTED:
            simple = message.is_complete and len(message.joint_names) == self._n_joints
            new = self._order.plan(message) if simple else message
            self._incoming.append(Arrival(new, message.goal, message.is_hold))
            self.accepted += 1  # after it has been handed over: who counts it may rely on it
        elif judgement.verdict is not Verdict.DROPPED_INACTIVE:
            self.rejected += 1
        return judgement

    def update(
        self, time_ns: int, period_ns: int, positions: Array, velocities: Array | None
    ) -> Array:
        """Run one tick and return the command, (3, joints).

        Args:
            time_ns: Stamp of the tick.
            period_ns: Time since the tick before.
            positions: Measured positions (joints,) [rad].
            velocities: Measured velocities (joints,) [rad/s], None where not measured.
        """
        if self._track is None:
            return self._command
        arrival = self._due(time_ns)
        if arrival is None:
            self._time_ns += int(period_ns * self.scaling)
        else:
            self._take(arrival.new, time_ns, positions, velocities)
            if arrival.is_hold:
                self.progress.hold()
            else:
                self.progress.begin(arrival.goal)
        track = self._track
        self._desired = desired = track.locate(self._time_ns)
        # Up to 6.9 the look ahead too ends a trajectory for good once it passes the last point.
        ahead_ns = self._time_ns + self._period_ns
        end_ns = track.start_ns + track.plan.knots[-1].time_ns
        over = ahead_ns >= end_ns
        peek = self._generation == 'C' or not over
        command = self._evaluate(*track.locate(ahead_ns, peek=peek))
        if self.progress.is_watching:
            step = self.progress.judge(
                self._error(desired, positions, velocities),
                on_way=not over or arrival is not None,
                at_end=over,
                late_s=(self._time_ns - end_ns) * 1e-9,
            )
            if step is Step.HOLD:
                self._own_hold = Arrival(_hold(positions), is_hold=True)
                return self._command
        self._command = command
        self._command_ns = time_ns
        return self._command

    def _error(
        self, desired: tuple[Array, float], positions: Array, velocities: Array | None
    ) -> Array:
        """Reference less measurement (2, joints) [rad], [rad/s]; velocities where they count."""
        error = self._evaluate(*desired)[:2]
        error[0] -= positions
        if self._checks_velocity and velocities is not None:
            error[1] -= velocities
        else:
            error[1] = 0.0
        return error

    def _due(self, time_ns: int) -> Arrival | None:
        """Return what takes over in this tick."""
        newest = self._newest()
        hold, self._own_hold = self._own_hold, None
        if newest is not None:
            if self._generation != 'B' or newest.new.stamp_ns <= time_ns:
                self._deferred = None
                return newest
            self._deferred = newest
        due = self._deferred
        if due is None or time_ns < due.new.stamp_ns:
            return hold  # what is deferred outlives it, as in the real one
        self._deferred = None
        return due

    def _newest(self) -> Arrival | None:
        """Take out what has come since the last tick; the newest trajectory is what counts.

        A goal that waits with an older one stays alive, as in the real one, where it is in force
        as soon as it is accepted. Only a hold, which is how a goal is cancelled, drops it.
        """
        newest = None
        goal = None if self._deferred is None else self._deferred.goal
        while self._incoming:
            newest = self._incoming.popleft()
            goal = None if newest.is_hold else newest.goal or goal
        return None if newest is None else newest._replace(goal=goal)

    def _forget(self) -> None:
        """Drop what has come and what is followed; a goal among these is aborted."""
        self._track = None
        waiting = self._newest() or self._deferred
        self.progress.deactivate(None if waiting is None else waiting.goal)
        self._deferred = self._own_hold = None

    def _take(
        self,
        new: Plan | TrajectoryMessage,
        time_ns: int,
        positions: Array | None,
        velocities: Array | None,
    ) -> None:
        """Let a trajectory take over in this tick."""
        old = self._track
        if self._generation == 'C' and old is not None and can_splice(old, new, self._order):
            lead_ns = max(0, new.stamp_ns - time_ns) if new.stamp_ns else 0
            plan = splice(old, self._time_ns, int(lead_ns * self.scaling), new, self._order)
        elif isinstance(new, TrajectoryMessage):
            command = self._command[0]
            held = np.stack((command, np.zeros_like(command), np.zeros_like(command)))
            plan = self._order.plan(new, lambda _: held)
        else:
            plan = new
        start_ns = plan.stamp_ns or time_ns
        self._track = begin(plan, start_ns, self._state(time_ns, start_ns, positions, velocities))
        self._time_ns = time_ns

    def _state(
        self, time_ns: int, start_ns: int, positions: Array | None, velocities: Array | None
    ) -> Knot:
        """Return the state in front of a trajectory that takes over: last command or measured."""
        if self.parameters.interpolate_from_desired_state or positions is None:
            before_ns = self._command_ns
            if before_ns is None or abs(time_ns - before_ns) > CLOCK_STEP_NS:
                before_ns = time_ns
            return Knot(before_ns - start_ns, *self._command)
        # The real one counts what nobody measures as zero where the first point carries it; where
        # that does not, the segment has no use for it.
        still = np.zeros(self._n_joints)
        if velocities is None or 'velocity' not in self.parameters.state_interfaces:
            velocities = still
        measured = [np.array(row, dtype=float) for row in (positions, velocities)]
        return Knot(time_ns - start_ns, *measured, still)


def _hold(positions: Array) -> Plan:
    """Stay at positions (joints,) [rad]."""
    return Plan(0, (Knot(0, np.array(positions, dtype=float)),), ())
