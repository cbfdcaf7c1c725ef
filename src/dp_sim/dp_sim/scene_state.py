# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One instant of the scene, as the physics loop hands it to publishers and log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dp_sim.simulation import Simulation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Told:
    """What the robot says about itself; it may be late."""

    positions: Array  # (joints,) [rad]
    velocities: Array  # (joints,) [rad/s]
    tool_position: Array  # (3,) [m]
    tool_orientation: Array  # (4,)


@dataclass(frozen=True)
class SceneState:
    """Positions are in frame `world`; quaternions are x, y, z, w."""

    stamp_ns: int  # simulated ROS time of the measurement
    positions: Array  # (joints,) measured [rad]
    velocities: Array  # (joints,) measured [rad/s]
    command: Array  # (3, joints) sent in this tick [rad], [rad/s], [rad/s2]
    reference: Array  # (3, joints) desired state of this tick
    reference_time_ns: int  # time since the start of the trajectory
    tool_position: Array  # (3,) [m]
    tool_orientation: Array  # (4,)
    block_pose: Array  # (3,) x [m], y [m], yaw [rad]
    block_position: Array  # (3,) [m]
    block_orientation: Array  # (4,)
    told: Told  # what is published of the arm


@dataclass(frozen=True)
class SceneScore:
    """What is published ten times a second."""

    stamp_ns: int
    seed: int
    coverage: float
    max_coverage: float
    late_ticks: int
    accepted: int
    rejected: int
    realtime_factor: float
    goal_active: bool
    block_pose: Array  # (3,) x [m], y [m], yaw [rad]


def tell(simulation: Simulation) -> Told:
    """Copy what the robot can say about itself out of the simulation."""
    position, orientation = simulation.tool_pose
    return Told(
        positions=np.array(simulation.joint_positions),
        velocities=np.array(simulation.joint_velocities),
        tool_position=np.array(position),
        tool_orientation=np.array(orientation),
    )


def measure(
    simulation: Simulation,
    stamp_ns: int,
    command: Array,
    reference: Array,
    reference_time_ns: int,
    told: Told,
) -> SceneState:
    """Copy the scene's state out of the simulation."""
    tool_position, tool_orientation = simulation.tool_pose
    block_position, block_orientation = simulation.block_pose_3d
    return SceneState(
        stamp_ns=stamp_ns,
        positions=np.array(simulation.joint_positions),
        velocities=np.array(simulation.joint_velocities),
        command=command,
        reference=reference,
        reference_time_ns=reference_time_ns,
        tool_position=np.array(tool_position),
        tool_orientation=np.array(tool_orientation),
        block_pose=np.array(simulation.block_pose),
        block_position=np.array(block_position),
        block_orientation=np.array(block_orientation),
        told=told,
    )
