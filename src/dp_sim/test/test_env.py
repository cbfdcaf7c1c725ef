# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The gymnasium environment."""

from dp_sim import scene
from dp_sim.rendering import RenderError
import gymnasium
from gymnasium.utils.env_checker import check_env
import numpy as np
import pytest

ENV_ID = 'dp_sim:dp_sim/UR5ePushT-v0'


def test_environment_keeps_the_rules_of_gymnasium():
    check_env(gymnasium.make(ENV_ID).unwrapped, skip_render_check=True)


def test_reset_draws_the_frozen_start_and_shows_the_contracts_streams():
    env = gymnasium.make(ENV_ID)
    observation, info = env.reset(seed=2)
    start = scene.draw_start(2)
    assert set(observation) == {'block', 'tool'}
    expected = scene.block_corners(start.block).ravel()
    np.testing.assert_allclose(observation['block'], expected, atol=1e-6)
    np.testing.assert_allclose(observation['tool'], start.tool, atol=1e-5)
    assert info['coverage'] == pytest.approx(scene.coverage(start.block))


def test_action_is_reached_at_the_end_of_its_step():
    env = gymnasium.make(ENV_ID)
    observation, _ = env.reset(seed=2)
    target = observation['tool'] + np.array([0.01, 0.0], dtype=np.float32)
    observation, *_ = env.step(target)
    assert env.unwrapped.simulation.time_s == pytest.approx(0.1)
    np.testing.assert_allclose(observation['tool'], target, atol=1e-3)


def test_episode_is_over_on_the_goal_and_after_a_minute():
    env = gymnasium.make(ENV_ID)
    x, y, yaw = scene.GOAL_POSE
    observation, _ = env.reset(options={'block': (x + 0.002, y, yaw), 'tool': (0.25, 0.25)})
    _, reward, terminated, _, info = env.step(observation['tool'])
    assert terminated and info['is_success']
    assert reward == 1.0
    assert env.spec.max_episode_steps == 600


def test_with_retreat_an_episode_is_over_after_a_second_in_the_end_zone():
    env = gymnasium.make(ENV_ID, retreat=True)
    x, y, yaw = scene.GOAL_POSE
    placed, missed = (x + 0.002, y, yaw), (x + 0.02, y, yaw)
    for block, steps in ((placed, 10), (missed, 15)):
        env.reset(options={'block': block, 'tool': scene.END_ZONE})
        terminated = False
        for _ in range(steps):
            assert not terminated
            _, _, terminated, _, info = env.step(np.array(scene.END_ZONE))
        assert terminated == (block == placed)
        assert info['in_end_zone']
        report = info['report']
        assert report['final_coverage'] == pytest.approx(scene.coverage(block), abs=1e-3)
        assert report['retreated'] == 1.0
        assert report['retreated_and_placed'] == float(block == placed)


def test_cameras_add_their_pictures():
    env = gymnasium.make(ENV_ID, cameras=True)
    try:
        observation, _ = env.reset(seed=0)
    except RenderError as error:
        pytest.skip(str(error))
    assert set(observation) == {'block', 'tool', 'front', 'wrist'}
    assert env.observation_space.contains(observation)
    assert observation['front'].std() > 10
    env.close()
