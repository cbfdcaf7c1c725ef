# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The physics wrapper: servos, state, pictures."""

import os
import subprocess
import sys

from dp_sim import scene
from dp_sim.rendering import RenderError
from dp_sim.simulation import Simulation
from dp_sim.tool_motion import ToolMotion
import numpy as np
import pytest


@pytest.fixture(scope='module')
def simulation():
    simulation = Simulation()
    yield simulation
    simulation.close()


def test_reset_places_block_and_tool_at_rest(simulation):
    simulation.reset(7)
    start = scene.draw_start(7)
    assert simulation.time_s == 0.0
    assert simulation.block_pose == pytest.approx(start.block, abs=1e-9)
    position, quaternion = simulation.tool_pose
    assert position == pytest.approx((*start.tool, scene.TIP_HEIGHT), abs=1e-5)
    assert np.abs(quaternion) == pytest.approx((1, 0, 0, 0), abs=1e-4)  # a half turn about x
    assert not simulation.joint_velocities.any()


def test_nothing_moves_while_the_arm_holds(simulation):
    simulation.reset(3)
    q, block = simulation.joint_positions.copy(), simulation.block_pose
    for _ in range(1000):
        simulation.step(q, np.zeros(6))
    assert simulation.time_s == pytest.approx(2.0)
    np.testing.assert_allclose(simulation.joint_positions, q, atol=1e-5)
    assert simulation.block_pose == pytest.approx(block, abs=1e-4)


def test_servos_follow_within_a_millimetre(simulation):
    simulation.place((0.2, 0.2, 0.0), (-0.15, -0.15))
    motion = ToolMotion(simulation)
    for k in range(1, 31):
        target = np.array([-0.15 + 0.01 * k, -0.15])
        motion.move(target, 0.1)
        assert np.linalg.norm(simulation.tool_pose[0][:2] - target) < 1e-3
        assert simulation.tool_pose[0][2] == pytest.approx(scene.TIP_HEIGHT, abs=5e-4)


def test_fast_targets_are_cut_to_the_speed_limit(simulation):
    simulation.place((0.2, 0.2, 0.0), (-0.15, -0.15))
    motion = ToolMotion(simulation)
    motion.move(np.array([0.3, -0.15]), 0.1)
    assert motion.target == pytest.approx((-0.125, -0.15), abs=1e-6)


def test_push_moves_the_block(simulation):
    simulation.place((0.0, 0.0, 0.0), (0.0, 0.1))  # in front of the bar
    motion = ToolMotion(simulation)
    for k in range(1, 16):
        motion.move(np.array([0.0, 0.1 - 0.005 * k]), 0.1)
    x, y, yaw = simulation.block_pose
    gap = 0.1 - 0.067857 - scene.PUSHER_RADIUS
    assert y == pytest.approx(-(0.075 - gap), abs=0.004)
    assert abs(x) < 0.004
    assert abs(yaw) < 0.1


def test_restored_state_continues_exactly(simulation):
    simulation.reset(1)
    motion = ToolMotion(simulation)
    motion.move(np.array([0.05, 0.05]), 0.1)
    state = simulation.state()
    reference = simulation.joint_positions + 0.01

    def run(other):
        other.restore(state)
        for _ in range(50):
            other.step(reference, np.zeros(6))
        return np.concatenate([other.joint_positions, other.block_pose, [other.time_s]])

    np.testing.assert_array_equal(run(simulation), run(Simulation()))


def test_recorded_state_can_be_shown(simulation):
    simulation.reset(5)
    q, (position, quaternion) = simulation.joint_positions.copy(), simulation.block_pose_3d
    block = simulation.block_pose
    simulation.reset(6)
    simulation.show(q, position, quaternion)
    assert simulation.block_pose == pytest.approx(block)
    np.testing.assert_allclose(simulation.joint_positions, q)


def test_intrinsics_follow_from_the_field_of_view(simulation):
    k = simulation.camera_intrinsics('front', 480, 640)
    assert k[0, 0] == k[1, 1] == pytest.approx(240 / np.tan(np.radians(23)))
    assert k[0, 2] == pytest.approx(319.5)
    assert k[1, 2] == pytest.approx(239.5)


def test_unknown_camera_is_refused_with_the_valid_ones(simulation):
    with pytest.raises(RenderError, match="'side'.*front"):
        simulation.render('side', 96, 96)


def orange(image):
    """Number of pixels with the colour of the block."""
    red, green, blue = (image[..., i].astype(int) for i in range(3))
    return int(((red > 90) & (red > 1.6 * green) & (red > 2 * blue)).sum())


def test_front_camera_sees_the_block_wherever_an_episode_starts(simulation):
    try:
        simulation.render('front', 96, 96)
    except RenderError as error:
        pytest.skip(str(error))
    counts = []
    for seed in range(60):
        simulation.reset(seed)
        image = simulation.render('front', 96, 96)
        assert image.shape == (96, 96, 3)
        assert image.dtype == np.uint8
        counts.append(orange(image))
    assert min(counts) >= 15
    assert np.median(counts) > 150


def test_robot_cameras_show_what_the_shipped_camera_policy_was_trained_on(simulation):
    simulation.reset(0)
    expected = {'front': [197.2, 189.2, 180.3], 'wrist': [210.0, 204.9, 197.2]}
    for camera, colour in expected.items():
        try:
            image = simulation.render(camera, 96, 96)
        except RenderError as error:
            pytest.skip(str(error))
        np.testing.assert_allclose(image.mean(axis=(0, 1)), colour, atol=3)


WITHOUT_GL = """
import ctypes.util
find = ctypes.util.find_library
ctypes.util.find_library = lambda name: None if name == 'OSMesa' else find(name)
from dp_sim.rendering import RenderError
from dp_sim.simulation import Simulation
simulation = Simulation()
simulation.step(simulation.joint_positions, simulation.joint_velocities)
try:
    simulation.render('view', 96, 96)
except RenderError as error:
    print(error)
"""


def test_a_missing_gl_library_costs_the_pictures_but_not_the_physics():
    answer = subprocess.run(
        [sys.executable, '-c', WITHOUT_GL],
        env={**os.environ, 'MUJOCO_GL': 'osmesa'},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert "cannot render with MUJOCO_GL='osmesa'" in answer.stdout
    assert 'install libegl1' in answer.stdout
