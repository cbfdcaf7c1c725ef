# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The thread that owns the simulation: at each tick the controller, the outputs, the physics.

Everything that other threads want goes through a queue and is done between two ticks, so the
scene needs no lock. Callbacks run in this thread and must be short.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
import math
import threading
import time
from typing import Any
from typing import TYPE_CHECKING

from dp_sim.arm_controller import ArmController
from dp_sim.faults import RobotCondition
from dp_sim.goal_watch import GoalChange
from dp_sim.goal_watch import GoalWatch
from dp_sim.latency import DelayLine
from dp_sim.latency import Latencies
from dp_sim.pacing import Pacer
from dp_sim.pacing import RealtimeMeter
from dp_sim.pacing import Schedule
from dp_sim.scene_log import SceneLog
from dp_sim.scene_state import Array
from dp_sim.scene_state import measure
from dp_sim.scene_state import SceneScore
from dp_sim.scene_state import SceneState
from dp_sim.scene_state import tell
from dp_sim.scene_state import Told
from dp_sim.trajectory_rules import Judgement
from dp_sim.trajectory_rules import Verdict
import numpy as np

if TYPE_CHECKING:
    from dp_sim.simulation import Simulation

SCORE_PERIOD_NS = 100_000_000
CLOCK_PERIOD_NS = 1_000_000_000  # between two looks at the system clock
CLOCK_TOLERANCE_NS = 500_000_000
ON_TIME_S = 0.1  # a tick that is later says nothing about the clock


def _ignore(*_: Any) -> None:
    """Do nothing with what is handed over."""


@dataclass
class Outputs:
    """Where the loop hands its results; all are called in the loop's thread."""

    state: Callable[[SceneState], None] = _ignore
    score: Callable[[SceneScore], None] = _ignore
    # stamp [ns], and the simulation state that each camera shows
    frame: Callable[[int, list[dict[str, Any]]], None] = _ignore
    # the log, real-time factor; without it nothing is collected
    episode: Callable[[SceneLog, float], None] | None = None
    # how far the system clock is ahead [ns]; returns whether simulated time follows it
    clock: Callable[[int], bool | None] = _ignore


class PhysicsLoop:
    """Runs a simulation and its controller at real time."""

    def __init__(
        self,
        simulation: Simulation,
        controller: ArmController,
        outputs: Outputs,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        state_rate_hz: float = 125.0,
        frame_rate_hz: float = 30.0,
        factor: float = 1.0,
        latencies: Latencies | None = None,
    ) -> None:
        """Prepare; simulated time begins at `clock_ns()` when `run` is called.

        In real time it stays with that clock: see `Outputs.clock`.
        """
        latencies = latencies or Latencies()
        self.now_ns = 0  # simulated time on the ROS clock
        self.executing: frozenset[bytes] = frozenset()  # set by others: ids of executing goals
        self.wants_frames = False  # set by others
        self.condition = RobotCondition()  # set by others
        self._applied = self.condition
        self._simulation = simulation
        self._controller = controller
        self._outputs = outputs
        self._clock_ns = clock_ns
        self._factor = factor
        self._step_ns = round(simulation.dt * 1e9)
        self._states = Schedule(round(1e9 / state_rate_hz))
        self._scores = Schedule(SCORE_PERIOD_NS)
        self._frames = Schedule(round(1e9 / frame_rate_hz))
        self._clocks = Schedule(CLOCK_PERIOD_NS)
        self._goals = GoalWatch()
        self._meter = RealtimeMeter()
        self._arrivals: deque[tuple[int, bool]] = deque()
        self._resets: deque[tuple[int, Future[float]]] = deque()
        self._stop = threading.Event()
        self._episode = -1
        self._seed = 0
        self._max_coverage = 0.0
        self._sent = np.zeros((2, len(simulation.joint_names)))
        self._log = SceneLog(0, 0, 0, simulation.joint_names)
        self._commands: DelayLine[Array] = DelayLine(self._ticks(latencies.command_s))
        self._told: DelayLine[Told] = DelayLine(self._ticks(latencies.joint_state_s))
        self._picture_ticks = [self._ticks(latency_s) for latency_s in latencies.camera_s]
        self._scenes: DelayLine[dict[str, Any]] = DelayLine(max(self._picture_ticks))
        self.pacer = Pacer(simulation.dt, factor)

    def receive(self, message: Any) -> Judgement:
        """Give a message to the controller; called by other threads."""
        now_ns = self.now_ns
        judgement = self._controller.receive(message, now_ns)
        self._arrivals.append((now_ns, judgement.verdict is Verdict.ACCEPTED))
        return judgement

    @property
    def ran_out(self) -> bool:
        """Whether the controller has nothing left to follow."""
        return self._controller.ran_out

    def reset(self, seed: int) -> Future[float]:
        """Ask for a new start; the result is the coverage there. Called by other threads."""
        future: Future[float] = Future()
        self._resets.append((seed, future))
        return future

    def stop(self) -> None:
        """Let `run` return after the tick at hand."""
        self._stop.set()

    def run(self, seed: int) -> None:
        """Reset to a seed and run until stopped."""
        self.pacer = Pacer(self._step_ns * 1e-9, self._factor)
        self.now_ns = self._clock_ns()
        self._restart(seed)
        self._meter.mark(self.now_ns)
        while not self._stop.is_set():
            self.pacer.wait()
            while self._resets:
                wanted, future = self._resets.popleft()
                future.set_result(self._restart(wanted))
            if self._factor == 1.0 and self._clocks.is_due(self.now_ns):
                self._compare_clocks()
            self._tick()
        self._tell_episode()

    def _compare_clocks(self) -> None:
        """Follow a system clock that was set, or went on while the machine slept."""
        clock_ns, behind_s = self._clock_ns(), self.pacer.behind()
        offset_ns = clock_ns - self.now_ns - round(behind_s * 1e9)
        if abs(offset_ns) < CLOCK_TOLERANCE_NS or behind_s > ON_TIME_S:
            return
        if self._outputs.clock(offset_ns):
            for each in (self._states, self._scores, self._frames, self._clocks):
                each.next_ns += offset_ns
            self._meter.shift(offset_ns)
            self._log.shift(offset_ns)
            self.now_ns += offset_ns

    def _tick(self) -> None:
        now_ns, simulation, controller = self.now_ns, self._simulation, self._controller
        if self.condition is not self._applied:
            self._apply(self.condition)
        accepted = controller.accepted  # what comes later is followed, and counted, from the next
        command = controller.update(
            now_ns, self._step_ns, simulation.joint_positions, simulation.joint_velocities
        )
        while self._arrivals:
            self._log.add_message(*self._arrivals.popleft())
        self._follow_goals()
        if self._goals.tick(controller.ran_out, accepted):
            self._log.add_late_tick(now_ns)
        is_due = self._states.is_due(now_ns)
        if is_due or self._told.ticks:
            told = self._told.push(tell(simulation))
            if is_due:
                self._publish_state(command, told)
        if self._scores.is_due(now_ns):
            self._publish_score()
        self._offer_frames()
        positions, velocities = self._possible(self._commands.push(command))
        simulation.step(positions, velocities)
        self.now_ns = now_ns + self._step_ns

    def _apply(self, condition: RobotCondition) -> None:
        was_active, self._applied = self._applied.controller_active, condition
        self._controller.scaling = condition.speed_scaling
        if was_active and not condition.controller_active:
            self._controller.deactivate()
        elif condition.controller_active and not was_active:
            self._controller.activate(self.now_ns, np.array(self._simulation.joint_positions))

    def _offer_frames(self) -> None:
        is_due = self._frames.is_due(self.now_ns)
        if not self.wants_frames:
            self._scenes.clear()
            return
        if is_due or self._scenes.ticks:
            self._scenes.push(self._simulation.state())
        if is_due:
            scenes = [self._scenes.ago(ticks) for ticks in self._picture_ticks]
            self._outputs.frame(self.now_ns, scenes)

    def _ticks(self, latency_s: float) -> int:
        return round(latency_s * 1e9 / self._step_ns)

    def _possible(self, command: Array) -> Array:
        """Return what the servos do: a joint without a number, or held, keeps its last place."""
        wanted, held = command[:2], self._applied.held_joint
        if held is not None or not math.isfinite(wanted.sum()):
            bad = ~np.isfinite(wanted).all(axis=0)
            if held is not None:
                bad[held] = True
            wanted = wanted.copy()
            wanted[0, bad] = self._sent[0, bad]
            wanted[1, bad] = 0.0
        self._sent = wanted
        return wanted

    def _follow_goals(self) -> None:
        change = self._goals.follow(self.executing, self._controller.accepted)
        if change is GoalChange.BEGUN:
            self._meter.mark(self.now_ns)
            self._log.begin_goal(self.now_ns)
        elif change is GoalChange.ENDED:
            self._log.end_goal(self.now_ns)
            self._tell_episode()

    def _publish_state(self, command: Array, told: Told) -> None:
        controller = self._controller
        state = measure(
            self._simulation,
            self.now_ns,
            command,
            controller.reference,
            controller.time_from_start_ns,
            told,
        )
        self._log.add_state(state)
        self._outputs.state(state)

    def _publish_score(self) -> float:
        coverage = float(self._simulation.coverage())
        self._max_coverage = max(self._max_coverage, coverage)
        self._log.add_coverage(self.now_ns, coverage)
        self._outputs.score(
            SceneScore(
                stamp_ns=self.now_ns,
                seed=self._seed,
                coverage=coverage,
                max_coverage=self._max_coverage,
                late_ticks=self._goals.late_ticks,
                accepted=self._controller.accepted,
                rejected=self._controller.rejected,
                realtime_factor=self._meter.factor(self.now_ns),
                goal_active=self._goals.active,
                block_pose=np.array(self._simulation.block_pose),
            )
        )
        return coverage

    def _restart(self, seed: int) -> float:
        """Put arm and block at their start, hold there, and count from zero."""
        if self._episode >= 0:
            self._tell_episode()
        self._episode += 1
        self._seed = seed
        self._simulation.reset(seed)
        positions = np.array(self._simulation.joint_positions)
        self._controller.activate(self.now_ns, positions)
        if not self._applied.controller_active:
            self._controller.deactivate()
        self._controller.accepted = self._controller.rejected = 0
        self._goals.reset(0)
        self._arrivals.clear()
        self._commands.clear()
        self._sent = np.stack((positions, np.zeros_like(positions)))
        self._max_coverage = 0.0
        names = self._simulation.joint_names
        is_kept = self._outputs.episode is not None
        self._log = SceneLog(self._episode, seed, self.now_ns, names, is_kept=is_kept)
        self._scores.next_ns = self.now_ns
        return self._publish_score()

    def _tell_episode(self) -> None:
        if self._outputs.episode is not None:
            self._outputs.episode(self._log, self._meter.factor(self.now_ns))
