# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The human Push-T demonstrations, and what they would be with velocities or with pauses.

Units are those of gym-pusht: pixels of its 512 x 512 plane, and pixels per second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
import sys
from typing import Any

import dp_core
from dp_core.contract import Contract
from dp_core.errors import DatasetError
from dp_core.replay_buffer import load_dataset
from dp_core.replay_buffer import ReplayBuffer
import numpy as np
from numpy.typing import NDArray

HORIZON = 20  # holds 16 executed steps behind two observations, and the U-Net halves it twice
SPEED_LIMIT = 600.0  # [px/s] per axis; 0.1 % of the recorded steps are faster
PAUSES = 3  # per demonstration
PAUSE_STEPS = (10, 20)  # shortest and longest pause, 1 .. 2 s
STATE = 'agent_pos'


def demonstrations() -> tuple[Contract, ReplayBuffer]:
    """Load the demonstrations shipped with this package, for the claims' horizon."""
    beside = Path(dp_core.__file__).resolve().parents[1] / 'data' / 'pusht_human'
    installed = Path(sys.prefix) / 'share' / 'dp_core' / 'data' / 'pusht_human'
    colcon = [Path(p).parents[2] / 'share/dp_core/data/pusht_human' for p in dp_core.__path__]
    for folder in (beside, *colcon, installed):
        if folder.is_dir():
            contract, buffer = load_dataset(folder)
            return replace(contract, horizon=HORIZON), buffer
    raise DatasetError(f'the demonstrations are not at {beside}')


def episodes(buffer: ReplayBuffer) -> list[dict[str, NDArray[Any]]]:
    """Cut a buffer into its episodes."""
    parts = {n: np.split(x, buffer.episode_ends[:-1]) for n, x in buffer.data.items()}
    return [{n: parts[n][k] for n in parts} for k in range(len(buffer.episode_ends))]


def joined(parts: list[dict[str, NDArray[Any]]]) -> ReplayBuffer:
    """Put episodes together again."""
    data = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    ends = np.cumsum([len(part['action']) for part in parts])
    return ReplayBuffer(data, ends, np.zeros(len(parts), np.bool_))


def velocities(
    targets: NDArray[np.float32], start: NDArray[np.float32], dt_s: float
) -> NDArray[np.float32]:
    """Return the velocities (L, 2) [px/s] that lead a target from `start` along targets (L, 2).

    Steps above the speed limit are cut, and made up for in the steps after them.
    """
    reach = SPEED_LIMIT * dt_s
    at = np.asarray(start, np.float64)
    moves = np.zeros(targets.shape)
    for k, target in enumerate(targets):
        moves[k] = np.clip(target - at, -reach, reach)
        at = at + moves[k]
    return (moves / dt_s).astype(np.float32)


def with_velocities(contract: Contract, buffer: ReplayBuffer) -> tuple[Contract, ReplayBuffer]:
    """Express each action as the velocity of the target, which begins at the agent.

    A frame at rest follows each episode, so that the padding of its end, which repeats the last
    action, means to hold still as it does with positions.
    """
    parts = []
    for part in episodes(buffer):
        moves = velocities(part['action'], part[STATE][0], contract.dt_s)
        padded = {n: np.concatenate((x, x[-1:])) for n, x in part.items()}
        parts.append(padded | {'action': np.concatenate((moves, np.zeros_like(moves[:1])))})
    bound = (SPEED_LIMIT,) * contract.action_dim
    group = replace(contract.actions[0], low=tuple(-x for x in bound), high=bound)
    return replace(contract, name='pusht_velocity', actions=(group,)), joined(parts)


def with_pause(
    part: Mapping[str, NDArray[Any]], frame: int, steps: int
) -> dict[str, NDArray[Any]]:
    """Hold still for `steps` before `frame` of an episode: the action is where the agent is."""
    order = np.r_[0:frame, [frame] * steps, frame : len(part['action'])]
    paused = {name: values[order] for name, values in part.items()}
    paused['action'][frame : frame + steps] = part[STATE][frame]
    return paused


def with_pauses(
    contract: Contract, buffer: ReplayBuffer, seed: int
) -> tuple[Contract, ReplayBuffer]:
    """Insert pauses of random length at random frames of every episode."""
    rng = np.random.default_rng(seed)
    parts = []
    for part in episodes(buffer):
        frames = 1 + rng.choice(len(part['action']) - 1, PAUSES, replace=False)
        for frame in sorted(frames, reverse=True):
            steps = int(rng.integers(PAUSE_STEPS[0], PAUSE_STEPS[1] + 1))
            part = with_pause(part, int(frame), steps)
        parts.append(part)
    return replace(contract, name='pusht_pauses'), joined(parts)
