# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The one thread that runs the pipeline, and the replanning rule.

Chunk i+1 takes over ``n_action_steps`` steps after chunk i took over. Its prediction begins
so that it is ready then, from the newest window at that moment; when it is ready early it waits
for the take-over, and only then is it joined to the commanded motion and sent. The first chunk is
sent at once. See `dp_core.chunk` for the timeline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import threading
import time

from dp_core.chunk import ActionChunk
from dp_core.continuation import ChunkHistory
from dp_core.continuation import Continuation
from dp_core.errors import DpError
from dp_core.errors import ExpiredError
from dp_core.errors import KinematicsError
from dp_core.errors import LimitError
from dp_core.errors import NotReadyError
from dp_core.guard import SLOWED_RAD
from dp_core.motion import CommandedMotion
from dp_core.motion import Trajectory
from dp_core.observation import ObservationWindow
from dp_core.trajectory import TrajectorySettings
from dp_msgs.action import ExecutePolicy
from dp_policy_node.command_model import HEARD_S
from dp_policy_node.observation_input import ObservationInput
from dp_policy_node.policies import LoadedPolicy
from dp_policy_node.trajectory_output import PLANNING_NS
from dp_policy_node.trajectory_output import TrajectoryOutput
import numpy as np
from numpy.typing import NDArray
from rclpy.clock import Clock

WINDOW_POLL_S = 0.005
# When it wakes up it works off what it has missed, and would begin a chunk of now too soon [s].
CATCH_UP_S = 0.03


@dataclass(frozen=True)
class Run:
    """What the worker does for one goal.

    Attributes:
        policy: which policy decides.
        inputs: where its windows come from.
        settings: how chunks become motion.
        speed_scale: in (0, 1].
        epoch: permission to send, from `TrajectoryOutput.begin`.
        on_chunk: called after each chunk that was sent.
        on_fault: called once with an error code and a reason; the run is over.
    """

    policy: LoadedPolicy
    inputs: ObservationInput
    settings: TrajectorySettings
    speed_scale: float
    epoch: int
    on_chunk: Callable[[SentChunk], None]
    on_fault: Callable[[int, str], None]


@dataclass(frozen=True)
class SentChunk:
    """A chunk on its way.

    Attributes:
        chunk: what the policy wanted.
        trajectory: what was sent.
        inference_s: time of the prediction [s].
        planned_ns: when the take-over was due on the ROS clock [ns].
    """

    chunk: ActionChunk
    trajectory: Trajectory
    inference_s: float
    planned_ns: int

    @property
    def observation_age_s(self) -> float:
        """Age of the newest observation when the chunk was sent [s]."""
        return (self.trajectory.start_ns - self.chunk.stamp_ns) * 1e-9


class InferenceWorker:
    """Runs one `Run` after another; a newer one, or a brake, ends the one before."""

    def __init__(self, clock: Clock, output: TrajectoryOutput):
        """Start the thread."""
        self._clock = clock
        self._output = output
        self._condition = threading.Condition()
        self._run: Run | None = None
        self._closing = False
        self._busy_since_s: float | None = None
        self.expired_chunks = 0
        self.expired_in_row = 0  # since the last chunk that was sent
        self.refused_chunks = self.slowed_chunks = self.clamped_steps = 0
        self._thread = threading.Thread(target=self._loop, name='inference', daemon=True)
        self._thread.start()

    def start(self, run: Run) -> None:
        """Work for ``run`` from now on."""
        with self._condition:
            self._run = run
            self.expired_in_row = 0
            self._condition.notify_all()

    def wake(self) -> None:
        """Look at once whether the run is still current; called after a brake."""
        with self._condition:
            self._condition.notify_all()

    def close(self) -> None:
        """End the thread; waits for a prediction that is under way."""
        with self._condition:
            self._closing, self._run = True, None
            self._condition.notify_all()
        self._thread.join(timeout=5.0)

    @property
    def is_alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    @property
    def busy_s(self) -> float:
        """How long the prediction under way has taken so far; 0.0 when there is none [s]."""
        since = self._busy_since_s
        return 0.0 if since is None else time.monotonic() - since

    def _loop(self) -> None:
        while True:
            with self._condition:
                while self._run is None and not self._closing:
                    self._condition.wait()
                run, self._run = self._run, None
            if run is None:
                return
            try:
                self._drive(run)
            except (LimitError, KinematicsError) as error:
                self.refused_chunks += 1
                run.on_fault(ExecutePolicy.Result.LIMIT, str(error))
            except (DpError, RuntimeError, ValueError, ArithmeticError) as error:
                run.on_fault(ExecutePolicy.Result.INFERENCE_FAILED, str(error))

    def _drive(self, run: Run) -> None:
        """Send chunk after chunk until the run is over."""
        steps = run.policy.contract.n_action_steps
        self.expired_in_row = 0
        takeover_ns: int | None = None
        newest_ns = 0
        history = ChunkHistory()
        while self._is_current(run):
            if takeover_ns is not None:
                step_ns = run.policy.contract.dt_ns
                ahead_ns = min(self._until_begin_ns(run), steps * step_ns)
                self._sleep_until(takeover_ns - ahead_ns, run)
            window = self._next_window(run, newest_ns)
            if window is None:
                return
            newest_ns = window.t_obs_ns
            chunk, inference_s = self._predict(run, window, takeover_ns, history)
            self.clamped_steps += chunk.clamped_steps
            if takeover_ns is not None:
                self._sleep_until(takeover_ns - PLANNING_NS, run)
            self._wait_until_heard(run)
            try:
                trajectory = self._send(run, chunk)
            except ExpiredError:
                self.expired_chunks += 1
                self.expired_in_row += 1
                continue
            if trajectory is None:
                return
            self.expired_in_row = 0
            self.slowed_chunks += trajectory.deviation > SLOWED_RAD
            planned_ns = trajectory.start_ns if takeover_ns is None else takeover_ns
            takeover_ns = chunk.takeover_ns(trajectory.start_ns, steps)
            history.add(chunk)
            run.on_chunk(SentChunk(chunk, trajectory, inference_s, planned_ns))

    def _send(self, run: Run, chunk: ActionChunk) -> Trajectory | None:
        def plan(motion: CommandedMotion, now_ns: int) -> Trajectory:
            return run.policy.pipeline.connect(chunk, motion, now_ns, run.settings)

        return self._output.send(run.epoch, plan)

    def _predict(
        self,
        run: Run,
        window: ObservationWindow,
        takeover_ns: int | None,
        history: ChunkHistory,
    ) -> tuple[ActionChunk, float]:
        ready_ns = self._clock.now().nanoseconds + self._until_begin_ns(run)
        joined_ns = max(ready_ns, takeover_ns or 0)
        continuation = Continuation(
            run.settings,
            history.chunks,
            self._commanded,
            joined_ns + round(run.settings.lead_s * 1e9),
        )
        self._busy_since_s = begin_s = time.monotonic()
        try:
            chunk = run.policy.pipeline.predict(
                window, self._commanded(np.array([joined_ns]))[0], run.speed_scale, continuation
            )
            self._hold_back(run)
        finally:
            self._busy_since_s = None
        inference_s = time.monotonic() - begin_s
        run.policy.latencies.add(inference_s)
        return chunk, inference_s

    def _until_begin_ns(self, run: Run) -> int:
        """Time from asking for a prediction to the begin of its motion, as a rule [ns]."""
        return round(run.policy.latencies.expected_s() * 1e9) + PLANNING_NS

    def _commanded(self, times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        commands = [self._output.command_at(int(time_ns)) for time_ns in times_ns]
        if None in commands:
            raise RuntimeError('no motion to continue; the run has not begun')
        return np.array([command.position for command in commands if command is not None])

    def _hold_back(self, run: Run) -> None:
        """Pass the time by which a slower computer would be later."""
        if run.policy.delay_s:
            delay_ns = round(run.policy.delay_s * 1e9)
            self._sleep_until(self._clock.now().nanoseconds + delay_ns, run)

    def _next_window(self, run: Run, after_ns: int) -> ObservationWindow | None:
        """Wait for a window newer than ``after_ns``; None when the run is over."""
        while self._is_current(run):
            try:
                window = run.inputs.window(self._clock.now().nanoseconds)
                if window.t_obs_ns > after_ns:
                    return window
            except NotReadyError:
                pass  # the watchdog tells, when it takes too long
            with self._condition:
                self._condition.wait(WINDOW_POLL_S)
        return None

    def _wait_until_heard(self, run: Run) -> None:
        """Wait for a joint state of now; the watchdog ends the run when none comes."""
        with self._condition:
            go_on_s = 0.0
            while self._is_current(run):
                if run.inputs.joint_silence_s > HEARD_S:
                    go_on_s = time.monotonic() + CATCH_UP_S
                elif time.monotonic() >= go_on_s:
                    return
                self._condition.wait(WINDOW_POLL_S)

    def _sleep_until(self, time_ns: int, run: Run) -> None:
        """Sleep on the ROS clock; returns early when the run is over."""
        with self._condition:
            while self._is_current(run):
                remaining_s = (time_ns - self._clock.now().nanoseconds) * 1e-9
                if remaining_s <= 0:
                    return
                # In steps: a simulated clock may be slower or jump.
                self._condition.wait(min(remaining_s, 0.05))

    def _is_current(self, run: Run) -> bool:
        return self._run is None and not self._closing and self._output.is_current(run.epoch)
