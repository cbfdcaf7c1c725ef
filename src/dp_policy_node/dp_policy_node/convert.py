# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""ROS messages <-> the types of dp_core: pure functions."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from builtin_interfaces.msg import Duration
from builtin_interfaces.msg import Time
from dp_core.chunk import ActionChunk
from dp_core.decode import joint_columns
from dp_core.decode import joint_positions
from dp_core.decode import stamp_ns
from dp_core.errors import ObservationError
from dp_core.errors import TrajectoryError
from dp_core.motion import Trajectory
from dp_msgs.msg import ActionChunk as ActionChunkMsg
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory
from trajectory_msgs.msg import JointTrajectoryPoint

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class RobotState:
    """Measured joints.

    Attributes:
        stamp_ns: header stamp [ns].
        positions: (J,) [rad].
        velocities: (J,) [rad/s], None where they are not measured.
    """

    stamp_ns: int
    positions: NDArray[np.float64]
    velocities: NDArray[np.float64] | None


def time_msg(time_ns: int) -> Time:
    """Time on the ROS clock."""
    return Time(sec=time_ns // _SECOND_NS, nanosec=time_ns % _SECOND_NS)


def duration_msg(duration_ns: int) -> Duration:
    """Span of time."""
    return Duration(sec=duration_ns // _SECOND_NS, nanosec=duration_ns % _SECOND_NS)


def duration_ns(message: Duration) -> int:
    """Span of time [ns]."""
    return int(message.sec) * _SECOND_NS + int(message.nanosec)


def robot_state(message: JointState, joint_names: tuple[str, ...], topic: str) -> RobotState:
    """Read the joints ``joint_names`` of a message by name, in that order.

    Raises:
        ObservationError: no stamp, a joint is missing or named twice, a value is not finite.
    """
    stamp = stamp_ns(message)
    if stamp <= 0:
        raise ObservationError(f'{topic}: header stamp is {stamp} ns; the source must stamp it')
    positions = joint_positions(message, joint_names, topic).astype(np.float64)
    velocities = None
    if len(message.velocity) == len(message.name):
        columns = joint_columns(message, joint_names, topic)
        velocities = np.asarray(message.velocity, dtype=np.float64)[columns]
        if not np.isfinite(velocities).all():
            bad = [joint for joint, v in zip(joint_names, velocities) if not np.isfinite(v)]
            raise ObservationError(f'{topic}: NaN or infinity in the velocity of {bad}')
    return RobotState(stamp, positions, velocities)


def trajectory_message(trajectory: Trajectory, joint_names: Sequence[str]) -> JointTrajectory:
    """Build the message for the controller of ``joint_names``; stamp 0 means: start on arrival.

    A `Trajectory` is finite and ends at rest; what is left to check is what this message adds.

    Raises:
        TrajectoryError: names are doubled (a controller would obey without a word), or two times
            are the same nanosecond.
    """
    if len(set(joint_names)) != len(joint_names):
        raise TrajectoryError(f'joint names {list(joint_names)} are not unique')
    columns = [trajectory.joint_names.index(name) for name in joint_names]
    positions, velocities = trajectory.positions[:, columns], trajectory.velocities[:, columns]
    times_ns = [round(float(t) * 1e9) for t in trajectory.times_s]
    if times_ns[0] <= 0 or any(b <= a for a, b in zip(times_ns, times_ns[1:])):
        raise TrajectoryError(f'times {times_ns} ns are not positive and increasing')
    points = [
        JointTrajectoryPoint(
            positions=array('d', row),
            velocities=array('d', speed),
            time_from_start=duration_msg(time_ns),
        )
        for row, speed, time_ns in zip(positions.tolist(), velocities.tolist(), times_ns)
    ]
    return JointTrajectory(joint_names=list(joint_names), points=points)


def chunk_message(
    chunk: ActionChunk,
    action_names: Sequence[str],
    trajectory: Trajectory,
    seam: str,
    inference_s: float,
    planned_ns: int,
) -> ActionChunkMsg:
    """Describe what was planned and sent.

    Args:
        chunk: what the policy wanted.
        action_names: of its numbers.
        trajectory: what was made of it, begun at the hand-over.
        seam: how it was joined.
        inference_s: time of the prediction [s].
        planned_ns: when the take-over was due on the ROS clock [ns].
    """
    message = ActionChunkMsg(
        step=duration_msg(chunk.step_ns),
        offset=duration_msg(chunk.offset_ns),
        action_names=list(action_names),
        actions=array('d', chunk.actions.ravel().tolist()),
        joint_names=list(chunk.joint_names),
        positions=array('d', chunk.positions.ravel().tolist()),
        observation_age=(trajectory.start_ns - chunk.stamp_ns) * 1e-9,
        inference_time=inference_s,
        takeover_delay=(trajectory.start_ns - planned_ns) * 1e-9,
        seam=seam,
    )
    message.header.stamp = time_msg(chunk.stamp_ns)
    if trajectory.seam is not None:
        message.cut_index = trajectory.seam.cut_index
        message.seam_position_jump = trajectory.seam.position_jump
        message.seam_velocity_jump = trajectory.seam.velocity_jump
    return message
