# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What is done to the scene to see how a policy bears it."""

from __future__ import annotations

from dp_sim import scene
from dp_sim.rendering import Decoration
from dp_sim.simulation import Simulation
import numpy as np

SHOVE = 0.05  # [m]
TURN = 0.5  # largest, either way [rad]
REACH = 0.18  # the T stays within this of the goal in x and y [m]
DISTRACTOR = (0.025, 0.02, 0.015)  # half sizes [m]
COLOUR = (0.85, 0.25, 0.15, 1.0)


def shoved(simulation: Simulation, rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw where the T goes, x, y [m], yaw [rad]: away from the tool, and clear of it."""
    x, y, yaw = simulation.block_pose
    tool = simulation.tool_pose[0][:2]
    away = np.arctan2(y - tool[1], x - tool[0])
    for _ in range(100):
        angle = away + rng.uniform(-1.0, 1.0)
        goal = np.clip((x + SHOVE * np.cos(angle), y + SHOVE * np.sin(angle)), -REACH, REACH)
        pose = float(goal[0]), float(goal[1]), yaw + float(rng.uniform(-TURN, TURN))
        if scene.clearance(pose, tool) > 0.0:
            return pose
    return x, y, yaw  # cornered by the tool


def distractor(rng: np.random.Generator) -> Decoration:
    """Draw a box at the edge of the working area."""
    angle = rng.uniform(-np.pi, np.pi)
    place = 0.24 * np.cos(angle), 0.24 * np.sin(angle), DISTRACTOR[2]
    return Decoration(place, DISTRACTOR, float(rng.uniform(-np.pi, np.pi)), COLOUR)
