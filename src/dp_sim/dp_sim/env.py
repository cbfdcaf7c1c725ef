# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The scene as a gymnasium environment: tool targets in, contract streams out."""

from __future__ import annotations

from typing import Any

from dp_sim import disturb
from dp_sim import scene
from dp_sim.retreat import report
from dp_sim.retreat import Retreat
from dp_sim.simulation import Simulation
from dp_sim.tool_motion import ToolMotion
import gymnasium
from gymnasium import spaces
import numpy as np
from numpy.typing import NDArray

DT_S = 0.1
IMAGE_SIZE = 96


class UR5ePushTEnv(gymnasium.Env):  # type: ignore[misc]
    """Push the T onto its goal.

    Observation: `block` (16,) x, y of the T's corners [m], `tool` (2,) x, y [m], and with
    `cameras` also `front` and `wrist` (96, 96, 3) uint8 RGB. Action: tool target x, y [m],
    reached at the end of the 0.1 s step. Reward: clip(coverage / 0.95, 0, 1). An episode ends at
    a coverage of 0.95, or is truncated after 60 s. With `retreat`, it goes on until the T was
    placed (0.95) and the tool has then been in the end zone for a second, the end of the paper's
    real episodes; `info['report']` says how it stands. `reset(options={'block': (x, y, yaw),
    'tool': (x, y)})` starts at a chosen place.
    """

    metadata = {'render_modes': ['rgb_array'], 'render_fps': 10}

    def __init__(
        self,
        cameras: bool = False,
        retreat: bool = False,
        render_mode: str | None = None,
        render_size: tuple[int, int] = (480, 640),
    ) -> None:
        """Make the scene; `render_size` is height, width of `render()` [pixel]."""
        self.render_mode = render_mode
        self._retreat = retreat
        self._cameras = ('front', 'wrist') if cameras else ()
        self._render_size = render_size
        self.simulation = Simulation()
        self._motion = ToolMotion(self.simulation)
        low, high = (
            np.array(bound, dtype=np.float32) for bound in (scene.TOOL_LOW, scene.TOOL_HIGH)
        )
        self.action_space = spaces.Box(low, high, dtype=np.float32)
        images = {
            name: spaces.Box(0, 255, (IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
            for name in self._cameras
        }
        self.observation_space = spaces.Dict(
            {
                'block': spaces.Box(-2.0, 2.0, (16,), np.float32),
                'tool': spaces.Box(-2.0, 2.0, (2,), np.float32),
                **images,
            }
        )

    def reset(
        self,
        *,
        seed: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Start episode `seed` of the frozen distribution, or where `options` say."""
        super().reset(seed=seed)
        if options and {'block', 'tool'} <= set(options):
            self.simulation.place(options['block'], options['tool'])
        else:
            drawn = int(self.np_random.integers(2**31)) if seed is None else seed
            self.simulation.reset(drawn)
        self._motion.reset()
        self._end = Retreat()
        return self._observation(), self._info()

    def step(
        self,
        action: NDArray[Any],
    ) -> tuple[dict[str, NDArray[Any]], float, bool, bool, dict[str, Any]]:
        """Move the tool to `action` (2,) [m] in 0.1 s."""
        self._motion.move(np.asarray(action, dtype=np.float64), DT_S)
        self._end.follow(self.simulation.tool_pose[0][:2], self.simulation.coverage(), DT_S)
        info = self._info()
        reward = float(np.clip(info['coverage'] / scene.SUCCESS_COVERAGE, 0.0, 1.0))
        is_over = self._end.is_over if self._retreat else info['is_success']
        return self._observation(), reward, is_over, False, info

    def render(self) -> NDArray[np.uint8]:
        """Picture of the camera `view`, for videos."""
        return self.simulation.render('view', *self._render_size)

    def shove(self, rng: np.random.Generator) -> None:
        """Move the T aside, 5 cm away from the tool and turned by up to half a radian."""
        self.simulation.move_block(disturb.shoved(self.simulation, rng))

    def add_distractor(self, rng: np.random.Generator) -> None:
        """Show a block on the table that was never seen in training; nothing touches it."""
        self.simulation.renderer.decorations = [disturb.distractor(rng)]

    def set_light(self, factor: float) -> None:
        """Light the scene by a part of its light."""
        self.simulation.renderer.set_light(factor)

    def close(self) -> None:
        """Free the GL contexts."""
        self.simulation.close()

    def _observation(self) -> dict[str, NDArray[Any]]:
        sim = self.simulation
        images = {name: sim.render(name, IMAGE_SIZE, IMAGE_SIZE) for name in self._cameras}
        return {
            'block': scene.block_corners(sim.block_pose).astype(np.float32).ravel(),
            'tool': sim.tool_pose[0][:2].astype(np.float32),
            **images,
        }

    def _info(self) -> dict[str, Any]:
        coverage = self.simulation.coverage()
        tool = self.simulation.tool_pose[0][:2]
        info = {
            'coverage': coverage,
            'is_success': coverage >= scene.SUCCESS_COVERAGE,
            'block_pose': np.array(self.simulation.block_pose),
            'tool': tool,
            'in_end_zone': scene.in_end_zone(tool),
        }
        if self._retreat:
            info['report'] = report(coverage, self._end.has_rested)
        return info
