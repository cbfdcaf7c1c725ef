# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of one episode, from the controller's reference and the chunks it followed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dp_bringup.motion_bench.recording import Recording
from dp_bringup.motion_bench.recording import TakeOver
from dp_bringup.motion_timing import best_shift_s
from dp_bringup.real_controller.trace import AROUND_NS
from dp_bringup.real_controller.trace import GRID_NS
from dp_bringup.real_controller.trace import motion
from dp_bringup.real_controller.trace import seams
from dp_bringup.real_controller.trace import Trace
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def episode_figures(recording: Recording) -> dict[str, Any]:
    """Return the row of an episode; lists have one number per seam between two chunks."""
    row: dict[str, Any] = {
        'score': round(recording.best_score, 6),
        'duration_s': round(recording.duration_s, 3),
        'chunks': len(recording.take_overs),
        'messages': recording.accepted,
        'late_ticks': int(recording.late_ticks),
        'expired_chunks': recording.expired,
        'rejected_messages': recording.rejected,
        'fault': recording.fault,
    }
    if len(recording.take_overs) < 2:
        return row
    trace, period_s = recording.trace(), recording.period_ns * 1e-9
    inside = AROUND_NS // recording.period_ns
    ticks = [t.tick for t in recording.take_overs[1:]]
    ticks = [tick for tick in ticks if tick + inside < len(trace.stamps_ns)]
    measured = seams(trace, ticks, period_s)
    moving = trace.between(recording.take_overs[0].stamp_ns, int(trace.stamps_ns[-1]) + 1)
    jerk, smooth = motion(moving).jerk, jerk_between_steps(moving, recording.period_ns)
    shift_s, distance = lag(trace, recording.take_overs)
    return row | {
        'seam_velocity': measured.velocity_step.round(6).tolist(),
        'seam_mean_velocity': mean_velocity_steps(trace, ticks, inside).round(6).tolist(),
        'seam_position': measured.position_jump.round(7).tolist(),
        'velocity_anywhere': anywhere(moving, 2 * inside),
        'jerk': squares(jerk),
        'jerk_between_steps': squares(smooth),
        'lag_s': round(shift_s, 5),
        'distance_rad': round(distance, 6),
    }


def squares(values: Array) -> dict[str, float]:
    """Return what a peak and an rms over episodes need."""
    return {
        'samples': len(values),
        'peak': round(float(values.max()), 2),
        'mean_square': round(float(np.mean(values**2)), 3),
    }


def anywhere(trace: Trace, ticks: int) -> dict[str, float]:
    """Return the change of velocity over 20 ms at all times, not only at seams [rad/s]."""
    change = np.abs(trace.velocities[ticks:] - trace.velocities[:-ticks]).max(axis=1)
    p95, largest = np.percentile(change, [95, 100])
    return {'p95': round(float(p95), 6), 'max': round(float(largest), 6)}


def mean_velocity_steps(trace: Trace, ticks: Sequence[int], around: int) -> Array:
    """Return the change of the mean velocity (K,) from 10 ms before to 10 ms after ticks [rad/s].

    Of positions, so that a step of the reference in the tick of the take-over counts as well.
    """
    at = np.array(ticks, dtype=np.int64)
    seconds = (trace.stamps_ns[around] - trace.stamps_ns[0]) * 1e-9
    p = trace.positions
    change = (p[at - 1 + around] - p[at - 1]) - (p[at - 1] - p[at - 1 - around])
    return np.abs(change).max(axis=1) / seconds


def jerk_between_steps(trace: Trace, period_ns: int) -> Array:
    """Return the jerk (N,) at 100 Hz of the reference's velocity, the largest of the joints.

    A step of the position alone, as the controller makes at a take-over, is not in it.
    """
    every = GRID_NS // period_ns
    step_s = every * period_ns * 1e-9
    return np.abs(np.diff(trace.velocities[::every], 2, axis=0)).max(axis=1) / step_s**2


def lag(trace: Trace, take_overs: Sequence[TakeOver]) -> tuple[float, float]:
    """Compare the reference with the steps of the chunks in charge.

    Returns:
        the time by which the reference follows the steps best [s], and the rms distance between
        both at the times of the steps, over all joints together [rad].
    """
    first_ns = int(trace.stamps_ns[0])
    ends_ns = [t.stamp_ns for t in take_overs[1:]] + [int(trace.stamps_ns[-1])]
    times, targets = [], []
    for take_over, end_ns in zip(take_overs, ends_ns):
        steps_ns = take_over.chunk.times_ns()
        driven = (steps_ns > take_over.stamp_ns) & (steps_ns <= end_ns)
        times.append((steps_ns[driven] - first_ns) * 1e-9)
        targets.append(take_over.chunk.positions[driven])
    times_s, wanted = np.concatenate(times), np.concatenate(targets)
    trace_s = (trace.stamps_ns - first_ns) * 1e-9

    def reference(at_s: Array) -> Array:
        return np.stack([np.interp(at_s, trace_s, column) for column in trace.positions.T], 1)

    distance = np.sqrt(np.mean(np.sum((reference(times_s) - wanted) ** 2, axis=1)))
    return best_shift_s(reference, times_s, wanted), float(distance)
