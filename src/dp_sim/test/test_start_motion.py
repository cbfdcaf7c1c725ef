# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.kinematics import KinematicChain
from dp_sim import scene
from dp_sim.assets import URDF_PATH
from dp_sim.simulation import JOINTS
from dp_sim.simulation import Simulation
from dp_sim.start_motion import CLEARANCE_M
from dp_sim.start_motion import legs
from dp_sim.start_motion import MAX_SPEED
from dp_sim.start_motion import start_positions
import numpy as np
import pytest

CHAIN = KinematicChain.from_urdf(
    URDF_PATH.read_text(encoding='utf-8'), 'world', 'pusher_tip', JOINTS
)


@pytest.mark.parametrize('seed', [0, 7])
def test_the_start_is_where_the_scene_puts_the_arm(seed):
    simulation = Simulation()
    simulation.reset(seed)
    np.testing.assert_allclose(
        start_positions(CHAIN, seed), simulation.joint_positions, atol=1e-12
    )


def test_the_tip_goes_up_over_and_down():
    here, goal = start_positions(CHAIN, 1), start_positions(CHAIN, 2)
    way = legs(CHAIN, here, goal)
    tips = [CHAIN.forward(q)[:3, 3] for _, q in way]
    over = scene.TIP_HEIGHT + CLEARANCE_M
    assert [tip[2] for tip in tips] == pytest.approx([over, over, scene.TIP_HEIGHT], abs=1e-4)
    np.testing.assert_allclose(tips[1][:2], scene.draw_start(2).tool[:2], atol=1e-4)
    np.testing.assert_array_equal(way[-1][1], goal)


def test_no_leg_is_faster_than_allowed_at_its_middle():
    here, goal = start_positions(CHAIN, 3), start_positions(CHAIN, 4)
    before_s, before = 0.0, here
    for end_s, end in legs(CHAIN, here, goal):
        assert 1.5 * np.abs(end - before).max() / (end_s - before_s) <= MAX_SPEED + 1e-9
        before_s, before = end_s, end
