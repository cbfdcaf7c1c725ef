# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.evaluation.claims import modes_world
from dp_core.evaluation.claims.modes import count
from dp_core.evaluation.claims.modes_regression import ramp
from dp_core.evaluation.claims.modes_world import CONTRACT
from dp_core.evaluation.claims.modes_world import demonstrate
from dp_core.evaluation.claims.modes_world import hits
from dp_core.evaluation.claims.modes_world import roll_out
from dp_core.evaluation.claims.modes_world import Rollouts
import numpy as np
import pytest


class Driver:
    """Goes the demonstrator's way on a side chosen for each chunk."""

    contract = CONTRACT

    def __init__(self, choose):
        self.choose = choose
        self.asked = []

    def predict_batch(self, windows, seeds):
        self.asked.append(list(seeds))
        newest = np.stack([w.low_dim['position'][-1] for w in windows])  # (B, 2)
        y = newest[:, 1:] + 0.1 * np.arange(CONTRACT.horizon)  # index 1 comes first
        bow = np.cos(0.5 * np.pi * y.clip(-1, 1)) ** 2
        side = np.array([self.choose(len(self.asked), row) for row in range(len(windows))])
        x = modes_world.DETOUR * side[:, None] * bow
        return np.stack([x, y.clip(-1.2, 1.2)], axis=2).astype(np.float32)


def test_demonstrations_pass_on_both_sides_and_touch_nothing():
    buffer = demonstrate(20, seed=0)
    paths = buffer.data['position'].reshape(20, -1, 2).astype(float)
    beside = np.abs(paths[:, :, 1]).argmin(axis=1)
    x = paths[np.arange(20), beside, 0]
    assert sorted(np.sign(x)) == [-1.0] * 10 + [1.0] * 10
    assert np.linalg.norm(paths, axis=2).min() > 0.45
    assert np.abs(paths[:, -1] - modes_world.GOAL).max() < 0.05
    start = paths[:, 0]
    assert abs(np.corrcoef(start[:, 0], x)[0, 1]) < 0.6
    assert np.ptp(start[:, 0]) < 0.1


def test_a_way_across_the_disc_is_a_hit_even_between_two_points():
    before = np.array([[-0.5, 0.2], [-0.5, 0.31], [0.4, 0.0], [0.0, -0.35]])
    after = np.array([[0.5, 0.2], [0.5, 0.31], [0.5, 0.0], [0.0, -0.2]])
    assert hits(before, after).tolist() == [True, False, False, True]


def test_a_driver_who_keeps_to_a_side_is_committed():
    driver = Driver(lambda chunk, row: -1.0 if row < 3 else 1.0)
    rollouts = roll_out(driver, 8, 5, seed=0)
    figures = count(rollouts)
    assert figures['committed'] == 1.0 and figures['hit'] == 0.0
    assert figures['left'] == pytest.approx(0.6)
    assert figures['most_switches'] == 0
    assert len(driver.asked) == 4  # 32 steps
    assert len({seed for seeds in driver.asked for seed in seeds}) == 20


def test_a_driver_who_dithers_is_counted():
    rollouts = roll_out(Driver(lambda chunk, row: (-1.0) ** chunk), 1, 2, seed=0)
    figures = count(rollouts)
    assert figures['committed'] == 0.0
    assert figures['most_switches'] >= 5


def test_a_driver_in_the_middle_hits_the_disc_and_stays_there():
    rollouts = roll_out(Driver(lambda chunk, row: 0.0), 8, 3, seed=0)
    assert rollouts.hit.all() and not rollouts.committed.any()
    assert rollouts.paths[:, -1, 1].max() < -0.25


def test_changes_of_side_count_before_the_disc_only():
    plans = np.zeros((4, 1, 12, 2))
    plans[:, 0, 9, 0] = [0.5, -0.5, -0.5, 0.5]
    planned_at = np.array([[-1.2], [-0.8], [-0.4], [0.1]])
    rollouts = Rollouts(np.zeros((1, 33, 2)), np.zeros(1, np.bool_), plans, planned_at)
    assert rollouts.switches.tolist() == [1]


def test_regression_sees_the_same_ramp_in_every_sequence():
    source, timesteps = ramp(3, CONTRACT)
    assert source.shape == (3, 12, 2) and timesteps.tolist() == [0, 0, 0]
    assert source[0, 0].tolist() == [-1.0, -1.0] and source[2, -1].tolist() == [1.0, 1.0]
