# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How an arm that a real controller holds gets to the start of an episode: up, over, down."""

from __future__ import annotations

from dp_core.kinematics import KinematicChain
from dp_core.tool_plane import tool_down
from dp_sim import scene
from dp_sim.scene_state import Array
from dp_sim.simulation import HOME
import numpy as np

CLEARANCE_M = 0.1  # of the tip above its plane, on the way
MAX_SPEED = 0.8  # of every joint, at the middle of a leg [rad/s]
MIN_LEG_S = 0.4


def start_positions(chain: KinematicChain, seed: int) -> Array:
    """Return where the arm rests at the start of a seed, (joints,) [rad]."""
    x, y = scene.draw_start(seed).tool[:2]
    return chain.inverse(tool_down(x, y, scene.TIP_HEIGHT), np.asarray(HOME))


def legs(chain: KinematicChain, positions: Array, goal: Array) -> list[tuple[float, Array]]:
    """Return the ends of the legs from `positions` to `goal`, (joints,) [rad], and when [s].

    The arm rests at the end of each leg, so a cubic between two ends peaks at 1.5 times the mean
    speed.
    """
    over = scene.TIP_HEIGHT + CLEARANCE_M
    ends, near = [], positions
    for place in (positions, goal):
        x, y, _ = chain.forward(place)[:3, 3]
        near = chain.inverse(tool_down(x, y, over), near)
        ends.append(near)
    now_s, timed = 0.0, []
    for before, end in zip([positions, *ends], [*ends, goal]):
        now_s += max(MIN_LEG_S, 1.5 * float(np.abs(end - before).max()) / MAX_SPEED)
        timed.append((now_s, end))
    return timed
