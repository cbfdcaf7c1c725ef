# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Targets become short ways that end at rest."""

from dp_core.errors import ConfigError
from dp_core.kinematics import KinematicChain
from dp_sim import scene
from dp_sim.assets import URDF_PATH
from dp_sim.simulation import HOME
from dp_sim.simulation import JOINTS
from dp_sim.tool_follower import ToolFollower
import numpy as np
import pytest

CHAIN = KinematicChain.from_urdf(
    URDF_PATH.read_text(encoding='utf-8'), 'world', 'pusher_tip', JOINTS
)


def follower(place=(0.0, 0.0)):
    made = ToolFollower(CHAIN)
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[:3, 3] = *place, scene.TIP_HEIGHT
    made.begin(CHAIN.inverse(pose, np.asarray(HOME)))
    return made


def tool_velocity(knot):
    h = 1e-6
    after, before = (
        CHAIN.forward(knot.positions + sign * h * knot.velocities)[:3, 3] for sign in (1, -1)
    )
    return (after - before) / (2 * h)


def test_a_target_is_reached_when_it_is_due_with_the_speed_of_its_step():
    to, rest = follower().follow(np.array([0.01, 0.0]), 0.08)
    assert (to.time_s, rest.time_s) == pytest.approx((0.08, 0.18))
    place = CHAIN.forward(to.positions)[:3, 3]
    assert place == pytest.approx([0.01, 0.0, scene.TIP_HEIGHT], abs=1e-4)
    assert tool_velocity(to) == pytest.approx([0.1, 0.0, 0.0], abs=2e-3)
    assert not rest.velocities.any()
    stopped = CHAIN.forward(rest.positions)[:3, 3]
    assert stopped == pytest.approx([0.015, 0.0, scene.TIP_HEIGHT], abs=2e-4)


def test_a_target_that_stays_is_rested_at():
    made = follower()
    made.follow(np.array([0.01, 0.0]), 0.1)
    to, rest = made.follow(np.array([0.01, 0.0]), 0.1)
    assert np.abs(to.velocities).max() < 1e-6
    assert rest.positions == pytest.approx(to.positions, abs=1e-6)


def test_speed_workspace_and_time_are_limited():
    made = follower((0.29, 0.0))
    made.follow(np.array([0.29, 0.2]), 0.1)
    assert made.target == pytest.approx([0.29, 0.025], abs=1e-5)  # 0.25 m/s
    for _ in range(3):
        to, _ = made.follow(np.array([1.0, 0.025]), -0.2)
    assert made.target == pytest.approx([0.3, 0.025], abs=1e-5)
    assert to.time_s == 0.05


def test_it_must_know_where_the_arm_is():
    with pytest.raises(ConfigError, match='call begin first'):
        ToolFollower(CHAIN).follow(np.zeros(2), 0.1)
