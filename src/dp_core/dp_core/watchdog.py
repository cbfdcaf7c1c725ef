# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Decides when a running goal must end for safety. Pure: clocks are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from dp_core.errors import ConfigError


class Fault(Enum):
    """Why the arm is stopped."""

    OBSERVATION_STALL = 'observation_stall'
    JOINT_STATE_STALL = 'joint_state_stall'
    CLOCK_JUMP = 'clock_jump'  # or stands still: a clock that cannot be trusted
    EMERGENCY_STOP = 'emergency_stop'
    DEADMAN = 'deadman'
    ROBOT_PROGRAM = 'robot_program'
    SAFETY_MODE = 'safety_mode'
    SPEED_SCALING = 'speed_scaling'
    CONTROLLER = 'controller'  # the arm does not follow


@dataclass(frozen=True)
class Verdict:
    """A fault and a sentence for a person."""

    fault: Fault
    reason: str


@dataclass(frozen=True)
class WatchdogSettings:
    """Limits of patience.

    Attributes:
        stall_timeout_s: longest time without a new window or joint state [s]. Shorter gaps are
            bridged by the chunk that is being executed.
        clock_jump_s: largest disagreement between the ROS clock and the steady clock over one
            check [s].
        clock_stopped_s: longest time for which the ROS clock may stand still, as that of a paused
            simulation does [s]. Without it nothing would ever seem late after a simulator died.
    """

    stall_timeout_s: float = 0.5
    clock_jump_s: float = 0.25
    clock_stopped_s: float = 3.0

    def __post_init__(self) -> None:
        for name in ('stall_timeout_s', 'clock_jump_s', 'clock_stopped_s'):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f'{name} is {getattr(self, name)}, valid: a positive number')


class Watchdog:
    """Checked at a fixed rate while a goal runs; each goal has its own."""

    def __init__(self, settings: WatchdogSettings):
        self._settings = settings
        self._last: tuple[int, int] | None = None
        self._moved_ns = 0  # steady time at which the ROS clock was last seen to move
        self._lag_s = 0.0  # by how much the ROS clock fell behind from one check to the next [s]

    def check(
        self,
        now_ns: int,
        steady_ns: int,
        window_ns: int | None,
        joint_state_ns: int | None,
        why_no_window: str = '',
    ) -> Verdict | None:
        """Return the first fault found, or None.

        Args:
            now_ns: ROS clock [ns].
            steady_ns: monotonic clock [ns].
            window_ns: newest t_obs for which a window could be built [ns].
            joint_state_ns: stamp of the newest usable joint state [ns].
            why_no_window: the synchroniser's last complaint, for the message.
        """
        verdict = self._check_clock(now_ns, steady_ns)
        if verdict is not None:
            return verdict
        for fault, newest_ns, what in (
            (Fault.JOINT_STATE_STALL, joint_state_ns, 'joint states'),
            (Fault.OBSERVATION_STALL, window_ns, 'a complete observation'),
        ):
            if newest_ns is None:
                return Verdict(fault, f'{what} never arrived; {why_no_window}')
            age_s = (now_ns - newest_ns) * 1e-9
            if age_s > self._settings.stall_timeout_s:
                return Verdict(
                    fault,
                    f'{what} stopped {age_s:.3f} s ago, allowed are '
                    f'{self._settings.stall_timeout_s} s; {why_no_window}',
                )
        return None

    def _check_clock(self, now_ns: int, steady_ns: int) -> Verdict | None:
        last, self._last = self._last, (now_ns, steady_ns)
        if last is None or now_ns != last[0]:
            self._moved_ns = steady_ns
        if last is None:
            return None
        ros_s, steady_s = (now_ns - last[0]) * 1e-9, (steady_ns - last[1]) * 1e-9
        # A slow or paused simulation clock may lag; it may not go back or run ahead. But a process
        # that was held up may have read a time from before, and makes up for that at once.
        lag_s, self._lag_s = self._lag_s, max(0.0, steady_s - ros_s)
        if ros_s < 0 or ros_s - steady_s > self._settings.clock_jump_s + lag_s:
            return Verdict(
                Fault.CLOCK_JUMP,
                f'the ROS clock moved by {ros_s:.3f} s while {steady_s:.3f} s passed',
            )
        still_s = (steady_ns - self._moved_ns) * 1e-9
        if still_s > self._settings.clock_stopped_s:
            return Verdict(
                Fault.CLOCK_JUMP,
                f'the ROS clock has stood still for {still_s:.3f} s; is the simulator alive?',
            )
        return None
