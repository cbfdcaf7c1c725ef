# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""MuJoCo scenes, and a node that stands where robot, cameras and ros2_control stand."""

import importlib.util

# A robot computer needs the node, not the environment.
if importlib.util.find_spec('gymnasium') is not None:
    import gymnasium

    gymnasium.register(
        id='dp_sim/UR5ePushT-v0', entry_point='dp_sim.env:UR5ePushTEnv', max_episode_steps=600
    )
