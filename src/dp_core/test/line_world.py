# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A gymnasium scene whose outcome can be worked out by hand."""

from typing import Any

import gymnasium
import numpy as np

ID = 'line_world/Line-v0'


class LineWorld(gymnasium.Env[dict[str, Any], np.ndarray]):
    """The tool jumps to each target; coverage is its x; the seed is its first y."""

    observation_space = gymnasium.spaces.Dict(
        {'tool': gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64)}
    )
    action_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._tool = np.array([0.0, float(seed)])
        return {'tool': self._tool}, {}

    def step(self, action):
        self._tool = np.asarray(action, np.float64)
        coverage = float(self._tool[0])
        info = {'coverage': coverage, 'report': {'final_x': coverage}}
        return {'tool': self._tool}, 0.0, coverage >= 0.95, False, info


if ID not in gymnasium.registry:
    gymnasium.register(ID, entry_point=LineWorld, max_episode_steps=12)
