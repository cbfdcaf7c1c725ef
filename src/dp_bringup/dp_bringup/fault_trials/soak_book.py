# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The books of a soak: which fault explains which ending, and which motion no goal explains. Pure.

All times are of one clock [s]; those of ticks are when they were heard.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

from dp_bringup.fault_trials.motion import ACCELERATION_TICKS
from dp_bringup.fault_trials.motion import accelerations
from dp_bringup.fault_trials.motion import broken_limits
from dp_bringup.fault_trials.motion import GAP_S
from dp_bringup.fault_trials.motion import jerks
from dp_bringup.fault_trials.motion import Ticks
from dp_bringup.fault_trials.motion import Track
from dp_bringup.fault_trials.soak_plan import FAULTS
from dp_core.limits import MotionLimits
import numpy as np

# A fault explains endings until so long after it is over: what it has held up still arrives, and
# a watchdog waits before it judges [s].
AFTER_S = 2.0
# Endings that need no fault.
OWN = ('NONE', 'TIMEOUT')
# From the end of a goal to rest: 3.1 rad/s at 5 rad/s^2, the jerk's 0.1 s, and our own hearing.
REST_S = 1.0
# The same where the arm follows what was sent to its end: 1 s and its tail [s].
COAST_S = 2.5
SILENCE_S = 0.1  # unheard for so long, the controller's process stood still, or ours [s]
ONE_S = 1.0  # what is found again within this time is the same [s]
TAIL = 40  # ticks that are judged again together with those that follow


@dataclass(frozen=True)
class FaultSpan:
    """A fault that was played."""

    name: str
    begin_s: float
    end_s: float


@dataclass(frozen=True)
class GoalEnding:
    """How a goal ended."""

    time_s: float
    code: str
    reason: str = ''


class Book:
    """Faults and endings in the order of their times."""

    def __init__(self) -> None:
        """Begin empty."""
        self.faults: list[FaultSpan] = []
        self.endings: list[GoalEnding] = []

    def explanation(self, ending: GoalEnding) -> str | None:
        """Return what explains an ending: a fault, or '' for an ending that needs none.

        None: nothing does.
        """
        if ending.code in OWN:
            return ''
        for span in reversed(self.faults):
            in_time = span.begin_s <= ending.time_s <= span.end_s + AFTER_S
            if in_time and ending.code in FAULTS[span.name].codes:
                return span.name
        return None

    def unexplained(self) -> list[GoalEnding]:
        """Return the endings that no fault explains."""
        return [ending for ending in self.endings if self.explanation(ending) is None]

    def rest_by(self, ending: GoalEnding) -> float:
        """Return until when the arm may move after an ending [s]."""
        rest_s = ending.time_s + REST_S
        for span in self.faults:
            near_s = max(span.begin_s - ending.time_s, ending.time_s - span.end_s)
            if near_s <= AFTER_S and FAULTS[span.name].coasts:
                rest_s = max(rest_s, max(span.end_s, ending.time_s) + COAST_S)
        return rest_s


@dataclass(frozen=True)
class Finding:
    """Something that must not be, and when: of a limit, where the motion was hardest.

    ``ticks`` are those that were judged with it.
    """

    time_s: float
    what: str
    ticks: Ticks | None = None


class MotionWatch:
    """Judges every tick of the controller: inside the limits, and never without a goal."""

    def __init__(self, limits: MotionLimits) -> None:
        """Begin with no goal."""
        self._limits = limits
        self._may_move: list[list[float]] = []  # begin and end of spans [s]
        self._undecided: list[Ticks] = []  # of a goal whose end is not known yet
        self._tail: Ticks | None = None
        self._last_s: dict[str, float] = {}
        self._silence = -math.inf, 0.0  # when the last one ended, and how long it was [s]
        self.findings: list[Finding] = []
        self.ticks = self.holes = 0
        self.velocity = self.acceleration = self.jerk = 0.0

    def goal_begins(self, time_s: float) -> None:
        """Let the arm move from now on."""
        self._may_move.append([time_s, math.inf])
        self._undecided = []

    def must_rest(self, time_s: float) -> None:
        """The arm must have come to rest by then; a goal that begins sooner is another one.

        What was heard before anybody knew is judged again.
        """
        if self._may_move:
            self._may_move[-1][1] = time_s
        for ticks in self._undecided:
            self._judge_goals(ticks)
        self._undecided = []

    def cut(self) -> None:
        """What follows does not go on from what was: the scene was reset, or is another one."""
        self._tail = None

    def feed(self, ticks: Ticks) -> None:
        """Judge the ticks that came since the last call; goals that began are known."""
        if not len(ticks.heard_s):
            return
        self.ticks += len(ticks.heard_s)
        joined = self._tail.followed_by(ticks) if self._tail is not None else ticks
        for k in np.flatnonzero(np.diff(joined.heard_s) > SILENCE_S):
            self._silence = joined.heard_s[k + 1], joined.heard_s[k + 1] - joined.heard_s[k]
        if self._may_move and self._may_move[-1][1] == math.inf:
            self._undecided.append(ticks)
        self._judge_goals(ticks)
        gaps = np.diff(joined.stamps_s)
        breaks = [0, *(np.flatnonzero((gaps > GAP_S) | (gaps <= 0.0)) + 1), len(gaps) + 1]
        self.holes += len(breaks) - 2
        for begin, end in zip(breaks, breaks[1:]):
            self._judge_motion(joined.rows(slice(begin, end)))
        self._tail = joined.rows(slice(max(breaks[-2], len(joined.heard_s) - TAIL), None))
        self._may_move = [span for span in self._may_move if span[1] > ticks.heard_s[-1] - 10.0]

    def _judge_goals(self, ticks: Ticks) -> None:
        allowed = np.zeros(len(ticks.heard_s), dtype=bool)
        for begin_s, end_s in self._may_move:
            # By its stamp as well: a killed process held the topic up for 3 s, and a tick of
            # before the kill was heard after that.
            for times_s in (ticks.heard_s, ticks.stamps_s):
                allowed |= (times_s >= begin_s) & (times_s <= end_s)
        speeds = np.abs(ticks.velocities).max(axis=1)
        wrong = np.flatnonzero((speeds > 0.0) & ~allowed)
        if len(wrong):
            first = wrong[0]
            silence_ago_s = ticks.heard_s[first] - self._silence[0]
            lag_s = ticks.heard_s[first] - ticks.stamps_s[first]  # we may have been held up
            self._find(
                float(ticks.heard_s[first]),
                'motion without a goal',
                f'up to {speeds[wrong].max():.3f} rad/s in {len(wrong)} ticks, '
                f'heard {lag_s:.3f} s after their stamps, '
                f'{silence_ago_s:.2f} s after a silence of {self._silence[1]:.2f} s',
                ticks,
            )

    def _judge_motion(self, ticks: Ticks) -> None:
        track = Track(ticks.stamps_s, ticks.positions, ticks.velocities)
        speed = float(np.abs(track.velocities).max(initial=0.0))
        means = np.abs(accelerations(track)).max(axis=1, initial=0.0)
        acceleration = float(means.max(initial=0.0))
        hardest = int(means.argmax()) + ACCELERATION_TICKS // 2 if len(means) else -1
        jerk = float(np.abs(jerks(track)).max(initial=0.0))
        for what in broken_limits(track, self._limits):
            figures = f'{speed:.2f} rad/s, {acceleration:.2f} rad/s^2, {jerk:.0f} rad/s^3'
            self._find(float(ticks.heard_s[hardest]), what, f'up to {figures}', ticks)
        self.velocity = max(self.velocity, speed)
        self.acceleration = max(self.acceleration, acceleration)
        self.jerk = max(self.jerk, jerk)

    def _find(self, time_s: float, what: str, figures: str, ticks: Ticks) -> None:
        is_new = time_s - self._last_s.get(what, -math.inf) > ONE_S
        self._last_s[what] = time_s
        if is_new:
            self.findings.append(Finding(time_s, f'{what}: {figures}', ticks))
