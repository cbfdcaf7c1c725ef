# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the trials hear at the controller: its reference, and the trajectories sent to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import threading
import time
from typing import Any

from dp_bringup.fault_trials.motion import Ticks
from dp_bringup.fault_trials.motion import Track
from dp_core.errors import DpError
from dp_msgs.msg import ActionChunk
import numpy as np
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

PATIENCE_S = 60.0
POLL_S = 0.005
QOS = QoSProfile(depth=5000)  # nothing shall be lost while this process waits for a core
BRAKE_POINTS = 4  # at most; a chunk that comes to rest has as many, but evenly spaced
EVEN_S = 1e-4
SILENT_S = 0.3  # the reference of a controller that is active is never silent for so long


class TrialError(DpError):
    """A trial could not be carried out."""


def wait(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Wait for a condition and return its value; raises TrialError when it never holds."""
    end_s = time.monotonic() + patience_s
    while not (value := condition()):
        if time.monotonic() > end_s:
            raise TrialError(f'waited {patience_s:g} s in vain for {what}')
        time.sleep(POLL_S)
    return value


class Spinner:
    """Spins one node in a thread of its own."""

    def __init__(self, context: Context, node: Node) -> None:
        """Start."""
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(node)
        self._node = node
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and destroy the node."""
        self._executor.shutdown()
        self._thread.join(5.0)
        self._node.destroy_node()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            pass


@dataclass(frozen=True)
class Sent:
    """A trajectory as it was heard: on the steady clock [s], at a stamp of the reference [ns]."""

    heard_s: float
    stamp_ns: int
    times_s: tuple[float, ...]
    ends_at_rest: bool

    @property
    def is_brake(self) -> bool:
        """Whether it is a brake, not a chunk."""
        gaps_s = np.diff(self.times_s)
        return len(gaps_s) < BRAKE_POINTS - 1 or (
            len(gaps_s) == BRAKE_POINTS - 1 and float(np.ptp(gaps_s)) > EVEN_S
        )


class MotionRecorder:
    """Listens to the reference, at 500 Hz, and to the trajectories."""

    def __init__(self, context: Context, joints: tuple[str, ...]) -> None:
        """Begin to listen; `joints` is the order of the columns."""
        self._joints = joints
        self._heard_s = 0.0  # the newest of the reference, on the steady clock
        self.clear()
        node = Node('fault_trials_recorder', context=context, enable_rosout=False)
        controller = '/joint_trajectory_controller'
        node.create_subscription(JointState, f'{controller}/reference', self._on_reference, QOS)
        node.create_subscription(
            JointTrajectory, f'{controller}/joint_trajectory', self._on_sent, QOS
        )
        node.create_subscription(ActionChunk, '/policy_node/action_chunk', self._on_chunk, QOS)
        self._spinner = Spinner(context, node)

    def close(self) -> None:
        """Leave the graph."""
        self._spinner.close()

    def clear(self) -> None:
        """Forget everything."""
        self._stamps: list[int] = []
        self._lags: list[int] = []
        self._rows: list[tuple[Any, Any]] = []
        self.sent: list[Sent] = []
        self.late: list[tuple[float, float]] = []
        self.plans: list[ActionChunk] = []

    @property
    def now_ns(self) -> int:
        """Newest stamp of the reference; 0 before the first [ns]."""
        return self._stamps[-1] if self._stamps else 0

    @property
    def speed(self) -> float:
        """Newest speed of the reference, of its fastest joint [rad/s]."""
        return max(map(abs, self._rows[-1][1])) if self._rows else 0.0

    def chunks(self, since_s: float = 0.0) -> int:
        """Count chunks heard after `since_s` on the steady clock."""
        return sum(not sent.is_brake and sent.heard_s > since_s for sent in tuple(self.sent))

    def brake(self, since_s: float) -> Sent | None:
        """Return the first brake heard after `since_s` on the steady clock."""
        return next((x for x in tuple(self.sent) if x.is_brake and x.heard_s > since_s), None)

    def track(self, begin_ns: int) -> Track:
        """Return the reference since a stamp."""
        count = len(self._rows)  # the stamps are appended after the rows
        stamps = np.array(self._stamps[:count], dtype=np.int64)
        rows = np.array(self._rows[: len(stamps)]).reshape(-1, 2, len(self._joints))
        keep = stamps >= begin_ns
        return Track((stamps[keep] - begin_ns) * 1e-9, rows[keep, 0], rows[keep, 1])

    def take(self) -> Ticks:
        """Return what was heard of the reference, and forget it."""
        count = len(self._stamps)  # appended last
        stamps = np.array(self._stamps[:count], dtype=np.int64)
        heard = stamps + np.array(self._lags[:count], dtype=np.int64)
        rows = np.array(self._rows[:count]).reshape(-1, 2, len(self._joints))
        keep = max(0, count - 1)  # the newest tells position and speed
        del self._stamps[:keep], self._lags[:keep], self._rows[:keep]
        part = slice(0, keep)
        ticks = Ticks(heard * 1e-9, stamps * 1e-9, rows[:, 0], rows[:, 1])
        return ticks.rows(part)

    def stamp_of_now(self) -> int:
        """Return the robot's time at this moment; what is heard of it arrives later [ns]."""
        return time.time_ns() - min(self._lags, default=0)

    def lag_s(self, begin_ns: int) -> float:
        """Return how far the robot, or our hearing of it, lagged behind the clock at most [s]."""
        pairs = zip(tuple(self._stamps), tuple(self._lags))
        return max((lag for stamp, lag in pairs if stamp >= begin_ns), default=0) * 1e-9

    def see_rest(self, watched_s: float, patience_s: float = PATIENCE_S, *, halts: bool) -> None:
        """Wait until the reference rests, and watch it for so much simulated time.

        Args:
            watched_s: how long it is watched [s].
            patience_s: longest wait for its rest [s].
            halts: it may also end, by a controller that was switched off.
        """

        def ended() -> bool:
            return halts and time.monotonic() - self._heard_s > SILENT_S

        wait(lambda: self.speed == 0.0 or ended(), 'the reference at rest', patience_s)
        if ended():
            time.sleep(watched_s)
        else:
            self.simulate(watched_s)

    def simulate(self, seconds: float) -> None:
        """Let so much simulated time pass."""
        end_ns = self.now_ns + round(seconds * 1e9)
        wait(lambda: self.now_ns >= end_ns, f'{seconds} s of simulated time')

    def _on_reference(self, message: JointState) -> None:
        if tuple(message.name) != self._joints:
            raise TrialError(f'the reference has joints {message.name}, not {self._joints}')
        self._heard_s = time.monotonic()
        self._rows.append((message.position, message.velocity))
        stamp_ns = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        self._lags.append(time.time_ns() - stamp_ns)
        self._stamps.append(stamp_ns)

    def _on_chunk(self, message: ActionChunk) -> None:
        """Keep a chunk; note when [s] it was heard, and how long after it was to begin [s]."""
        self.plans.append(message)
        if self.sent:
            ago_s = time.monotonic() - self.sent[-1].heard_s  # it was sent first
            stamp = message.header.stamp
            begin_s = stamp.sec + stamp.nanosec * 1e-9 + message.observation_age
            heard_s = time.time() - ago_s
            self.late.append((heard_s, heard_s - begin_s))

    def _on_sent(self, message: JointTrajectory) -> None:
        times = [p.time_from_start.sec + p.time_from_start.nanosec * 1e-9 for p in message.points]
        at_rest = not any(message.points[-1].velocities)
        self.sent.append(Sent(time.monotonic(), self.now_ns, tuple(times), at_rest))
