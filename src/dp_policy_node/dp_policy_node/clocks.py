# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The ROS clock and the steady clock, read as one."""

from __future__ import annotations

import time

from rclpy.clock import Clock

# Two clocks that are read farther apart do not tell whether one was set; so often they are read.
READING_NS, READINGS = 1_000_000, 3


def read_together(clock: Clock) -> tuple[int, int] | None:
    """Return ROS and steady time [ns]; None where the thread is held up between the two."""
    for _ in range(READINGS):
        before_ns = time.monotonic_ns()
        now_ns = clock.now().nanoseconds
        steady_ns = time.monotonic_ns()
        if steady_ns - before_ns <= READING_NS:
            return now_ns, steady_ns
    return None
