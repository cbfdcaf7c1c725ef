# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the real joint_trajectory_controller takes and what it refuses, sentence by sentence.

The rules are those of joint_trajectory_controller 5.17 (Kilted; the same in Jazzy and up to August
2026 on the main branch), in its order, so a message with two faults gets the log line of the
first. The real controller tells nobody but its log: on the topic a refusal is silent. NaN passes
every rule, as it does there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import enum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dp_sim.follow_goal import FollowedGoal

# The velocity of the last point may differ from zero by the epsilon of a 32-bit float [rad/s].
LAST_VELOCITY_EPSILON = float(np.finfo(np.float32).eps)
GENERATIONS = ('A', 'B', 'C')
DEADLY = 'This message would end the process of the real joint_trajectory_controller: {}'


@dataclass(frozen=True)
class TrajectoryPoint:
    """One point of a trajectory message; an empty field is a field that was not sent."""

    time_ns: int  # time_from_start [ns]
    positions: Sequence[float] = ()  # (names,) [rad]
    velocities: Sequence[float] = ()  # (names,) [rad/s]
    accelerations: Sequence[float] = ()  # (names,) [rad/s2]
    effort: Sequence[float] = ()  # (names,) [N m]


@dataclass(frozen=True)
class TrajectoryMessage:
    """A trajectory_msgs/JointTrajectory without ROS; stamp_ns 0 means: start when it arrives."""

    joint_names: tuple[str, ...]
    points: tuple[TrajectoryPoint, ...]
    stamp_ns: int = 0
    goal: FollowedGoal | None = None  # that it came with
    is_hold: bool = False  # the controller's own, to stay where it is

    @property
    def is_complete(self) -> bool:
        """Whether every point carries positions (else they are deduced at the hand-over)."""
        return all(len(point.positions) for point in self.points)


@dataclass(frozen=True)
class ControllerParameters:
    """The parameters of the controller that decide over acceptance and motion.

    `generation` is no parameter of the real one but its age; see joint_trajectory_controller.py.
    """

    joints: tuple[str, ...]
    command_interfaces: tuple[str, ...] = ('position',)
    state_interfaces: tuple[str, ...] = ('position', 'velocity')
    interpolate_from_desired_state: bool = True
    allow_partial_joints_goal: bool = False
    allow_nonzero_velocity_at_trajectory_end: bool = False
    allow_integration_in_goal_trajectories: bool = False
    update_rate_hz: int = 500
    generation: str = 'A'
    path_tolerances: tuple[float, ...] = ()  # (joints,) constraints.<joint>.trajectory [rad]
    goal_tolerances: tuple[float, ...] = ()  # (joints,) constraints.<joint>.goal [rad]
    stopped_velocity_tolerance: float = 0.01  # [rad/s]
    goal_time: float = 0.0  # [s]

    def __post_init__(self) -> None:
        """Refuse a controller that could not run."""
        if not self.joints or len(set(self.joints)) != len(self.joints):
            raise ValueError(f'joints must be unique and not empty, got {self.joints}')
        if not 1 <= self.update_rate_hz <= 10000:
            raise ValueError(f'update_rate must be 1 to 10000 Hz, got {self.update_rate_hz}')
        if self.generation not in GENERATIONS:
            raise ValueError(f'generation must be one of {GENERATIONS}, got {self.generation!r}')
        if not self.goal_time >= 0.0:
            raise ValueError(f'constraints.goal_time must be 0 s or more, got {self.goal_time}')
        for name in ('path_tolerances', 'goal_tolerances'):
            if len(getattr(self, name)) not in (0, len(self.joints)):
                raise ValueError(
                    f'{name} must be one for each of {self.joints}, got {getattr(self, name)}'
                )


class Verdict(enum.Enum):
    """What became of a message."""

    ACCEPTED = 'accepted'
    REJECTED = 'rejected'
    DROPPED_INACTIVE = 'dropped_inactive'  # valid, but the controller is inactive: no log either
    PROCESS_DIED = 'process_died'  # the real controller's process ends; here it is refused loudly


@dataclass(frozen=True)
class Judgement:
    """A verdict and the log line that goes with it ('' where the real one logs nothing)."""

    verdict: Verdict
    log: str = ''


class _RefusedError(Exception):
    """A rule does not hold; carries the log line of the real controller."""


class _DeadlyError(Exception):
    """The real controller throws an exception that nobody catches; carries its text."""


def judge(
    message: TrajectoryMessage,
    parameters: ControllerParameters,
    now_ns: int,
    *,
    active: bool = True,
) -> Judgement:
    """Judge a message as the real controller does when it arrives at `now_ns` on the ROS clock."""
    try:
        _check_names(message, parameters)
        _check_last_velocity(message, parameters)
        _check_end_time(message, now_ns)
        _check_points(message, parameters)
    except _RefusedError as error:
        return Judgement(Verdict.REJECTED, str(error))
    except _DeadlyError as error:
        return Judgement(Verdict.PROCESS_DIED, DEADLY.format(error))
    return Judgement(Verdict.ACCEPTED if active else Verdict.DROPPED_INACTIVE)


def _check_names(message: TrajectoryMessage, parameters: ControllerParameters) -> None:
    partial = parameters.allow_partial_joints_goal
    if not partial and len(message.joint_names) != len(parameters.joints):
        raise _RefusedError("Joints on incoming trajectory don't match the controller joints.")
    if not message.joint_names:
        raise _RefusedError('Empty joint names on incoming trajectory.')
    if not message.points:
        raise _RefusedError('Empty trajectory received.')
    for name in message.joint_names:
        if name not in parameters.joints:
            raise _RefusedError(f"Incoming joint {name} doesn't match the controller's joints.")


def _check_last_velocity(message: TrajectoryMessage, parameters: ControllerParameters) -> None:
    if parameters.allow_nonzero_velocity_at_trajectory_end:
        return
    names = message.joint_names
    for index, velocity in enumerate(message.points[-1].velocities):
        if abs(velocity) > LAST_VELOCITY_EPSILON:
            if index >= len(names):
                raise _DeadlyError(
                    f'vector::_M_range_check: __n (which is {index}) >= this->size() '
                    f'(which is {len(names)})'
                )
            raise _RefusedError(
                f'Velocity of last trajectory point of joint {names[index]} is not zero: '
                f'{velocity:.15f}'
            )


def _check_end_time(message: TrajectoryMessage, now_ns: int) -> None:
    if message.stamp_ns == 0:
        return
    end_ns = message.stamp_ns + message.points[-1].time_ns
    if message.stamp_ns < 0 or end_ns < 0:
        raise _DeadlyError('cannot store a negative time point in rclcpp::Time')
    if end_ns < now_ns:
        raise _RefusedError(
            f'Received trajectory with non-zero start time ({message.stamp_ns * 1e-9:.6f}) '
            f'that ends in the past ({end_ns * 1e-9:.6f})'
        )


def _check_points(message: TrajectoryMessage, parameters: ControllerParameters) -> None:
    previous_ns = 0
    for index, point in enumerate(message.points):
        if index > 0 and point.time_ns <= previous_ns:
            raise _RefusedError(
                f'Time between points {index - 1} and {index} is not strictly increasing, it is '
                f'{previous_ns * 1e-9:.6f} and {point.time_ns * 1e-9:.6f} respectively'
            )
        previous_ns = point.time_ns
        _check_sizes(point, index, len(message.joint_names), parameters)
        if len(point.effort) and 'effort' not in parameters.command_interfaces:
            raise _RefusedError(
                'Trajectories with effort fields are only supported for controllers using the '
                "'effort' command interface."
            )


def _check_sizes(
    point: TrajectoryPoint, index: int, n_names: int, parameters: ControllerParameters
) -> None:
    fields = {
        'positions': point.positions,
        'velocities': point.velocities,
        'accelerations': point.accelerations,
    }
    may_deduce = parameters.allow_integration_in_goal_trajectories
    if may_deduce and not any(len(values) for values in fields.values()):
        raise _RefusedError(
            'The given trajectory has no position, velocity, or acceleration points.'
        )
    for name, values in fields.items():
        may_be_empty = may_deduce or name != 'positions'
        if len(values) != n_names and not (may_be_empty and not len(values)):
            raise _RefusedError(
                f'Mismatch between joint_names size ({n_names}) and {name} ({len(values)}) '
                f'at point #{index}.'
            )
