# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The scripted operator solves the task from the frozen starts."""

import json
from pathlib import Path

from dp_sim import scene
from dp_sim.detour import Detour
from dp_sim.push_planner import _cost
from dp_sim.push_planner import PushPlanner
from dp_sim.scripted_operator import NOISE
from dp_sim.scripted_operator import Operator
from dp_sim.simulation import Simulation
from dp_sim.tool_motion import ToolMotion
import numpy as np
import pytest


def solve(seeds):
    """Time [s] to 95 % coverage for each seed; NaN where a minute was not enough."""
    simulation, operator = Simulation(), Operator(np.random.default_rng(0))
    times = []
    for seed in seeds:
        simulation.reset(seed)
        operator.reset()
        motion = ToolMotion(simulation)
        while simulation.coverage() < scene.SUCCESS_COVERAGE and simulation.time_s < 59.95:
            tool = simulation.tool_pose[0][:2]
            motion.move(operator.act(simulation.block_pose, tool), 0.1)
        done = simulation.coverage() >= scene.SUCCESS_COVERAGE
        times.append(round(simulation.time_s, 1) if done else float('nan'))
    return times


def test_operator_solves_three_starts():
    assert np.isfinite(solve([1, 6, 18])).all()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_operator_solves_57_of_60_starts():
    times = solve(range(60))
    solved = int(np.isfinite(times).sum())
    result = {
        'seeds': [0, 60],
        'solved': solved,
        'median_s': float(np.nanmedian(times)),
        'times_s': [t if np.isfinite(t) else None for t in times],
    }
    output = Path('out/operator.json')
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(result, indent=1) + '\n', encoding='utf-8')
    assert solved >= 57


def test_operator_takes_over_anywhere_even_touching_the_block():
    simulation, operator = Simulation(), Operator(np.random.default_rng(1))
    simulation.place((0.05, 0.08, 1.0), (-0.2, 0.2))
    corner = scene.block_corners((0.05, 0.08, 1.0))[3]
    tool = corner + (0.0, 0.012)
    motion = ToolMotion(simulation)
    while np.linalg.norm(motion.target - tool) > 1e-6:
        motion.move(tool, 0.1)
    before = simulation.coverage()
    for _ in range(250):
        motion.move(operator.act(simulation.block_pose, simulation.tool_pose[0][:2]), 0.1)
    assert simulation.coverage() > max(before, 0.3)


def test_operator_retreats_from_a_placed_block_and_leaves_it_where_it_is():
    simulation, operator = Simulation(), Operator(np.random.default_rng(0))
    simulation.place(scene.GOAL_POSE, (0.15, 0.1))  # the way to the end zone leads round the T
    motion = ToolMotion(simulation)
    for _ in range(60):
        tool = simulation.tool_pose[0][:2]
        assert operator.is_done(simulation.block_pose, tool) == (
            np.linalg.norm(tool - scene.END_ZONE) < 0.01
        )
        motion.move(operator.act(simulation.block_pose, tool), 0.1)
    assert operator.is_done(simulation.block_pose, simulation.tool_pose[0][:2])
    assert simulation.coverage() == pytest.approx(1.0, abs=1e-3)
    assert operator.plans == 0


def test_operator_finishes_what_a_policy_left_unfinished():
    x, y, yaw = scene.GOAL_POSE
    for block, is_enough in (((x + 0.002, y, yaw), True), ((x + 0.01, y, yaw), False)):
        operator = Operator(np.random.default_rng(0))
        target = operator.act(block, np.asarray(scene.END_ZONE))
        assert (target == pytest.approx(scene.END_ZONE)) == is_enough
        assert operator.is_done(block, scene.END_ZONE) == is_enough


def test_a_new_plan_from_half_way_is_mostly_the_old_one():
    rng = np.random.default_rng(0)
    same = []
    for seed in range(12):
        planner = PushPlanner(rng, NOISE)
        start = scene.draw_start(seed)
        first = planner.plan(start.block, np.asarray(start.tool))
        half = first.way[-2] + 0.5 * (first.way[-1] - first.way[-2])
        again = planner.plan(start.block, half)
        same.append(np.linalg.norm(again.contact - first.contact) < 0.012)
    assert np.mean(same) > 0.6


def test_the_middle_is_preferred_to_the_edge():
    poses = np.array([[0.15, 0.0, scene.GOAL_POSE[2]], [0.26, 0.0, scene.GOAL_POSE[2]]])
    assert _cost(poses) == pytest.approx([0.15, 0.26 + 0.1])


def test_choices_vary_between_operators():
    block, tool = (0.1, -0.1, 2.0), np.array([-0.2, 0.2])
    ends = []
    for seed in range(8):
        operator = Operator(np.random.default_rng(seed), noise=0.3)
        at = tool
        for _ in range(8):
            at = operator.act(block, at)
        ends.append(at)
    assert np.std(ends, axis=0).max() > 0.005


def test_detour_keeps_its_distance():
    detour = Detour(0.027)
    start, goal = np.array([0.0, 0.2]), np.array([0.0, -0.2])  # on both sides of the T
    way = detour.way(np.zeros(3), start, goal)
    polygon = scene.block_polygon((0.0, 0.0, 0.0))
    from shapely.geometry import LineString

    assert LineString(way).distance(polygon) > 0.027 + scene.PUSHER_RADIUS - 1e-3
    assert detour.lengths(start, goal[None])[0] == pytest.approx(LineString(way).length)
    outside = detour.exit(np.zeros(3), np.array([0.0, 0.09]))
    assert outside == pytest.approx((0.0, 0.067857 + 0.0395 + 0.001), abs=2e-3)
