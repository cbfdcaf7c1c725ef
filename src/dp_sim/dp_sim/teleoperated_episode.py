# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One demonstration as on a robot: reset, start the recorder, work, mark, stop; without ROS.

A drive against the T is no demonstration: the recorder is stopped before it and started after it,
so what precedes and what follows it become episodes of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from dp_sim.demonstration import burst
from dp_sim.demonstration import next_burst
from dp_sim.demonstration import Style
from dp_sim.scripted_operator import Operator
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

REST_STEPS = 5  # in the end zone, before the episode ends
LEAST_STEPS = 25  # of a recorded piece; a shorter one is too short to train on


class World(Protocol):
    """What an operator sees and does."""

    def reset(self, seed: int) -> None:
        """Go to the start of a seed."""

    def look(self) -> tuple[tuple[float, float, float], Array]:
        """Return the newest pose of the T (x, y, yaw) [m, rad] and place of the tool (2,) [m]."""

    def act(self, target: Array) -> None:
        """Command the tool to (2,) [m], and let 0.1 s pass."""

    def decide(self, think: Callable[[], Array]) -> Array:
        """Return what `think` does; the tool is commanded to stay while that takes long."""

    @property
    def time_s(self) -> float:
        """Time [s]."""

    def record(self, command: str) -> None:
        """Give the recorder a command: start, stop, discard or mark_success."""


@dataclass(frozen=True)
class Result:
    """What became of an episode.

    Attributes:
        solved: whether the T was placed and the tool retreated.
        kept: episodes that the recorder kept.
        seconds: from the first command to the end [s].
    """

    solved: bool
    kept: int
    seconds: float


def demonstrate_over_ros(
    world: World, operator: Operator, rng: np.random.Generator, style: Style, seed: int
) -> Result:
    """Demonstrate one start; what did not succeed is discarded."""
    world.reset(seed)
    operator.reset()
    world.record('start')
    begin_s = world.time_s
    burst_s = next_burst(rng, style, begin_s)
    rested = steps = kept = 0
    while rested < REST_STEPS:
        block, tool = world.look()
        now_s = world.time_s
        if now_s > burst_s:
            is_long = steps >= LEAST_STEPS
            world.record('stop' if is_long else 'discard')
            kept += is_long
            for target in burst(block, tool, rng):
                world.act(target)
            operator.reset()
            burst_s, steps = next_burst(rng, style, world.time_s), 0
            block, tool = world.look()
            world.record('start')
        target = world.decide(partial(operator.act, block, tool))
        if operator.is_lost or now_s - begin_s > style.time_limit_s:
            world.record('discard')
            return Result(False, kept, now_s - begin_s)
        world.act(target)
        steps += 1
        rested = rested + 1 if operator.is_done(*world.look()) else 0
    world.record('mark_success')
    world.record('stop')
    return Result(True, kept + 1, world.time_s - begin_s)
