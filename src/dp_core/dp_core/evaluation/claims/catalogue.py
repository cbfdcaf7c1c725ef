# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The claims by name, what they are asked and how they answer."""

from __future__ import annotations

from dataclasses import dataclass
import importlib
import inspect
from pathlib import Path
from typing import Any
from typing import cast
from typing import Protocol

from dp_core.errors import ConfigError

NAMES = (  # modules of this folder, in reading order
    'lqr',
    'modes',
    'action_steps',
    'delay',
    'control_mode',
    'pauses',
    'last_checkpoints',
)


@dataclass(frozen=True)
class Options:
    """What the person who runs a claim chooses.

    Attributes:
        output: folder for results; a claim that trains may keep checkpoints below it.
        quick: a tiny version that only shows that everything runs.
        seed: of data, weights and noise.
        policy: checkpoint folder for claims about a trained policy; None for the claim's own.
        episodes: rollouts per condition; 0 for the claim's own number.
        workers: processes that step a simulation; 0 for this one.
    """

    output: Path
    quick: bool = False
    seed: int = 0
    policy: Path | None = None
    episodes: int = 0
    workers: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        for name in ('seed', 'episodes', 'workers'):
            if getattr(self, name) < 0:
                raise ConfigError(f'{name} is {getattr(self, name)}, valid: 0 or more')


class Claim(Protocol):
    """What the module of a claim offers; `figure` is a matplotlib Figure."""

    def run(self, options: Options) -> dict[str, Any]:
        """Return plain figures, with a list of `verdict` under 'verdicts'."""

    def plot(self, result: dict[str, Any], figure: Any) -> None:
        """Draw the result on an empty figure."""


def load(name: str) -> Claim:
    """Import the claim `name`."""
    if name not in NAMES:
        raise ConfigError(f'no claim {name!r}; there are {list(NAMES)}')
    return cast(Claim, importlib.import_module(f'dp_core.evaluation.claims.{name}'))


def statement(name: str) -> str:
    """Return what is claimed: the first line of the module's docstring."""
    return (inspect.getdoc(load(name)) or '').partition('\n')[0]


def verdict(
    what: str,
    value: float,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> dict[str, Any]:
    """Hold a figure against its bounds; both may be given, for a range."""
    if at_least is None and at_most is None:
        raise ConfigError(f'{what!r} has no bound; give at_least, at_most or both')
    above = at_least is None or value >= at_least
    below = at_most is None or value <= at_most
    bounds = {'at_least': at_least, 'at_most': at_most}
    given = {name: float(bound) for name, bound in bounds.items() if bound is not None}
    return {'what': what, 'value': float(value), **given, 'passed': bool(above and below)}
