# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_sim import scene
from dp_sim.disturb import SHOVE
from dp_sim.rendering import RenderError
import gymnasium
import numpy as np
import pytest

ENV_ID = 'dp_sim:dp_sim/UR5ePushT-v0'


@pytest.mark.parametrize('seed', range(5))
def test_the_t_is_shoved_clear_of_the_tool_and_stays_where_it_is_put(seed):
    env = gymnasium.make(ENV_ID)
    observation, _ = env.reset(seed=seed)
    sim = env.unwrapped.simulation
    before, time_s = np.array(sim.block_pose), sim.time_s
    env.unwrapped.shove(np.random.default_rng(seed))
    after = np.array(sim.block_pose)
    assert 0.0 < np.linalg.norm(after[:2] - before[:2]) <= SHOVE + 1e-9
    assert abs(after[2] - before[2]) <= 0.5
    assert scene.clearance(tuple(after), sim.tool_pose[0][:2]) > 0.0
    assert sim.time_s == time_s
    env.step(observation['tool'])
    np.testing.assert_allclose(sim.block_pose, after, atol=2e-3)


def test_light_and_distractor_change_what_cameras_see_and_nothing_else():
    env = gymnasium.make(ENV_ID, cameras=True)
    try:
        plain = env.reset(seed=1)[0]
    except RenderError as error:
        pytest.skip(str(error))
    env.unwrapped.set_light(0.5)
    dark = env.reset(seed=1)[0]
    assert dark['front'].mean() < 0.85 * plain['front'].mean()
    env.unwrapped.set_light(1.0)
    assert np.array_equal(env.reset(seed=1)[0]['front'], plain['front'])
    env.unwrapped.add_distractor(np.random.default_rng(0))
    seen = env.reset(seed=1)[0]
    changed = (seen['front'] != plain['front']).any(axis=2).mean()
    assert 0.001 < changed < 0.1
    assert np.array_equal(seen['block'], plain['block'])
