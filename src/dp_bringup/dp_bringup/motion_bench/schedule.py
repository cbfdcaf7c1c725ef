# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Random schedules: when chunks are seen, ready, late, lost, out of order, and on which clock.

The policy is synthetic: smooth curves of two joints, which every chunk misses by an offset and by
noise of its own, now and then by a leap. Drawn from a seed; times of the world are on a steady
clock that begins at 0, from which the ROS clock may step away.
"""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.chunk import ActionChunk
from dp_core.trajectory import SEAMS
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
JOINTS = ('a', 'b')
DT_NS = 100_000_000
STEPS = 15  # of a chunk, from its newest observation on
N_ACTION_STEPS = 8
ROS_NS = 1_000_000_000_000  # ROS time at steady time 0 [ns]


@dataclass(frozen=True)
class Schedule:
    """What happens in one run.

    Attributes:
        seed: of what is drawn chunk by chunk.
        seam: how chunks are joined.
        latency_s: least time of a prediction [s].
        jitter_s: mean of what comes on top of it [s].
        drop: probability that a chunk is never ready.
        reorder: probability that a chunk comes after the one that was asked for later.
        offset: standard deviation of what a chunk misses as a whole [rad].
        noise: standard deviation of what each step misses [rad].
        leap: distance by which one in five chunks misses [rad].
        clock_step_s: by which the ROS clock steps [s]; 0.0: it does not.
        clock_step_at_s: when, on the steady clock [s].
        duration_s: end of the run [s].
    """

    seed: int
    seam: str = 'fade'
    latency_s: float = 0.05
    jitter_s: float = 0.0
    drop: float = 0.0
    reorder: float = 0.0
    offset: float = 0.0
    noise: float = 0.0
    leap: float = 0.0
    clock_step_s: float = 0.0
    clock_step_at_s: float = 2.0
    duration_s: float = 3.0

    def ros_ns(self, steady_ns: int) -> int:
        """Return what the ROS clock shows [ns]."""
        stepped = self.clock_step_s and steady_ns >= self.clock_step_at_s * 1e9
        return ROS_NS + steady_ns + (round(self.clock_step_s * 1e9) if stepped else 0)


def draw_schedule(seed: int) -> Schedule:
    """Draw a schedule: latencies to 0.5 s, and each other trouble in a part of the schedules."""
    rng = np.random.default_rng(seed)

    def sometimes(share: float, high: float) -> float:
        return float(rng.uniform(0.0, high)) if rng.random() < share else 0.0

    sizes = (0.002, 0.02, 0.2, 2.0)
    size = sizes[rng.integers(len(sizes))] * rng.uniform(0.2, 1.0) * rng.choice((-1.0, 1.0))
    return Schedule(
        seed=seed,
        seam=SEAMS[rng.integers(len(SEAMS))],
        latency_s=float(rng.uniform(0.0, 0.5)),
        jitter_s=sometimes(0.5, 0.1),
        drop=sometimes(0.3, 0.3),
        reorder=sometimes(0.3, 0.3),
        offset=float(rng.uniform(0.0, 0.03)),
        noise=float(rng.uniform(0.0, 0.02)),
        leap=sometimes(0.2, 0.3),
        clock_step_s=float(size) if rng.random() < 0.25 else 0.0,
        clock_step_at_s=float(rng.uniform(0.8, 2.6)),
    )


class SyntheticPolicy:
    """Speaks of two joints that swing; J = 2."""

    def __init__(self, schedule: Schedule) -> None:
        """Draw amplitudes and frequencies, of at most about 0.8 rad/s and 3 rad/s^2."""
        self._schedule = schedule
        self.rng = np.random.default_rng((schedule.seed, 1))
        self._frequency = self.rng.uniform(0.5, 4.0, (2, 2))  # (waves, J) [rad/s]
        self._amplitude = self.rng.uniform(0.1, 0.4, (2, 2)) / self._frequency
        self._phase = self.rng.uniform(0.0, 2.0 * np.pi, (2, 2))

    def wanted(self, times_s: Array) -> Array:
        """Curve (N, J) [rad] at steady times (N,) [s]."""
        angle = self._frequency[:, None] * times_s[:, None] + self._phase[:, None]
        return np.asarray((self._amplitude[:, None] * np.sin(angle)).sum(axis=0))

    def chunk(self, seen_ns: int) -> ActionChunk:
        """Predict from an observation at a steady time [ns]."""
        schedule, rng = self._schedule, self.rng
        times_s = (seen_ns + DT_NS * np.arange(1, STEPS + 1)) * 1e-9
        miss = rng.normal(0.0, 1.0, 2) * schedule.offset
        leap = schedule.leap * rng.choice((-1.0, 1.0), 2) * (rng.random() < 0.2)
        noise = rng.normal(0.0, 1.0, (STEPS, 2)) * schedule.noise
        positions = self.wanted(times_s) + miss + leap + noise
        stamp_ns = schedule.ros_ns(seen_ns)
        return ActionChunk(stamp_ns, DT_NS, DT_NS, JOINTS, positions, positions)
