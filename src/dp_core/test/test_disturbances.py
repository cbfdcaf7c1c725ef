# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.errors import ConfigError
from dp_core.evaluation.disturbances import COVER_S
from dp_core.evaluation.disturbances import Disturbed
import gymnasium
import numpy as np
import pytest


class Table(gymnasium.Env):
    """Shows a white picture and writes down what is done to it."""

    observation_space = gymnasium.spaces.Dict(
        {'front': gymnasium.spaces.Box(0, 255, (4, 4, 3), np.uint8)}
    )
    action_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)

    def __init__(self, cameras=True):
        self.done = []
        self.cameras = cameras

    def reset(self, *, seed=None, options=None):
        return self.observation(), {}

    def step(self, action):
        self.done.append('step')
        return self.observation(), 0.0, False, False, {}

    def observation(self):
        picture = {'front': np.full((4, 4, 3), 255, np.uint8)} if self.cameras else {}
        return {**picture, 'tool': np.ones(2)}

    def shove(self, rng):
        self.done.append('shove')

    def add_distractor(self, rng):
        self.done.append('distractor')

    def set_light(self, factor):
        self.done.append(f'light {factor}')


def black(env, seed, steps=100):
    """Which observations of an episode are black."""
    seen = [env.reset(seed=seed)[0]] + [env.step(None)[0] for _ in range(steps)]
    assert all((s['tool'] == 1).all() for s in seen)
    return [not s['front'].any() for s in seen]


def test_cameras_are_covered_once_for_three_seconds_at_a_time_of_the_seed():
    env = Disturbed(Table(), ['cover'], dt_s=0.1)
    first = black(env, seed=1)
    assert sum(first) == round(COVER_S / 0.1)
    begin = first.index(True)
    assert 20 <= begin <= 60
    assert all(first[begin : begin + 30])
    assert black(env, seed=1) == first
    assert black(env, seed=2) != first


def test_the_object_is_shoved_once():
    table = Table()
    black(Disturbed(table, ['shove'], dt_s=0.1), seed=3)
    assert table.done.count('shove') == 1
    assert 20 <= table.done.index('shove') <= 60


def test_what_is_seen_from_the_start_is_there_before_the_first_picture():
    table = Table()
    Disturbed(table, ['light', 'distractor'], dt_s=0.1).reset(seed=0)
    assert table.done == ['light 0.5', 'distractor']


def test_disturbances_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="no disturbance 'rain', valid"):
        Disturbed(Table(), ['rain'], 0.1)
    with pytest.raises(ConfigError, match=r'has no shove\(\)'):
        Disturbed(gymnasium.make('CartPole-v1'), ['shove'], 0.1)
    with pytest.raises(ConfigError, match=r"no camera to cover, only \['tool'\]"):
        Disturbed(Table(cameras=False), ['cover'], 0.1).reset(seed=0)
    with pytest.raises(ConfigError, match='no camera to cover, only .*one array'):
        Disturbed(gymnasium.make('CartPole-v1'), ['cover'], 0.1).reset(seed=0)


def test_a_scene_that_is_one_picture_is_covered(monkeypatch):
    monkeypatch.setattr(Table, 'observation', lambda self: np.full((4, 4, 3), 255, np.uint8))
    env = Disturbed(Table(), ['cover'], dt_s=0.1)
    seen = [env.reset(seed=1)[0]] + [env.step(None)[0] for _ in range(100)]
    assert {picture.shape for picture in seen} == {(4, 4, 3)}
    assert sum(not picture.any() for picture in seen) == 30
