# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The operator at work with a recorder, in a world without ROS that does as told at once."""

from dp_sim import scene
from dp_sim.demonstration import demonstration_start
from dp_sim.demonstration import PLAIN
from dp_sim.demonstration import Style
from dp_sim.scripted_operator import DT_S
from dp_sim.scripted_operator import Operator
from dp_sim.simulation import Simulation
from dp_sim.teleoperated_episode import demonstrate_over_ros
from dp_sim.teleoperated_episode import LEAST_STEPS
from dp_sim.tool_motion import ToolMotion
import numpy as np
import pytest


class InstantWorld:
    def __init__(self):
        self.simulation = Simulation(demonstration_start)
        self.events = []

    def reset(self, seed):
        self.simulation.reset(seed)
        self.motion = ToolMotion(self.simulation)
        self.events.append(f'reset {seed}')

    def look(self):
        return self.simulation.block_pose, self.simulation.tool_pose[0][:2]

    def act(self, target):
        self.motion.move(target, DT_S)
        self.events.append('act')

    def decide(self, think):
        return think()

    @property
    def time_s(self):
        return self.simulation.time_s

    def record(self, command):
        self.events.append(command)


def told(world):
    """The commands, with the number of steps between them."""
    found = []
    for event in world.events:
        if event != 'act':
            found.append(event)
        elif isinstance(found[-1], int):
            found[-1] += 1
        else:
            found.append(1)
    return found


def test_an_episode_is_recorded_from_its_first_command_to_its_success():
    world = InstantWorld()
    rng = np.random.default_rng(0)
    result = demonstrate_over_ros(world, Operator(rng), rng, PLAIN, 4)
    reset, start, steps, mark, stop = told(world)
    assert (reset, start, mark, stop) == ('reset 4', 'start', 'mark_success', 'stop')
    assert result.solved and result.kept == 1
    assert result.seconds == pytest.approx(steps * DT_S, abs=0.01)
    assert world.simulation.coverage() > 0.95
    assert scene.in_end_zone(world.look()[1])


def test_drives_against_the_block_are_not_recorded():
    world = InstantWorld()
    rng = np.random.default_rng(1)
    style = Style(burst_every_s=5.0)
    result = demonstrate_over_ros(world, Operator(rng), rng, style, 5)
    events = told(world)
    pieces = [n for before, n in zip(events, events[1:]) if before == 'start']
    pauses = [n for before, n in zip(events, events[1:]) if before in ('stop', 'discard')]
    assert len(pieces) == len(pauses) + 1 > 1
    assert all(4 <= each <= 12 for each in pauses)
    assert events.count('discard') == sum(each < LEAST_STEPS for each in pieces[:-1])
    assert result.kept == events.count('stop')


def test_what_takes_too_long_is_discarded():
    world = InstantWorld()
    rng = np.random.default_rng(0)
    result = demonstrate_over_ros(world, Operator(rng), rng, Style(time_limit_s=1.0), 4)
    assert told(world)[-1] == 'discard'
    assert not result.solved and not result.kept


def test_starts_of_demonstrations_are_drawn_by_seed_and_are_not_those_of_evaluations():
    starts = [demonstration_start(seed) for seed in range(40)]
    assert starts[7] == demonstration_start(7)
    assert len(set(starts)) == 40
    wide = [s for s in starts if max(abs(s.block[0]), abs(s.block[1])) > 0.16]
    near = [s for s in starts if scene.coverage(s.block) > scene.START_COVERAGE]
    assert wide and near  # an evaluation draws neither
