# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The scripted operator solves the task from the frozen starts."""

import json
from pathlib import Path

from dp_sim import scene
from dp_sim.detour import Detour
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


def test_operator_rests_when_the_work_is_done():
    action = Operator(np.random.default_rng(0)).act(scene.GOAL_POSE, np.array([0.2, 0.1]))
    assert action == pytest.approx((0.2, 0.1))


def test_choices_vary_between_operators():
    block, tool = (0.1, -0.1, 2.0), np.array([-0.2, 0.2])
    ends = []
    for seed in range(8):
        operator = Operator(np.random.default_rng(seed))
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
