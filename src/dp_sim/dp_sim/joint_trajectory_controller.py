# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for joint_trajectory_controller (ros2_controllers 5.17, Kilted), without ROS.

It holds to the recorded behaviour of the real one (`test/data/jtc`): a new trajectory replaces the
running one at once and starts from the last command or from the measured state; the command is
sampled one period ahead; the end is held. One difference of the real controller is kept on
purpose: with `interpolate_from_desired_state` the last command, which is meant for one period
later, is stored with the stamp of its own tick, so the reference advances by two periods in the
tick of a hand-over.

Not modelled: action goals, tolerances, speed scaling, `cmd_timeout`, wrapped joints, effort.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from dp_sim.segments import Array
from dp_sim.segments import coefficients
from dp_sim.segments import deduce_positions
from dp_sim.segments import Evaluator
from dp_sim.segments import Knot
from dp_sim.trajectory_rules import ControllerParameters
from dp_sim.trajectory_rules import judge
from dp_sim.trajectory_rules import Judgement
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import Verdict
import numpy as np


@dataclass(frozen=True)
class _Plan:
    """The part of a trajectory that does not depend on the state at the hand-over."""

    stamp_ns: int  # 0: start at the first tick
    knots: tuple[Knot, ...]  # times from the start of the trajectory
    polynomials: tuple[Array, ...]  # between neighbouring knots, (6, joints) each


@dataclass
class _Track:
    """A trajectory that is being followed."""

    start_ns: int
    before_ns: int  # time of the state in front of the first point
    first: Array  # polynomial from there to the first point (6, joints)
    plan: _Plan
    end: Array  # the last point as a polynomial (6, joints)
    index: int = 0
    played_out: bool = False  # a sample has passed the end: the end is held from now on

    def locate(self, time_ns: int) -> tuple[Array, float]:
        """Return the polynomial that holds at a time and the seconds since its start."""
        knots = self.plan.knots
        elapsed = time_ns - self.start_ns
        if elapsed < knots[0].time_ns:
            return self.first, max(0, time_ns - self.before_ns) * 1e-9
        if self.played_out or elapsed >= knots[-1].time_ns:
            self.played_out = True
            return self.end, 0.0
        index = self.index
        while elapsed >= knots[index + 1].time_ns:
            index += 1
        self.index = index
        return self.plan.polynomials[index], (elapsed - knots[index].time_ns) * 1e-9


class JointTrajectoryController:
    """Takes trajectory messages from any thread and yields one command per tick.

    `receive` may be called by another thread than the others; the newest message wins.
    """

    def __init__(self, parameters: ControllerParameters) -> None:
        """Start inactive."""
        self.parameters = parameters
        self.accepted = 0
        self.rejected = 0
        self._period_ns = round(1e9 / parameters.update_rate_hz)
        self._n_joints = len(parameters.joints)
        self._incoming: deque[TrajectoryMessage | _Plan] = deque(maxlen=1)
        self._sort_buffer = np.zeros(self._n_joints)
        self._evaluate = Evaluator()
        self._track: _Track | None = None
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
        self._incoming.clear()
        self._command = np.zeros((3, self._n_joints))
        self._command[0] = positions
        self._command_ns = None
        self._time_ns = time_ns
        self._desired = None
        hold = _Plan(0, (Knot(0, np.array(positions, dtype=float)),), ())
        self._track = self._begin(hold, time_ns, None, None)

    def deactivate(self) -> None:
        """Stop following; messages are dropped until the next activation."""
        self._track = None
        self._incoming.clear()

    def receive(self, message: TrajectoryMessage, now_ns: int) -> Judgement:
        """Judge a message; an accepted one takes over at the next tick."""
        judgement = judge(message, self.parameters, now_ns, active=self.active)
        if judgement.verdict is Verdict.ACCEPTED:
            simple = message.is_complete and len(message.joint_names) == self._n_joints
            self._incoming.append(self._plan(message) if simple else message)
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
        if self._incoming:
            newest = self._incoming.pop()
            plan = newest if isinstance(newest, _Plan) else self._plan(newest)
            self._time_ns = time_ns
            self._track = self._begin(plan, time_ns, positions, velocities)
        else:
            self._time_ns += period_ns
        track = self._track
        self._desired = track.locate(self._time_ns)
        self._command = self._evaluate(*track.locate(self._time_ns + self._period_ns))
        self._command_ns = time_ns
        return self._command

    def _begin(
        self, plan: _Plan, time_ns: int, positions: Array | None, velocities: Array | None
    ) -> _Track:
        """Put the state at hand-over in front of a trajectory."""
        start_ns = plan.stamp_ns or time_ns
        if self.parameters.interpolate_from_desired_state or positions is None:
            before_ns = time_ns if self._command_ns is None else self._command_ns
            state = Knot(before_ns - start_ns, *self._command)
        else:
            before_ns = time_ns
            if 'velocity' not in self.parameters.state_interfaces:
                velocities = None
            measured = None if velocities is None else np.array(velocities, dtype=float)
            # The real one counts accelerations that nobody measures as measured to be zero.
            still = np.zeros(self._n_joints)
            state = Knot(before_ns - start_ns, np.array(positions, dtype=float), measured, still)
        plan = _complete(plan, state)
        last = plan.knots[-1]
        end = np.zeros((6, self._n_joints))
        end[0] = last.positions
        end[1] = 0.0 if last.velocities is None else last.velocities
        end[2] = 0.0 if last.accelerations is None else 0.5 * last.accelerations
        first = end
        if plan.knots[0].time_ns > state.time_ns:
            first = coefficients(state, plan.knots[0])
        return _Track(start_ns, before_ns, first, plan, end)

    def _plan(self, message: TrajectoryMessage) -> _Plan:
        """Sort a message into the controller's joint order and fit what can be fitted."""
        names = list(message.joint_names)
        absent = [joint for joint in self.parameters.joints if joint not in names]
        if len(names) == self._n_joints:
            absent = []  # the real controller fills only where the number of names differs
        held = [float(self._command[0, self.parameters.joints.index(name)]) for name in absent]
        zeros = [0.0] * len(absent)
        names += absent
        order = [self.parameters.joints.index(name) for name in names]
        knots = tuple(
            Knot(
                point.time_ns,
                self._sort(point.positions, held, order),
                self._sort(point.velocities, zeros, order),
                self._sort(point.accelerations, zeros, order),
            )
            for point in message.points
        )
        polynomials: tuple[Array, ...] = ()
        if message.is_complete:
            pairs = zip(knots[:-1], knots[1:], strict=True)
            polynomials = tuple(coefficients(a, b) for a, b in pairs)
        return _Plan(message.stamp_ns, knots, polynomials)

    def _sort(self, values: Sequence[float], extra: list[float], order: list[int]) -> Array | None:
        """Return a field in the controller's order; None for an empty field."""
        row = [*values, *extra] if len(values) else []
        if not row:
            return None
        if len(order) != self._n_joints:  # too many names: the real one warns and does not sort
            return np.array(row[: self._n_joints], dtype=float)
        # One buffer for all fields: a joint that a duplicate name left out keeps a stale value.
        self._sort_buffer[order] = row
        return self._sort_buffer.copy()


def _complete(plan: _Plan, state: Knot) -> _Plan:
    """Deduce positions that were not sent from the state in front of them."""
    if all(knot.positions is not None for knot in plan.knots):
        return plan
    knots = [state]
    for knot in plan.knots:
        knots.append(deduce_positions(knots[-1], knot))
    pairs = zip(knots[1:-1], knots[2:], strict=True)
    return _Plan(plan.stamp_ns, tuple(knots[1:]), tuple(coefficients(a, b) for a, b in pairs))
