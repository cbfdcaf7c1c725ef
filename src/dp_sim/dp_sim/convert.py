# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""ROS messages <-> our own types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from builtin_interfaces.msg import Time
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import TrajectoryPoint
from trajectory_msgs.msg import JointTrajectory


def to_time(stamp_ns: int) -> Time:
    """Return a stamp as a message."""
    return Time(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)


def nanoseconds(time: Any) -> int:
    """Return a stamp or duration message in nanoseconds."""
    return int(time.sec) * 1_000_000_000 + int(time.nanosec)


def from_ros(message: JointTrajectory) -> TrajectoryMessage:
    """Return a trajectory message without ROS."""

    def field(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(values)

    points = tuple(
        TrajectoryPoint(
            nanoseconds(point.time_from_start),
            field(point.positions),
            field(point.velocities),
            field(point.accelerations),
            field(point.effort),
        )
        for point in message.points
    )
    stamp_ns = nanoseconds(message.header.stamp)
    return TrajectoryMessage(tuple(message.joint_names), points, stamp_ns)
