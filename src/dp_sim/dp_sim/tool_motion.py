# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Moves the simulated tool in straight lines over the table by inverse kinematics."""

from __future__ import annotations

from dp_core.tool_plane import tool_down
from dp_sim import scene
from dp_sim.simulation import Simulation
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MAX_SPEED = 0.25  # [m/s]; a target farther away than one step at this speed is cut short
KNOT_S = 0.05  # between inverse kinematics solutions [s]; the tip bends off by < 0.05 mm


class ToolMotion:
    """Drives a simulation by tool targets: each is reached at the end of its step."""

    def __init__(self, simulation: Simulation) -> None:
        """Begin where the simulated arm stands."""
        self._simulation = simulation
        self.reset()

    def reset(self) -> None:
        """Take the present joint positions as the reference."""
        self._q = self._simulation.joint_positions.copy()
        self.target = self._simulation.chain.forward(self._q)[:2, 3].copy()  # (2,) [m]

    def move(self, target: Array, duration_s: float) -> None:
        """Move to `target` (2,) [m] within the workspace and the speed limit, in `duration_s`."""
        goal = scene.clamp_tool(target)
        way = goal - self.target
        way *= min(1.0, MAX_SPEED * duration_s / max(float(np.linalg.norm(way)), 1e-9))
        begin, knots = self.target, max(1, round(duration_s / KNOT_S))
        steps = round(duration_s / knots / self._simulation.dt)
        for k in range(1, knots + 1):
            x, y = begin + way * (k / knots)
            q = self._simulation.chain.inverse(
                tool_down(x, y, scene.TIP_HEIGHT),
                self._q,
                position_tolerance_m=1e-5,
                rotation_tolerance_rad=1e-4,
            )
            velocity = (q - self._q) / (steps * self._simulation.dt)
            for i in range(1, steps + 1):
                self._simulation.step(self._q + (q - self._q) * (i / steps), velocity)
            self._q = q
        self.target = begin + way
