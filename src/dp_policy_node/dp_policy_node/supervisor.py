# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Decides, many times a second, whether a running episode must end, and with which code."""

from __future__ import annotations

import time

from dp_core.braking import LastSeen
from dp_core.errors import ObservationError
from dp_core.watchdog import Fault
from dp_core.watchdog import Watchdog
from dp_core.watchdog import WatchdogSettings
from dp_policy_node.arm_watch import ArmWatch
from dp_policy_node.episode import Code
from dp_policy_node.episode import CODES
from dp_policy_node.episode import Ending
from dp_policy_node.episode import Episode
from dp_policy_node.observation_input import Complaint
from dp_policy_node.observation_input import ObservationInput
from dp_policy_node.robot import Robot
from dp_policy_node.safety_inputs import SafetyInputs

# Joint states must arrive within this time even when a simulated clock stands still [s].
SILENCE_S = 3.0
# When two checks lie further apart than the first, this process did not get the processor: what
# has arrived meanwhile may be read within the second, before its absence is judged [s].
HELD_UP_S, CATCH_UP_S = 0.1, 0.05
PATIENT_S = 0.3  # one that is held up again and again is not waited for longer
STALLS = (Fault.JOINT_STATE_STALL, Fault.OBSERVATION_STALL)


class Supervisor:
    """Watches one episode and can stop it."""

    def __init__(
        self,
        episode: Episode,
        inputs: ObservationInput,
        robot: Robot,
        safety: SafetyInputs,
    ):
        """Begin with the episode."""
        settings = episode.plan.settings
        self._episode = episode
        self._settings = settings
        self._inputs = inputs
        self._output = robot.output
        self._worker = robot.worker
        self._arm = ArmWatch(robot.controllers, robot.output, safety, settings)
        self._watchdog = Watchdog(WatchdogSettings(settings.stall_timeout))
        self._newest_window_ns = episode.accepted_ns + inputs.history_ns
        self._why_no_window = ''
        self._checked_s = time.monotonic()
        self._patient_until_s = 0.0
        self._held_up_since_s: float | None = None
        self._trusted_ns: tuple[int, int] | None = None  # ROS and steady clock, when they agreed
        self._has_jumped = False
        self._is_silent = False  # the robot

    @property
    def stalled(self) -> bool:
        """Whether no window can be built at the moment."""
        return bool(self._why_no_window)

    def brake(self, code: int = Code.NONE) -> None:
        """Stop the arm, unless a newer episode moves it already; ``code`` is of the ending."""
        if code == Code.SPEED_SCALING:
            self._arm.note_slowed()
        before_jump = self._trusted_ns if self._has_jumped else None
        state = self._inputs.robot_state
        last_seen = None
        if self._arm.stands_at is not None:
            last_seen = LastSeen(self._arm.stands_at, stands=True)
        elif self._is_silent and state is not None:
            last_seen = LastSeen(state.positions, state.velocities)
        self._output.brake(
            self._settings.max_acceleration, self._episode.epoch, before_jump, last_seen
        )
        self._worker.wake()

    def check(self, now_ns: int) -> Ending | None:
        """Return why the episode must end now, or None.

        Args:
            now_ns: the ROS clock [ns].
        """
        complaint = self._inputs.complaint
        if complaint is not None and complaint.invalid:
            return Ending(Code.INVALID_OBSERVATION, complaint.reason)
        return (
            self._arm.check_signals()
            or self._watch(now_ns)
            or self._check_worker(now_ns)
            or self._arm.check_following(now_ns, is_catching_up=self._is_catching_up())
            or self._check_time(now_ns)
        )

    def _of_now(self, complaint: Complaint | None) -> Complaint | None:
        """Return a complaint unless it is of a single message long ago, which explains nothing."""
        if complaint is None:
            return None
        age_s = time.monotonic() - complaint.steady_s
        return None if age_s > self._settings.stall_timeout else complaint

    def _watch(self, now_ns: int) -> Ending | None:
        steady_ns = time.monotonic_ns()  # before anything that takes time: both clocks as one
        try:
            self._newest_window_ns = max(
                self._newest_window_ns, self._inputs.window(now_ns).t_obs_ns
            )
            self._why_no_window = ''
        except ObservationError as error:
            self._why_no_window = str(error)
        complaint = self._of_now(self._inputs.complaint)
        of_joints = self._of_now(self._inputs.joint_complaint)
        why = f'{self._why_no_window}: {complaint.reason}' if complaint else self._why_no_window
        self._note_hold_up()
        state = self._inputs.robot_state
        verdict = self._watchdog.check(
            now_ns,
            steady_ns,
            self._newest_window_ns,
            state.stamp_ns if state else None,
            why,
        )
        self._has_jumped = verdict is not None and verdict.fault is Fault.CLOCK_JUMP
        stalls = verdict is not None and verdict.fault in STALLS  # whichever is noticed first
        unheard = self._inputs.joint_silence_s > self._settings.stall_timeout / 2
        self._is_silent = stalls and unheard and of_joints is None  # not only wrong stamps
        if not self._has_jumped:
            self._trusted_ns = now_ns, steady_ns
        if verdict is not None and not (verdict.fault in STALLS and self._is_catching_up()):
            code = CODES[verdict.fault]
            if verdict.fault is Fault.JOINT_STATE_STALL:
                complaint = of_joints
            if complaint is not None and verdict.fault is not Fault.CLOCK_JUMP:
                code = Code.CLOCK_JUMP if complaint.future else Code.INVALID_OBSERVATION
            return Ending(code, verdict.reason)
        if self._inputs.joint_silence_s > SILENCE_S:
            return Ending(
                Code.JOINT_STATE_STALL,
                f'no joint state has arrived for {self._inputs.joint_silence_s:.1f} s',
            )
        return None

    def _note_hold_up(self) -> None:
        last_s, self._checked_s = self._checked_s, time.monotonic()
        if self._checked_s - last_s > HELD_UP_S:
            self._held_up_since_s = self._held_up_since_s or self._checked_s
            if self._checked_s - self._held_up_since_s < PATIENT_S:
                self._patient_until_s = self._checked_s + CATCH_UP_S
        elif self._checked_s > self._patient_until_s:
            self._held_up_since_s = None

    def _is_catching_up(self) -> bool:
        return self._checked_s < self._patient_until_s

    def _check_worker(self, now_ns: int) -> Ending | None:
        if not self._worker.is_alive:
            return Ending(Code.INFERENCE_FAILED, 'the inference thread died; see its traceback')
        if self._worker.busy_s > self._settings.inference_timeout:
            return Ending(
                Code.INFERENCE_FAILED,
                f'a prediction takes longer than {self._settings.inference_timeout} s',
            )
        expired = self._worker.expired_in_row
        rest_s = (now_ns - max(self._output.end_ns, self._episode.accepted_ns)) * 1e-9
        if expired and rest_s > self._settings.stall_timeout:
            return Ending(
                Code.OVERRUN,
                f'the arm has waited for the policy for {rest_s:.2f} s; chunks in a row that came '
                f'when nothing of them was left to send: {expired}',
            )
        return None

    def _check_time(self, now_ns: int) -> Ending | None:
        timeout_s = self._episode.plan.timeout_s
        if self._episode.elapsed_ns(now_ns) * 1e-9 > timeout_s:
            return Ending(Code.TIMEOUT, f'no success within {timeout_s:g} s')
        return None
