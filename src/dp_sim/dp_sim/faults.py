# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Faults that a scene can play for rehearsals: what is spoiled between the robot and the policy.

Most change only what is said and heard; the robot's own (`RobotCondition`) change what it does. A
fault is chosen by sim_node's parameter `fault` and ends when it is set to ''.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
import math

import numpy as np
from numpy.typing import NDArray

# Stamps of `stamps_future` lie this far ahead of the clock [ns].
FUTURE_NS = 5_000_000_000
# What a fault adds to the stamps, and to `/clock` where it is the clock that jumps [ns].
STAMP_SHIFTS_NS = {
    'stamps_future': FUTURE_NS,
    'stamps_past': -2_000_000_000,
    'clock_forward': 2_000_000_000,
    'clock_backward': -2_000_000_000,
}

FAULTS = {
    '': 'no fault',
    'joint_states_stop': 'no joint states are published',
    'block_pose_stop': 'no block poses are published',
    'front_camera_stop': 'the front camera publishes nothing',
    'joint_states_shuffled': 'names and values of the joint states come in reversed order',
    'joint_states_missing': 'the third joint is left out of the joint states',
    'joint_states_nan': 'the position of the second joint is not a number',
    'block_pose_nan': 'the x coordinate of the block is not a number',
    'stamps_future': 'stamps of joint states, poses and images lie 5 s ahead of the clock',
    'stamps_past': 'stamps of joint states, poses and images lie 2 s behind the clock',
    'clock_forward': '/clock and all stamps jump 2 s ahead',
    'clock_backward': '/clock and all stamps jump 2 s back',
    'controller_deaf': 'the controller hears no trajectory and follows the last one to its end',
    'controller_inactive': 'the controller is inactive: the arm halts and messages are dropped; '
    'at the end of the fault it is active again and holds the arm where it is',
    'program_stops': 'the program on the robot stops, and the controller is inactive meanwhile; '
    'at the end of the fault the program resumes by itself',
    'speed_slider_50': 'the speed slider stands at 50 %',
    'speed_slider_10': 'the speed slider stands at 10 %',
    'joint_held': 'the third joint is held where it is, whatever it is commanded',
}
# With a real ros2_control these parts are not ours.
OUTSIDE = ('joint', 'controller', 'program', 'speed')
SLIDERS = {'speed_slider_50': 50.0, 'speed_slider_10': 10.0}
HELD_JOINT = 2


@dataclass(frozen=True)
class JointSample:
    """What a joint state message says."""

    stamp_ns: int
    names: tuple[str, ...]
    positions: NDArray[np.float64]  # (joints,) [rad]
    velocities: NDArray[np.float64]  # (joints,) [rad/s]


@dataclass(frozen=True)
class PoseSample:
    """What a pose message says; orientation as x, y, z, w."""

    stamp_ns: int
    position: NDArray[np.float64]  # (3,) [m]
    orientation: NDArray[np.float64]  # (4,)


@dataclass(frozen=True)
class RobotCondition:
    """What the robot and its driver do."""

    program_running: bool = True
    controller_active: bool = True
    speed_scaling: float = 1.0  # part of the commanded speed [1]
    held_joint: int | None = None  # index of a joint that cannot move


def robot_condition(fault: str, slider: float = 100.0) -> RobotCondition:
    """Return the condition of the robot under a fault.

    Args:
        fault: its name.
        slider: position of the speed slider [%], where the fault does not move it.
    """
    return RobotCondition(
        program_running=fault != 'program_stops',
        controller_active=fault not in ('program_stops', 'controller_inactive'),
        speed_scaling=SLIDERS.get(fault, slider) / 100.0,
        held_joint=HELD_JOINT if fault == 'joint_held' else None,
    )


def is_outside(fault: str) -> bool:
    """Return whether a fault is of parts that somebody else plays with a real ros2_control."""
    return fault.startswith(OUTSIDE)


def check_fault(name: str) -> str:
    """Return the name of a known fault; raise ValueError with the valid ones for another."""
    if name not in FAULTS:
        valid = ', '.join(repr(fault) for fault in FAULTS)
        raise ValueError(f'unknown fault {name!r}; valid are {valid}')
    return name


def stamp(fault: str, stamp_ns: int) -> int:
    """Return the stamp that is published for data of time `stamp_ns`."""
    return stamp_ns + STAMP_SHIFTS_NS.get(fault, 0)


def clock(fault: str, now_ns: int) -> int:
    """Return what `/clock` says at simulated time `now_ns`."""
    return stamp(fault, now_ns) if fault.startswith('clock_') else now_ns


def joint_states(fault: str, sample: JointSample) -> JointSample | None:
    """Return the joint sample as it is published under a fault, None for silence."""
    if fault == 'joint_states_stop':
        return None
    if fault in STAMP_SHIFTS_NS:
        return replace(sample, stamp_ns=stamp(fault, sample.stamp_ns))
    if fault == 'joint_states_nan':
        positions = sample.positions.copy()
        positions[1] = math.nan
        return replace(sample, positions=positions)
    order = list(range(len(sample.names)))
    if fault == 'joint_states_shuffled':
        order.reverse()
    elif fault == 'joint_states_missing':
        order.remove(2)
    else:
        return sample
    names = tuple(sample.names[k] for k in order)
    return replace(
        sample,
        names=names,
        positions=sample.positions[order],
        velocities=sample.velocities[order],
    )


def block_pose(fault: str, sample: PoseSample) -> PoseSample | None:
    """Return the block pose as it is published under a fault, None for silence."""
    if fault == 'block_pose_stop':
        return None
    if fault == 'block_pose_nan':
        position = sample.position.copy()
        position[0] = math.nan
        sample = replace(sample, position=position)
    return replace(sample, stamp_ns=stamp(fault, sample.stamp_ns))


def tool_pose(fault: str, sample: PoseSample) -> PoseSample:
    """Return the tool pose as it is published under a fault."""
    return replace(sample, stamp_ns=stamp(fault, sample.stamp_ns))


def camera_is_silent(fault: str, camera: str) -> bool:
    """Return whether a camera publishes nothing under a fault."""
    return fault == 'front_camera_stop' and camera == 'front'


def controller_is_deaf(fault: str) -> bool:
    """Return whether the controller hears nothing under a fault."""
    return fault == 'controller_deaf'
