# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One episode of the UR5e Push-T scene on a simulated clock, seen as the policy node sees it.

The scene and the stand-in controller tick at 500 Hz as in sim_node; poses arrive at 125 Hz,
messages to the controller travel as long as they were measured to, and a prediction takes
simulated time. Nothing depends on the speed of the computer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from dp_bringup.motion_bench.recording import Recording
from dp_core.chunk import ActionChunk
from dp_core.contract import Contract
from dp_core.errors import NotReadyError
from dp_core.evaluation.episode import FULL_COVERAGE
from dp_core.observation import ObservationWindow
from dp_core.sync import Synchronizer
from dp_sim import scene
from dp_sim.joint_trajectory_controller import JointTrajectoryController
from dp_sim.simulation import Simulation
from dp_sim.trajectory_rules import ControllerParameters
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import Verdict
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

START_NS = 1_000_000_000_000  # ROS time at which episodes begin [ns]
POSE_TICKS = 4  # a pose every fourth tick: 125 Hz
SCORE_TICKS = 50  # the coverage is measured at 10 Hz, once a policy step, as dp_eval does
POSE_TRAVEL_NS = 2_000_000  # from the scene to the window [ns]
POLL_NS = 5_000_000  # while a newer window is waited for, as the node's worker does [ns]
# From publication to effect, of the real controller: median, p99 and largest that was seen [s].
TRAVEL_S, TRAVEL_P99_S, TRAVEL_MAX_S = 0.0017, 0.0062, 0.0085


class EpisodeOverError(Exception):
    """The block is placed, or the time is over."""


@dataclass(frozen=True)
class Timing:
    """How long a prediction takes: a log-normal time, as measured over ROS, and a delay.

    Attributes:
        delay_s: injected, the same for every prediction [s].
        inference_s: median of the predictions themselves [s].
        inference_p95_s: their 95th percentile [s].
        limit_s: longest episode [s].
    """

    delay_s: float = 0.0
    inference_s: float = 0.048
    inference_p95_s: float = 0.073
    limit_s: float = 60.0

    def prediction_ns(self, seed: int, number: int) -> int:
        """Time of the prediction `number` of episode `seed` [ns]."""
        seconds = _log_normal((seed, number, 0), self.inference_s, self.inference_p95_s, 1.645)
        return round((seconds + self.delay_s) * 1e9)


def travel_ns(seed: int, number: int) -> int:
    """Time from publication to arrival of message `number` of episode `seed` [ns]."""
    seconds = _log_normal((seed, number, 1), TRAVEL_S, TRAVEL_P99_S, 2.326)
    return round(min(seconds, TRAVEL_MAX_S) * 1e9)


def _log_normal(key: tuple[int, int, int], median: float, high: float, z: float) -> float:
    """Draw by `key`, so that every strategy meets the same times."""
    normal = np.random.default_rng(key).standard_normal()
    return float(median * np.exp(normal * np.log(high / median) / z))


class World:
    """Scene, controller and observations of one episode; `now_ns` is the clock."""

    def __init__(self, contract: Contract, seed: int, timing: Timing) -> None:
        """Place block and arm as episode `seed` begins; the controller holds."""
        self.seed = seed
        self.timing = timing
        self.now_ns = START_NS
        self.simulation = Simulation()
        self.simulation.reset(seed)
        self._tick_period_ns = round(self.simulation.dt * 1e9)
        self._next_tick_ns = START_NS
        self._ticks = 0
        joints = self.simulation.joint_names
        self.controller = JointTrajectoryController(ControllerParameters(joints))
        self.controller.activate(START_NS, np.array(self.simulation.joint_positions))
        self._sync = Synchronizer(contract)
        self._arriving: deque[tuple[int, int, Array, Array]] = deque()
        self._posted: deque[tuple[int, TrajectoryMessage, ActionChunk | None]] = deque()
        self._messages = 0
        rows = round(timing.limit_s * 1e9 / self._tick_period_ns)
        self.recording = Recording(seed, rows, len(joints), self._tick_period_ns)

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joints of arm and controller."""
        return self.simulation.joint_names

    def advance_to(self, time_ns: int) -> None:
        """Let time pass until `time_ns`.

        Raises:
            EpisodeOverError: the block is placed, or the time is over.
        """
        while self._next_tick_ns <= time_ns:
            self.now_ns = self._next_tick_ns
            self._tick()
            self._next_tick_ns += self._tick_period_ns
        self.now_ns = max(self.now_ns, time_ns)

    def finish(self) -> None:
        """Let the rest of the episode pass."""
        try:
            while True:
                self.advance_to(self.now_ns + POLL_NS)
        except EpisodeOverError:
            pass

    def publish(self, message: TrajectoryMessage, begins: ActionChunk | None = None) -> None:
        """Send a message to the controller; `begins` is the chunk that takes over with it."""
        arrival_ns = self.now_ns + travel_ns(self.seed, self._messages)
        self._messages += 1
        if self._posted:  # one topic keeps its order
            arrival_ns = max(arrival_ns, self._posted[-1][0])
        self._posted.append((arrival_ns, message, begins))

    def next_window(self, after_ns: int = 0) -> ObservationWindow:
        """Return the newest window, waiting for one that is newer than `after_ns` [ns]."""
        while True:
            while self._arriving and self._arriving[0][0] <= self.now_ns:
                _, stamp_ns, block, tool = self._arriving.popleft()
                self._sync.push('block', stamp_ns, block)
                self._sync.push('tool', stamp_ns, tool)
            try:
                window = self._sync.window(self.now_ns)
                if window.t_obs_ns > after_ns:
                    return window
            except NotReadyError:
                pass  # at the very beginning
            self.advance_to(self.now_ns + POLL_NS)

    def _tick(self) -> None:
        now_ns, simulation, controller = self.now_ns, self.simulation, self.controller
        while self._posted and self._posted[0][0] <= now_ns:
            _, message, begins = self._posted.popleft()
            verdict = controller.receive(message, now_ns).verdict
            self.recording.count(verdict is Verdict.ACCEPTED)
            if begins is not None and verdict is Verdict.ACCEPTED:
                self.recording.take_over(begins, now_ns)
        command = controller.update(
            now_ns,
            self._tick_period_ns,
            simulation.joint_positions,
            simulation.joint_velocities,
        )
        start_ns = now_ns - controller.time_from_start_ns
        self.recording.tick(now_ns, start_ns, controller.reference, controller.ran_out)
        if self._ticks % POSE_TICKS == 0:
            block = scene.block_corners(simulation.block_pose).astype(np.float32).ravel()
            tool = simulation.tool_pose[0][:2].astype(np.float32)
            self._arriving.append((now_ns + POSE_TRAVEL_NS, now_ns, block, tool))
        if self._ticks % SCORE_TICKS == 0:
            self.recording.score(min(simulation.coverage() / FULL_COVERAGE, 1.0))
        self._ticks += 1
        if self.recording.is_full or self.recording.best_score >= 1.0:
            raise EpisodeOverError
        simulation.step(command[0], command[1])
