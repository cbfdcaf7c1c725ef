# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a run against a real joint_trajectory_controller, as plain data; no ROS."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dp_bringup.real_controller.trace import Array
from dp_bringup.real_controller.trace import motion
from dp_bringup.real_controller.trace import seams
from dp_bringup.real_controller.trace import Stamps
from dp_bringup.real_controller.trace import Trace
from dp_bringup.real_controller.trace import velocity_steps
from dp_bringup.real_controller.verdicts import late_ticks
from dp_bringup.real_controller.verdicts import SentMessage
from dp_bringup.real_controller.verdicts import verdicts
import numpy as np

BESIDE_NS = 250_000_000  # from a take-over to where no seam is [ns]
NEAR_NS = 30_000_000  # so near to a take-over, acceleration and jerk are its own [ns]


@dataclass(frozen=True)
class Recording:
    """What was recorded during a number of goals.

    Attributes:
        trace: of the controller, from before the first goal to after the last one.
        messages: all that were sent meanwhile, in the order of sending.
        goals: begin and end of each goal [ns].
        period_s: of the controller [s].
        errors: error lines in its log.
    """

    trace: Trace
    messages: tuple[SentMessage, ...]
    goals: tuple[tuple[int, int], ...]
    period_s: float
    errors: tuple[str, ...]

    @classmethod
    def of(
        cls, arrays: Mapping[str, Any], period_s: float, errors: tuple[str, ...] = ()
    ) -> Recording:
        """Read the arrays of recorder.py."""
        names = ('stamps_ns', 'starts_ns', 'positions', 'velocities')
        ends = np.cumsum(arrays['points']) - 1
        rows = zip(arrays['sent_ns'], arrays['header_ns'], arrays['times_ns'][ends])
        return cls(
            trace=Trace(*(arrays[name] for name in names)),
            messages=tuple(SentMessage(int(a), int(b), int(c)) for a, b, c in rows),
            goals=tuple((int(begin), int(end)) for begin, end in arrays['goals_ns']),
            period_s=period_s,
            errors=errors,
        )


def report(recording: Recording) -> dict[str, Any]:
    """Judge the messages and measure seams, motion, lateness and ticks during the goals."""
    trace, messages = recording.trace, recording.messages
    judged = verdicts(trace, messages)
    taken = [(k, m) for k, m in zip(judged.effects, messages) if k is not None]
    streamed = [(k, m) for k, m in taken if _is_within(m.sent_ns, recording.goals)]
    # The first message of a goal finds an arm at rest: there is no seam.
    ticks = [k for k, m in streamed if not _is_first(m.sent_ns, streamed, recording.goals)]
    found = seams(trace, ticks, recording.period_s)
    stamps = trace.stamps_ns[ticks]
    parts = [trace.between(begin, end) for begin, end in recording.goals]
    late = late_ticks(trace, messages, judged.effects, recording.goals)
    in_goals = [m for m in messages if _is_within(m.sent_ns, recording.goals)]
    delays_ms = [1e-6 * (trace.stamps_ns[k] - m.sent_ns) for k, m in streamed]
    return {
        'messages': {
            'sent': len(messages),
            'accepted': judged.accepted,
            'rejected': judged.refused,
            'overtaken_within_a_tick': judged.overtaken,
            'error_lines_of_the_controller': list(recording.errors),
            'take_overs_by_nobody': judged.strangers,
            'sent_during_goals': len(in_goals),
            'accepted_during_goals': len(streamed),
            'from_sending_to_effect_ms': statistics(delays_ms),
        },
        'seams': {
            'take_overs_in_motion': len(ticks),
            'position_jump_rad': statistics(found.position_jump),
            'position_jump_beyond_own_advance_rad': statistics(found.unexplained_jump),
            'advance_over_velocity_times_period': statistics(found.advances),
            'velocity_step_over_20_ms_rad_s': statistics(found.velocity_step),
            'velocity_step_elsewhere_rad_s': statistics(velocity_steps(trace, stamps + BESIDE_NS)),
        },
        'motion_at_100_hz': _motion(parts, stamps),
        'lateness': {
            'late_ticks': len(late),
            'ticks_during_goals': int(sum(len(part.stamps_ns) for part in parts)),
        },
        'tick_period_ms': _ticks(parts, recording.period_s),
    }


def statistics(values: Sequence[float] | Array) -> dict[str, float | int | None]:
    """Return median, 95 %, 99 %, largest and number of values."""
    numbers = np.asarray(values, dtype=np.float64)
    if not len(numbers):
        return {'p50': None, 'p95': None, 'p99': None, 'max': None, 'n': 0}
    p50, p95, p99, largest = (float(x) for x in np.percentile(numbers, (50, 95, 99, 100)))
    return {'p50': p50, 'p95': p95, 'p99': p99, 'max': largest, 'n': len(numbers)}


def _is_within(stamp_ns: int, goals: Sequence[tuple[int, int]]) -> bool:
    return any(begin <= stamp_ns < end for begin, end in goals)


def _is_first(
    stamp_ns: int,
    streamed: Sequence[tuple[int, SentMessage]],
    goals: Sequence[tuple[int, int]],
) -> bool:
    begin = max(begin for begin, _ in goals if begin <= stamp_ns)
    return not any(begin <= message.sent_ns < stamp_ns for _, message in streamed)


def _motion(parts: Sequence[Trace], take_overs_ns: Stamps) -> dict[str, Any]:
    found = [motion(part) for part in parts if len(part.stamps_ns) > 50]
    if not found:
        return {}
    stamps = np.concatenate([each.stamps_ns for each in found])
    acceleration = np.concatenate([each.acceleration for each in found])
    jerk = np.concatenate([each.jerk for each in found])
    near = np.zeros(len(stamps), dtype=bool)
    for stamp in take_overs_ns:
        near |= np.abs(stamps - stamp) < NEAR_NS
    near_jerk = np.concatenate(
        [near[a : a + len(each.jerk)] for a, each in zip(_offsets(found), found)]
    )
    return {
        'acceleration_rad_s2': statistics(acceleration),
        'acceleration_at_take_overs_rad_s2': statistics(acceleration[near]),
        'acceleration_elsewhere_rad_s2': statistics(acceleration[~near]),
        'jerk_rad_s3': statistics(jerk),
        'jerk_at_take_overs_rad_s3': statistics(jerk[near_jerk]),
        'jerk_elsewhere_rad_s3': statistics(jerk[~near_jerk]),
    }


def _offsets(found: Sequence[Any]) -> list[int]:
    lengths = [len(each.stamps_ns) for each in found]
    return [sum(lengths[:k]) for k in range(len(lengths))]


def _ticks(parts: Sequence[Trace], period_s: float) -> dict[str, Any]:
    periods = [np.diff(part.stamps_ns) * 1e-6 for part in parts]
    every = np.concatenate(periods) if periods else np.empty(0)
    return {
        'nominal': 1e3 * period_s,
        **statistics(every),
        'longer_than_twice': int(np.sum(every > 2e3 * period_s)),
        # Ticks that overran, or whose state was not published or got lost on its way.
        'missing': int(np.sum(np.maximum(np.round(every / (1e3 * period_s)) - 1, 0))),
    }
