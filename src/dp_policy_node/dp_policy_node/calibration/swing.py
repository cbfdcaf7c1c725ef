# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Plays the measuring motion as chunks, exactly as a policy's go to the controller.

What is known of the command in the end is what the policy node knows of its own: so the delay
that is measured is the one that the node has to make up for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import threading

from dp_core.braking import LastSeen
from dp_core.calibration.delay import Signal
from dp_core.calibration.excitation import Excitation
from dp_core.chunk import ActionChunk
from dp_core.errors import CalibrationError
from dp_core.limits import MotionLimits
from dp_core.motion import CommandedMotion
from dp_core.motion import Trajectory
from dp_core.trajectory import connect
from dp_core.trajectory import TrajectorySettings
from dp_policy_node.calibration.recorder import Recorder
from dp_policy_node.trajectory_output import TrajectoryOutput
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node

Array = NDArray[np.float64]
STEP_NS = 50_000_000
# A new chunk is sent so often; each reaches a second ahead, and ends at rest.
REPLAN_S = 0.4
POLL_S = 0.02
# The arm rests so long before and after, and is recorded there too [s].
REST_S = 0.8
# Joint states may pause so long [s].
SILENCE_S = 0.5
# An arm this far from its command is moved by somebody else [rad].
ASTRAY = 0.15
# A joint that was to move so far and did not move a fifth of it stands still [rad].
STILL = 0.015
# An arm that reacts as late as this is still measured [ns].
SLOWEST_NS = 500_000_000
BRAKE_ACCELERATION = 2.0


class MotionInterruptedError(Exception):
    """A person asked the motion to stop."""


class StandingArmError(CalibrationError):
    """The arm stands at ``position`` (J,) [rad] although it is commanded to move."""

    def __init__(self, position: Array, reason: str):
        super().__init__(reason)
        self.position = position


@dataclass
class Swing:
    """One joint of one action group swings.

    Attributes:
        node: whose clock is used.
        output: to the group's controller.
        recorder: hears joint states and streams.
        limits: of the group's joints.
        excitation: the motion.
        joint: which of the group's joints.
        stop: set by another thread to end it at once.
        why_stop: asked all the time; returns what forbids motion, or ''.
        brakes: whether it has ended, and the arm is braked where it still moves.
    """

    node: Node
    output: TrajectoryOutput
    recorder: Recorder
    limits: MotionLimits
    excitation: Excitation
    joint: int
    stop: threading.Event
    why_stop: Callable[[], str] = lambda: ''
    brakes: bool = False

    def play(self, columns: list[int]) -> tuple[Signal, int]:
        """Swing and come to rest where it began; return what was commanded.

        Args:
            columns: where the recorder has the group's joints.

        Returns:
            Commanded positions of the joint (N, 1) [rad], and the instant that their times, in
            seconds, count from [ns].

        Raises:
            CalibrationError: the arm does not follow, or fell silent, or motion is forbidden; it
                brakes.
            MotionInterruptedError: ``stop`` was set; it brakes.
        """
        state = self.recorder.state
        if state is None:
            raise CalibrationError('no joint states')
        start = state.positions[columns]
        self.recorder.begin()
        self._wait(REST_S, None, columns)
        origin_ns = self._now_ns() + 2 * STEP_NS
        chunk = self._chunk(start, origin_ns)
        end_ns = origin_ns + round(self.excitation.duration_s * 1e9)
        epoch = self.output.begin()
        sent: list[Trajectory] = []
        last_seen = None
        try:
            while self._now_ns() < end_ns - 2 * STEP_NS:
                trajectory = self.output.send(epoch, lambda *now: self._plan(chunk, *now))
                if trajectory is not None:
                    sent.append(trajectory)
                self._wait(REPLAN_S, sent, columns)
            rest_s = (self.output.end_ns - self._now_ns()) * 1e-9
            self._wait(max(0.0, rest_s) + REST_S, sent, columns)
        except StandingArmError as error:
            last_seen = LastSeen(error.position, stands=True)
            raise
        finally:
            self.brakes = True
            self.output.brake(BRAKE_ACCELERATION, epoch, None, last_seen)
            self.output.wait_rest()
        return _commanded(start, sent, self.joint, origin_ns), origin_ns

    def _chunk(self, start: Array, origin_ns: int) -> ActionChunk:
        count = round(self.excitation.duration_s * 1e9) // STEP_NS + 30  # and hold the place
        times_s = np.minimum(np.arange(count) * STEP_NS * 1e-9, self.excitation.duration_s)
        positions = np.tile(start, (count, 1))
        positions[:, self.joint] += self.excitation.offsets(times_s)
        return ActionChunk(
            origin_ns, STEP_NS, 0, self.output.joint_names, positions, positions.copy()
        )

    def _plan(self, chunk: ActionChunk, motion: CommandedMotion, now_ns: int) -> Trajectory:
        return connect(chunk, motion, now_ns, TrajectorySettings(seam='replace'), self.limits)

    def _now_ns(self) -> int:
        return int(self.node.get_clock().now().nanoseconds)

    def _wait(self, seconds: float, sent: list[Trajectory] | None, columns: list[int]) -> None:
        """Watch over the arm for some time.

        Raises:
            CalibrationError, MotionInterruptedError: as `play`.
        """
        end_ns = self._now_ns() + round(seconds * 1e9)
        while self._now_ns() < end_ns:
            if self.stop.wait(POLL_S):
                raise MotionInterruptedError
            why = self.why_stop()
            if why:
                raise CalibrationError(f'{why}; the arm brakes')
            if self.recorder.joint_silence_s > SILENCE_S:
                raise CalibrationError(
                    f'no joint states for {self.recorder.joint_silence_s:.1f} s; the arm brakes'
                )
            if sent:
                self._require_following(sent, columns)

    def _require_following(self, sent: list[Trajectory], columns: list[int]) -> None:
        state, commanded = self.recorder.state, self.output.command_at(self._now_ns())
        if state is None or commanded is None:
            return
        astray = np.abs(state.positions[columns] - commanded.position)
        if astray.max() > ASTRAY:
            joint = self.output.joint_names[int(np.argmax(astray))]
            raise CalibrationError(
                f'{joint} is {astray.max():.2f} rad from its command; does something else move '
                'the arm? It brakes'
            )
        until_ns = self._now_ns() - SLOWEST_NS
        so_far = _commanded(sent[0].start_position, sent, self.joint, 0, until_ns).values
        column = columns[self.joint]
        measured = self.recorder.positions()[:, column]
        if np.ptp(so_far) > STILL and np.ptp(measured) < 0.2 * np.ptp(so_far):
            joint = self.output.joint_names[self.joint]
            raise StandingArmError(
                state.positions[columns],
                f'{joint} was commanded to move over {np.ptp(so_far):.3f} rad and moved over '
                f'{np.ptp(measured):.4f}: the arm does not follow (protective stop, brakes, '
                'inactive controller?)',
            )


def _commanded(
    start: Array, sent: list[Trajectory], joint: int, origin_ns: int, until_ns: int | None = None
) -> Signal:
    """Commanded positions (N, 1) [rad] every 2 ms, from before the first trajectory on."""
    if not sent:
        raise CalibrationError('nothing was sent')
    ends = [t.start_ns for t in sent[1:]] + [min(until_ns or sent[-1].end_ns, sent[-1].end_ns)]
    times_s = [np.array([(sent[0].start_ns - origin_ns) * 1e-9 - REST_S])]
    values = [np.array([start[joint]])]
    for trajectory, end_ns in zip(sent, ends):
        since_s = np.arange(0.0, (end_ns - trajectory.start_ns) * 1e-9, 0.002)
        times_s.append((trajectory.start_ns - origin_ns) * 1e-9 + since_s)
        values.append(trajectory.curve()(since_s)[:, joint])
    positions = np.concatenate(values)
    times_s.append(np.array([(sent[-1].end_ns - origin_ns) * 1e-9 + REST_S]))
    return Signal(np.concatenate(times_s), np.append(positions, positions[-1])[:, None])
