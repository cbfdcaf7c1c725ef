# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Interlocks: signals of operator and robot that must all allow motion. Pure.

A signal is judged at the moment it is heard, so that no stop is missed between two looks: a
program that stopped, and runs again by itself, has ended the goal all the same. While nothing was
heard of a signal yet, nothing may move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
import math

from dp_core.errors import ConfigError
from dp_core.watchdog import Fault
from dp_core.watchdog import Verdict

# ur_dashboard_msgs/SafetyMode: normal and reduced; other modes by the name that a person knows.
SAFE_MODES = (1, 2)
SAFETY_MODES = {
    3: 'protective stop',
    4: 'recovery',
    5: 'safeguard stop',
    6: 'emergency stop of the system',
    7: 'emergency stop of the robot',
    8: 'violation',
    9: 'fault',
    12: 'safeguard stop in automatic mode',
    13: 'three position enabling stop',
}
RUNNING = 7  # of ur_dashboard_msgs/RobotMode
# A robot may be slowed down for this long, as in the first moments of a program [s].
SLOW_GRACE_S = 0.2


class Kind(Enum):
    """What a signal means, and what its value must be."""

    EMERGENCY_STOP = 'emergency stop'  # false, and heard again and again if that is asked for
    DEADMAN = 'deadman switch'  # true, and heard again and again
    PROGRAM_RUNNING = 'program of the robot'  # true
    SAFETY_MODE = 'safety mode'  # one of SAFE_MODES
    ROBOT_MODE = 'robot mode'  # RUNNING
    SPEED_SCALING = 'speed scaling'  # a fraction of the commanded speed, not below a minimum


FAULTS = {
    Kind.EMERGENCY_STOP: Fault.EMERGENCY_STOP,
    Kind.DEADMAN: Fault.DEADMAN,
    Kind.PROGRAM_RUNNING: Fault.ROBOT_PROGRAM,
    Kind.SAFETY_MODE: Fault.SAFETY_MODE,
    Kind.ROBOT_MODE: Fault.ROBOT_PROGRAM,
    Kind.SPEED_SCALING: Fault.SPEED_SCALING,
}


@dataclass(frozen=True)
class InterlockSettings:
    """Limits of the signals.

    Attributes:
        deadman_timeout_s: longest silence of a deadman switch that is held [s].
        min_speed_scaling: least fraction of the commanded speed [1]; 0 allows any.
        emergency_stop_timeout_s: longest silence of an emergency stop that is not pressed [s]; 0
            for any, since many tell only when they are pressed.
    """

    deadman_timeout_s: float = 0.5
    min_speed_scaling: float = 0.2
    emergency_stop_timeout_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.deadman_timeout_s > 0.0:
            raise ConfigError(
                f'deadman_timeout_s is {self.deadman_timeout_s}, valid: a positive number'
            )
        if not 0.0 <= self.min_speed_scaling <= 1.0:
            raise ConfigError(f'min_speed_scaling is {self.min_speed_scaling}, valid: 0 to 1')
        if not self.emergency_stop_timeout_s >= 0.0:
            raise ConfigError(
                f'emergency_stop_timeout_s is {self.emergency_stop_timeout_s}, valid: 0 or more'
            )

    def longest_silence_s(self, kind: Kind) -> float:
        """Return how long a signal may be silent [s]; infinite for one that is told once."""
        if kind is Kind.DEADMAN:
            return self.deadman_timeout_s
        if kind is Kind.EMERGENCY_STOP and self.emergency_stop_timeout_s:
            return self.emergency_stop_timeout_s
        return math.inf


class _Signal:
    """The newest value of one source."""

    def __init__(self, kind: Kind, source: str):
        self.kind = kind
        self.source = source
        self.value: float | None = None
        self.heard_ns = 0
        self.slow_since_ns: int | None = None

    def hear(self, value: float, steady_ns: int, settings: InterlockSettings) -> None:
        self.value, self.heard_ns = value, steady_ns
        if self.kind is not Kind.SPEED_SCALING or value >= settings.min_speed_scaling:
            self.slow_since_ns = None
        elif self.slow_since_ns is None:
            self.slow_since_ns = steady_ns

    def why_not(self, steady_ns: int, settings: InterlockSettings) -> str:
        """Return why this signal forbids motion; '' when it allows it."""
        if self.value is None:
            return f'nothing was heard of the {self.kind.value} on {self.source!r} yet'
        if self.kind is Kind.SPEED_SCALING:
            since_ns = self.slow_since_ns
            if since_ns is None or (steady_ns - since_ns) * 1e-9 < SLOW_GRACE_S:
                return ''
            return (
                f'the robot runs at {100 * self.value:.0f} % of the commanded speed, '
                f'min_speed_scaling is {100 * settings.min_speed_scaling:.0f} %'
            )
        why = _why_not(self.kind, self.value, self.source)
        silent_s = (steady_ns - self.heard_ns) * 1e-9
        if not why and silent_s > settings.longest_silence_s(self.kind):
            why = (
                f'the {self.kind.value} on {self.source!r} has been silent for {silent_s:.2f} s, '
                f'allowed are {settings.longest_silence_s(self.kind)} s'
            )
        return why


class Interlocks:
    """All signals of one robot. Not thread-safe; the caller holds one lock."""

    def __init__(
        self,
        signals: Sequence[tuple[Kind, str]],
        settings: InterlockSettings,
    ):
        """Watch the given signals, each from its own source (a topic)."""
        self._settings = settings
        self._signals = {(kind, source): _Signal(kind, source) for kind, source in signals}

    def hear(self, kind: Kind, source: str, value: float, steady_ns: int) -> Verdict | None:
        """Take a value in; return why a running goal must end by it, or None.

        Args:
            kind: which signal.
            source: of those of its kind, which.
            value: 0 or 1 for a bool, the number of a mode, or a fraction.
            steady_ns: monotonic clock [ns].
        """
        signal = self._signals[kind, source]
        signal.hear(value, steady_ns, self._settings)
        return _verdict(signal, steady_ns, self._settings)

    def check(self, steady_ns: int) -> Verdict | None:
        """Return the first signal that forbids motion at ``steady_ns``, or None."""
        for signal in self._signals.values():
            verdict = _verdict(signal, steady_ns, self._settings)
            if verdict is not None:
                return verdict
        return None

    def values(self) -> dict[str, float | None]:
        """Newest value of every signal, by what it is and where it is heard; None: never heard."""
        return {f'{s.kind.value} {s.source}': s.value for s in self._signals.values()}

    @property
    def speed_scaling(self) -> float:
        """Least of the heard fractions of the commanded speed [1]; NaN when none was heard."""
        heard = [
            s.value
            for s in self._signals.values()
            if s.kind is Kind.SPEED_SCALING and s.value is not None
        ]
        return min(heard, default=math.nan)


def _verdict(signal: _Signal, steady_ns: int, settings: InterlockSettings) -> Verdict | None:
    why = signal.why_not(steady_ns, settings)
    return Verdict(FAULTS[signal.kind], why) if why else None


def _why_not(kind: Kind, value: float, source: str) -> str:
    """Judge a value that has no history."""
    if kind is Kind.EMERGENCY_STOP:
        return f'the emergency stop on {source!r} is pressed' if value else ''
    if kind is Kind.DEADMAN:
        return '' if value else f'the deadman switch on {source!r} was let go'
    if kind is Kind.PROGRAM_RUNNING:
        return '' if value else f'the program of the robot does not run ({source!r})'
    if kind is Kind.SAFETY_MODE:
        name = SAFETY_MODES.get(int(value), 'unknown')
        if value in SAFE_MODES:
            return ''
        return f'the safety mode of the robot is {int(value)} ({name}) on {source!r}'
    if value == RUNNING:
        return ''
    return f'the robot mode is {int(value)} on {source!r}, not {RUNNING} (running)'
