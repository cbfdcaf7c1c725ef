# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which stops are tried while a prediction holds the interpreter, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import random

from dp_bringup.fault_trials.plan import GOES_ON
from dp_bringup.fault_trials.plan import KINDS
from dp_core.errors import ConfigError

REQUESTS = ('cancel', 'stop')
# Trials of a request with one hold after another; then another hold has its turn, so that a
# series that is cut short has tried them all.
BLOCK = 20
OTHERS = ('deactivate', 'policies SIGKILL')


@dataclass(frozen=True)
class StopPlan:
    """One trial.

    Attributes:
        number: in the series, from 0.
        hold: as on the command line, '' or '<kind>:<seconds>'.
        kind: 'cancel', 'stop', or a fault of `plan.py` that stops the arm.
    """

    number: int
    hold: str
    kind: str


def stopping_faults() -> tuple[str, ...]:
    """Return the faults of the stack 'state' that end the goal and leave all processes alive."""
    return tuple(
        name
        for name, kind in KINDS.items()
        if kind.stack == 'state'
        and (kind.verb in ('scene', 'operator') or kind.argument in OTHERS)
        and GOES_ON not in kind.outcomes
    )


def plan_stops(
    holds: Sequence[str], trials: int, faults: int, fault_hold: str, seed: int
) -> tuple[StopPlan, ...]:
    """Return the series.

    Args:
        holds: to try each request with.
        trials: of each request with each hold.
        faults: trials of each fault that stops the arm, with `fault_hold`.
        fault_hold: one hold.
        seed: of the order.

    Raises:
        ConfigError: a number is negative, or there is nothing to do.
    """
    if min(trials, faults) < 0 or trials + faults == 0:
        raise ConfigError(f'trials is {trials} and faults {faults}, valid: 0 or more, not both 0')
    generator = random.Random(seed)
    pairs: list[tuple[str, str]] = []
    for begin in range(0, trials, BLOCK):
        count = min(BLOCK, trials - begin)
        for hold in holds:
            block = [(hold, kind) for kind in REQUESTS for _ in range(count)]
            generator.shuffle(block)
            pairs += block
    block = [(fault_hold, kind) for kind in stopping_faults() for _ in range(faults)]
    generator.shuffle(block)
    return tuple(StopPlan(n, *pair) for n, pair in enumerate([*pairs, *block]))
