# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Geometry of the Push-T scene: the T, its goal, where episodes start, where the tool may go.

Frame `world`: table top at z = 0, goal at the origin, robot base at x = -0.5, z up; [m], [rad].
A planar pose is (x, y, yaw) of the T's centroid; the stem points along the T's own -y.

    (-0.1, 0.068)  0 ---------------- 7
                   1 --- 2      5 --- 6
                         |      |
                         3 ---- 4   (0.025, -0.132)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
import shapely
from shapely.geometry import Point
from shapely.geometry import Polygon

Array = NDArray[np.float64]

UNIT = 0.05  # width of bar and stem [m]; the bar is 4 units long, the stem 3
CENTROID = 6.0 / 7.0 * UNIT  # from the middle of the bar to the centroid of the T [m]
BLOCK_HEIGHT = 0.04  # [m]
BLOCK_CORNERS: tuple[tuple[float, float], ...] = tuple(
    (x * UNIT, y * UNIT + CENTROID)
    for x, y in (
        (-2, 0.5),
        (-2, -0.5),
        (-0.5, -0.5),
        (-0.5, -3.5),
        (0.5, -3.5),
        (0.5, -0.5),
        (2, -0.5),
        (2, 0.5),
    )
)  # outline, counter-clockwise [m]
GOAL_POSE = (0.0, 0.0, -np.pi / 4)  # x, y [m], yaw [rad]
SUCCESS_COVERAGE = 0.95
TIME_LIMIT_S = 60.0
END_ZONE = (-0.2, 0.2)  # centre of the disc where the tool rests once the T is placed, x, y [m]
END_ZONE_RADIUS = 0.04  # [m]
END_ZONE_DWELL_S = 1.0  # the tool has retreated when it was in the zone for this long [s]

PUSHER_RADIUS = 0.0125  # [m]
TIP_HEIGHT = 0.015  # of the tool above the table while it works [m]
TOOL_LOW = (-0.30, -0.30)  # x, y that the tool may reach [m]
TOOL_HIGH = (0.30, 0.30)
BASE_POSITION = (-0.5, 0.0)  # of the robot [m]
BASE_CLEARANCE = 0.22  # nearest that the tool comes to the base axis [m]

START_BLOCK = (0.13, 0.15)  # half range of x, y about the goal [m]; any yaw
START_COVERAGE = 0.6  # episodes start below this
START_TOOL = (0.22, 0.24)  # half range of x, y [m]
START_TOOL_CLEARANCE = 0.03  # between pusher and block [m]


@dataclass(frozen=True)
class Start:
    """Where an episode begins: block pose (x, y, yaw) [m, m, rad] and tool (x, y) [m]."""

    block: tuple[float, float, float]
    tool: tuple[float, float]


def block_corners(pose: Array | tuple[float, float, float]) -> Array:
    """Outline corners (8, 2) [m] in `world` of the T at `pose`."""
    x, y, yaw = pose
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.asarray(BLOCK_CORNERS) @ np.array([[cos, sin], [-sin, cos]]) + (x, y)


def block_polygon(pose: Array | tuple[float, float, float]) -> Polygon:
    """Outline of the T at `pose`."""
    return Polygon(block_corners(pose))


_GOAL = block_polygon(GOAL_POSE)
shapely.prepare(_GOAL)


def coverage(pose: Array | tuple[float, float, float]) -> float:
    """Part of the T at `pose` that lies on the goal, in [0, 1]."""
    return float(block_polygon(pose).intersection(_GOAL).area / _GOAL.area)


def iou(covered: float) -> float:
    """Intersection over union of the T and its goal, two equal areas, from a coverage."""
    return covered / (2.0 - covered)


def in_end_zone(tool: Array | tuple[float, float]) -> bool:
    """Whether the tool at (x, y) [m] is in the end zone."""
    return bool(np.linalg.norm(np.asarray(tool) - END_ZONE) <= END_ZONE_RADIUS)


def clearance(
    pose: Array | tuple[float, float, float], tool: Array | tuple[float, float]
) -> float:
    """Gap between the pusher at `tool` and the T at `pose` [m]; negative where they overlap."""
    return float(block_polygon(pose).distance(Point(tool))) - PUSHER_RADIUS


def clamp_tool(tool: Array) -> Array:
    """Nearest point (2,) [m] to `tool` that the tool may go to."""
    point = np.clip(np.asarray(tool, dtype=np.float64), TOOL_LOW, TOOL_HIGH)
    arm = point - BASE_POSITION
    distance = float(np.linalg.norm(arm))
    if distance < BASE_CLEARANCE:
        point = np.asarray(BASE_POSITION) + arm * (BASE_CLEARANCE / max(distance, 1e-9))
    return np.asarray(point, dtype=np.float64)


def draw_start(seed: int) -> Start:
    """Draw the start of episode `seed`. This distribution is frozen: scores depend on it."""
    rng = np.random.default_rng(seed)
    while True:
        block = (
            float(rng.uniform(-START_BLOCK[0], START_BLOCK[0])),
            float(rng.uniform(-START_BLOCK[1], START_BLOCK[1])),
            float(rng.uniform(-np.pi, np.pi)),
        )
        if coverage(block) < START_COVERAGE:
            break
    while True:
        tool = (
            float(rng.uniform(-START_TOOL[0], START_TOOL[0])),
            float(rng.uniform(-START_TOOL[1], START_TOOL[1])),
        )
        if clearance(block, tool) >= START_TOOL_CLEARANCE:
            return Start(block, tool)
