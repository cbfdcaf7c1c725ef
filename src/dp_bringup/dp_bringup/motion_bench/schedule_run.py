# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Carry out one schedule: chunk -> connect -> CommandedMotion -> message -> controller.

The planner and the watchdog are the real ones, the controller is the stand-in at 500 Hz; a
message reaches it after the times that were measured. Time is stepped by ticks of the controller.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field

from dp_bringup.motion_bench import ours
from dp_bringup.motion_bench.schedule import JOINTS
from dp_bringup.motion_bench.schedule import N_ACTION_STEPS
from dp_bringup.motion_bench.schedule import Schedule
from dp_bringup.motion_bench.schedule import SyntheticPolicy
from dp_bringup.motion_bench.world import travel_ns
from dp_core.braking import brake
from dp_core.chunk import ActionChunk
from dp_core.errors import ExpiredError
from dp_core.errors import TrajectoryError
from dp_core.limits import MotionLimits
from dp_core.motion import clock_step_ns
from dp_core.motion import CommandedMotion
from dp_core.motion import Trajectory
from dp_core.trajectory import connect
from dp_core.trajectory import TrajectorySettings
from dp_core.watchdog import Watchdog
from dp_core.watchdog import WatchdogSettings
from dp_sim.joint_trajectory_controller import JointTrajectoryController
from dp_sim.trajectory_rules import ControllerParameters
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import Verdict
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
TICK_NS = 2_000_000
CHECK_TICKS = 5  # the supervisor looks every 10 ms
OBSERVATION_AGE_S = 0.03  # at most, when a prediction begins [s]
LIMITS = MotionLimits(
    JOINTS, np.full(2, -6.0), np.full(2, 6.0), np.full(2, 3.0), np.full(2, 5.0), np.full(2, 100.0)
)
PARAMETERS = ControllerParameters(JOINTS)


@dataclass
class Sent:
    """A trajectory and what it replaced; `is_brake` ends the run."""

    trajectory: Trajectory
    before: Array  # (2, J) commanded position and velocity at its start, by the motion before
    message: TrajectoryMessage
    is_brake: bool
    steady_ns: int
    tick: int = -1  # of the controller that followed it first

    @property
    def travel_s(self) -> float:
        """Time from publication to effect [s]."""
        return (self.tick * TICK_NS - self.steady_ns) * 1e-9


@dataclass
class Outcome:
    """What was sent, and the reference of the controller tick by tick, (T, 2, J)."""

    sent: list[Sent] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)  # of the controller
    expired: int = 0
    faults: list[str] = field(default_factory=list)
    references: Array = field(default_factory=lambda: np.empty((0, 2, 2)))


class _Run:
    """The state of one run."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.policy = SyntheticPolicy(schedule)
        rest = self.policy.wanted(np.zeros(1))[0]
        self.motion = CommandedMotion(rest)
        self.controller = JointTrajectoryController(PARAMETERS)
        self.controller.activate(0, rest)
        self.settings = TrajectorySettings(seam=schedule.seam)
        self.watchdog = Watchdog(WatchdogSettings())
        self.outcome = Outcome()
        self.posted: list[tuple[int, Sent]] = []
        self.under_way: tuple[int, ActionChunk | None] | None = None  # ready at, chunk or lost
        self.held_back: ActionChunk | None = None  # comes after the next
        self.takeover_ns = 0
        self.over = False
        self.trusted = self.told_at = schedule.ros_ns(0), 0  # ROS and steady clock

    def check(self, now_ns: int, steady_ns: int) -> None:
        """Look at the clock as the supervisor does, and brake if it is not to be trusted."""
        verdict = self.watchdog.check(now_ns, steady_ns, now_ns, now_ns)
        if verdict is not None:
            ros_ns, then_ns = max(self.trusted, self.told_at, key=lambda pair: pair[1])
            self.fail(verdict.reason, ros_ns + steady_ns - then_ns, steady_ns)
        self.trusted = now_ns, steady_ns

    def fail(self, reason: str, state_ns: int, steady_ns: int) -> None:
        """End the run with a brake from what is commanded at `state_ns` on the old clock."""
        self.over = True
        self.outcome.faults.append(reason)
        if state_ns < self.motion.end_ns:
            trajectory = brake(self.motion, JOINTS, state_ns, float(LIMITS.acceleration.min()))
            self.send(trajectory, steady_ns, is_brake=True)

    def send(self, trajectory: Trajectory, steady_ns: int, *, is_brake: bool) -> None:
        """Put a message on its way."""
        position, velocity = self.motion.at(trajectory.start_ns)[:2]
        message = ours.message(trajectory)
        sent = Sent(trajectory, np.stack([position, velocity]), message, is_brake, steady_ns)
        arrival_ns = steady_ns + travel_ns(self.schedule.seed, len(self.outcome.sent))
        arrival_ns = max([arrival_ns, *(due for due, _ in self.posted)])
        self.posted.append((arrival_ns, sent))
        self.outcome.sent.append(sent)
        self.motion.follow(trajectory)

    def begin(self, steady_ns: int) -> None:
        """Begin a prediction."""
        schedule, rng = self.schedule, self.policy.rng
        age_ns = round(rng.uniform(0.0, OBSERVATION_AGE_S) * 1e9)
        latency_s = schedule.latency_s + rng.exponential(1.0) * schedule.jitter_s
        chunk = self.policy.chunk(max(0, steady_ns - age_ns))
        lost = rng.random() < schedule.drop
        self.under_way = steady_ns + round(latency_s * 1e9), None if lost else chunk

    def think(self, now_ns: int, steady_ns: int) -> None:
        """Do what the worker does now: begin, wait, or take over."""
        if self.under_way is None:
            expected_ns = round(self.schedule.latency_s * 1e9)
            if now_ns >= self.takeover_ns - min(expected_ns, N_ACTION_STEPS * 100_000_000):
                self.begin(steady_ns)
            return
        ready_ns, chunk = self.under_way
        if steady_ns < ready_ns or now_ns < self.takeover_ns:
            return
        self.under_way = None
        if chunk is None:
            return
        waiting, self.held_back = self.held_back, None
        if waiting is None and self.policy.rng.random() < self.schedule.reorder:
            self.held_back = chunk
            return
        for each in (chunk, waiting):
            if each is not None and not self.over:
                self.take_over(each, now_ns, steady_ns)

    def take_over(self, chunk: ActionChunk, now_ns: int, steady_ns: int) -> None:
        """Join a chunk to what is commanded, on the clock as it is now."""
        self.motion.shift(clock_step_ns(self.told_at, (now_ns, steady_ns)))
        self.told_at = now_ns, steady_ns
        try:
            trajectory = connect(chunk, self.motion, now_ns, self.settings, LIMITS)
        except ExpiredError:
            self.outcome.expired += 1
            return
        except TrajectoryError as error:
            self.fail(str(error), now_ns, steady_ns)
            return
        self.send(trajectory, steady_ns, is_brake=False)
        self.takeover_ns = chunk.takeover_ns(now_ns, N_ACTION_STEPS)

    def tick(self, number: int) -> Array:
        """Run the controller once and return its reference (2, J)."""
        steady_ns = number * TICK_NS
        while self.posted and self.posted[0][0] <= steady_ns:
            _, sent = self.posted.pop(0)
            judgement = self.controller.receive(sent.message, self.schedule.ros_ns(steady_ns))
            if judgement.verdict is not Verdict.ACCEPTED:
                self.outcome.refusals.append(judgement.log)
            sent.tick = number
        self.controller.update(steady_ns, TICK_NS, np.zeros(2), None)
        return self.controller.reference[:2]


def carry_out(schedule: Schedule) -> Outcome:
    """Run a schedule to its end, or until the brake of a fault has come to rest."""
    run = _Run(schedule)
    rows = []
    for number in range(round(schedule.duration_s * 1e9) // TICK_NS):
        steady_ns = number * TICK_NS
        now_ns = schedule.ros_ns(steady_ns)
        if not run.over and number % CHECK_TICKS == 0:
            run.check(now_ns, steady_ns)
        if not run.over:
            run.think(now_ns, steady_ns)
        rows.append(run.tick(number))
    run.outcome.references = np.array(rows)
    return run.outcome
