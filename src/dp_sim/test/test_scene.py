# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Geometry of the T and the frozen distribution of starts."""

from dp_sim import scene
import numpy as np
import pytest

# Scores of policies are comparable only while these do not change.
FROZEN = {
    0: (
        (0.03561003870357812, -0.06906398587083891, -2.8841484100105235),
        (-0.2127278403674472, 0.15036971481613076),
    ),
    1: (
        (0.0030736224220667407, 0.1351391088977806, -2.2358110930610913),
        (0.19740575674038732, -0.09032090303496698),
    ),
    2: (
        (-0.06198084509517773, -0.060452656975763006, 1.9743385564396059),
        (-0.17955698546055737, 0.04804825246351391),
    ),
    100000: (
        (-0.09725696606063586, -0.009439277295252457, 3.1260699166107457),
        (0.1408915177574698, -0.23392876069688706),
    ),
    100001: (
        (0.09148106352316637, 0.11322739645660398, -2.8830316642418032),
        (-0.13785046881344507, -0.13416320290018963),
    ),
    200000: (
        (0.1164462326693973, -0.10327968203689064, 1.3931788455553882),
        (-0.19363449371908317, 0.13137734807537804),
    ),
}


def test_starts_are_frozen():
    for seed, (block, tool) in FROZEN.items():
        start = scene.draw_start(seed)
        assert start.block == pytest.approx(block, abs=1e-12)
        assert start.tool == pytest.approx(tool, abs=1e-12)


def test_starts_keep_their_promises():
    starts = [scene.draw_start(seed) for seed in range(300)]
    blocks = np.array([start.block for start in starts])
    assert np.abs(blocks[:, 0]).max() <= 0.13
    assert np.abs(blocks[:, 1]).max() <= 0.15
    assert np.abs(blocks[:, 0]).max() > 0.125
    assert np.abs(blocks[:, 2]).max() > 3.1
    assert max(scene.coverage(start.block) for start in starts) < 0.6
    assert min(scene.clearance(start.block, start.tool) for start in starts) >= 0.03


def test_outline_is_a_t_of_seven_squares_about_its_centroid():
    polygon = scene.block_polygon((0.0, 0.0, 0.0))
    assert polygon.area == pytest.approx(7 * 0.05**2)
    assert polygon.centroid.coords[0] == pytest.approx((0.0, 0.0), abs=1e-12)
    assert polygon.exterior.is_ccw
    assert polygon.bounds == pytest.approx((-0.1, -0.132142857, 0.1, 0.067857143))


def test_coverage_counts_the_overlap():
    x, y, yaw = scene.GOAL_POSE
    assert scene.coverage((x, y, yaw)) == pytest.approx(1.0)
    assert scene.coverage((x, y, yaw + 2 * np.pi)) == pytest.approx(1.0)
    assert scene.coverage((x + 1.0, y, yaw)) == 0.0
    # 1 cm along the stem: the ends of bar (20 cm) and stem (5 cm) stick out, and the inner edge
    # of the bar (15 cm) covers again what was free: 20 x 1 of 175 square centimetres are lost.
    along = (x - 0.01 * np.sin(yaw), y + 0.01 * np.cos(yaw), yaw)
    assert scene.coverage(along) == pytest.approx(1 - 0.2 * 0.01 / 0.0175)


def test_corners_turn_with_the_block():
    corners = scene.block_corners((0.1, 0.2, np.pi / 2))
    assert corners.shape == (8, 2)
    assert corners[0] == pytest.approx((0.1 - 0.067857143, 0.2 - 0.1))


def test_tool_is_kept_in_the_workspace_and_off_the_base():
    assert scene.clamp_tool(np.array([0.9, -0.9])) == pytest.approx((0.3, -0.3))
    near = scene.clamp_tool(np.array([-0.3, 0.0]))
    assert near == pytest.approx((-0.28, 0.0))
    assert scene.clamp_tool(np.array([0.1, 0.2])) == pytest.approx((0.1, 0.2))


def test_end_zone_is_a_disc_away_from_the_goal():
    x, y = scene.END_ZONE
    assert scene.in_end_zone((x + 0.039, y))
    assert not scene.in_end_zone((x + 0.041, y))
    assert scene.clearance(scene.GOAL_POSE, scene.END_ZONE) > scene.END_ZONE_RADIUS + 0.05
    np.testing.assert_allclose(scene.clamp_tool(np.array([x, y])), [x, y])


def test_iou_of_two_equal_areas():
    assert scene.iou(1.0) == 1.0
    assert scene.iou(0.95) == pytest.approx(0.95 / 1.05)  # 0.905
    assert scene.iou(0.0) == 0.0
