# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Chunks and motions for the tests of trajectories, by hand or by chance."""

from dp_core.chunk import ActionChunk
from dp_core.limits import MotionLimits
from dp_core.motion import CommandedMotion
from dp_core.trajectory import connect
from dp_core.trajectory import TrajectorySettings
from hypothesis import strategies as st
import numpy as np

NS = 1_000_000_000
T0 = 1_700_000_000 * NS
JOINTS = ('a', 'b')
DEFAULT = TrajectorySettings()
REPLACE = TrajectorySettings(seam='replace')

LIMITS = MotionLimits(
    JOINTS, np.full(2, -9.0), np.full(2, 9.0), np.full(2, 3.0), np.full(2, 5.0), np.full(2, 100.0)
)
ONE = MotionLimits(('a',), *(np.array([value]) for value in (-9.0, 9.0, 3.0, 5.0, 100.0)))

seams = st.sampled_from([DEFAULT, REPLACE])
seeds = st.integers(0, 2**32 - 1)
latenesses = st.integers(-50_000_000, 1_100_000_000)  # now less t_obs [ns]


def chunk_of(positions, stamp_ns=T0, offset_ns=0, step_ns=NS // 10, stretch=1.0):
    positions = np.asarray(positions, dtype=float)
    names = JOINTS[: positions.shape[1]]
    return ActionChunk(stamp_ns, step_ns, offset_ns, names, positions, positions, stretch)


def line(velocity, steps=15, start=0.0, **kwargs):
    """Chunk of one joint that moves at constant velocity [rad/s] from ``start`` at t_obs."""
    return chunk_of(start + velocity * 0.1 * np.arange(steps)[:, None], **kwargs)


def random_chunk(random, stamp_ns, around):
    steps = int(random.integers(13, 20))
    walk = np.cumsum(random.normal(0.0, 0.03, (steps, len(around))), axis=0)
    jump = random.normal(0.0, 0.02, len(around))
    offset_ns = int(random.integers(0, 2)) * NS // 10
    return chunk_of(around + jump + walk, stamp_ns, offset_ns)


def moving(random):
    """A motion that was sent at T0 - 0.3 s and is under way at T0."""
    motion = CommandedMotion(random.normal(0.0, 1.0, 2))
    position = motion.at(T0).position
    first = random_chunk(random, T0 - 3 * NS // 10, position)
    motion.follow(connect(first, motion, T0 - 3 * NS // 10, DEFAULT, LIMITS))
    return motion
