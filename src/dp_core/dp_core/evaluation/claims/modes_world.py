# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A point that must get around a disc, left or right: the smallest task with two modes."""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.contract import Contract
from dp_core.observation import ObservationWindow
from dp_core.policy import Policy
from dp_core.replay_buffer import ReplayBuffer
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

START, GOAL = np.array([0.0, -1.2]), np.array([0.0, 1.2])  # x, y [m]
RADIUS = 0.3  # of the disc at the origin [m]
DETOUR = 0.6  # distance at which demonstrations pass its centre [m]
STEP = 0.1  # way of the demonstrator per policy step [m]
REACH = 0.15  # longest way of the point per policy step [m]
NOISE = 0.01  # standard deviation of what disturbs each coordinate per step [m]
STEPS = 32  # of an episode; 24 would do without disturbance

CONTRACT = Contract.from_dict(
    {
        'name': 'detour',
        'dt_s': 0.1,
        'n_obs_steps': 2,
        'horizon': 12,
        'n_action_steps': 8,
        'observations': [{'name': 'position', 'kind': 'vector', 'length': 2}],
        'actions': [{'name': 'target', 'kind': 'vector', 'dims': ['x', 'y']}],
    }
)


def move(position: Array, target: Array, rng: np.random.Generator) -> Array:
    """Move points (E, 2) towards their targets (E, 2)."""
    way = target - position
    length = np.linalg.norm(way, axis=1, keepdims=True)
    way = way * np.minimum(1.0, REACH / np.maximum(length, 1e-9))
    return np.asarray(position + way + NOISE * rng.standard_normal(way.shape))


def hits(before: Array, after: Array) -> NDArray[np.bool_]:
    """Say which ways from `before` to `after` (E, 2) touch the disc."""
    way = after - before
    along = -(before * way).sum(axis=1) / np.maximum((way * way).sum(axis=1), 1e-12)
    nearest = before + along.clip(0.0, 1.0)[:, None] * way
    return np.asarray(np.linalg.norm(nearest, axis=1) < RADIUS)


def demonstrate(episodes: int, seed: int) -> ReplayBuffer:
    """Record episodes, half of them on either side; the side does not follow from the start."""
    rng = np.random.default_rng(seed)
    side = np.where(np.arange(episodes) % 2, 1.0, -1.0)
    position = START + np.stack([rng.uniform(-0.05, 0.05, episodes), np.zeros(episodes)], axis=1)
    positions, targets = [], []
    for _ in range(STEPS):
        y = np.minimum(position[:, 1] + STEP, GOAL[1])
        bow = np.cos(0.5 * np.pi * y.clip(-1.0, 1.0)) ** 2  # 1 beside the disc, 0 at both ends
        target = np.stack([DETOUR * side * bow, y], axis=1)
        positions.append(position)
        targets.append(target)
        position = move(position, target, rng)
    data = {'position': positions, 'action': targets}
    flat = {k: np.stack(v, axis=1).reshape(-1, 2).astype(np.float32) for k, v in data.items()}
    ends = STEPS * np.arange(1, episodes + 1)
    return ReplayBuffer(flat, ends, np.zeros(episodes, np.bool_))


@dataclass(frozen=True)
class Rollouts:
    """Closed-loop episodes from the symmetric start.

    Attributes:
        paths: (E, STEPS + 1, 2) positions [m]; a point that hits the disc stays there.
        hit: (E,) whether it did.
        plans: (P, E, horizon, 2) what was predicted [m].
        planned_at: (P, E) y at that moment [m]; infinite after a hit.
    """

    paths: Array
    hit: NDArray[np.bool_]
    plans: Array
    planned_at: Array

    @property
    def side(self) -> Array:
        """-1 (left) or 1 (right): where each episode was farthest from the axis, (E,)."""
        x = self.paths[:, :, 0]
        return np.sign(np.take_along_axis(x, np.abs(x).argmax(axis=1)[:, None], axis=1)[:, 0])

    @property
    def committed(self) -> NDArray[np.bool_]:
        """Reached the goal past the disc, never 0.1 m on the other side of the axis, (E,)."""
        arrived = np.linalg.norm(self.paths[:, -1] - GOAL, axis=1) < 0.1
        stray = (-self.side[:, None] * self.paths[:, :, 0]).max(axis=1)
        return np.asarray(arrived & ~self.hit & (stray < 0.1))

    @property
    def switches(self) -> NDArray[np.int64]:
        """How often the side of the plan changed before the disc was passed, (E,)."""
        x = self.plans[..., 0]
        farthest = np.abs(x).argmax(axis=2)[..., None]
        side = np.sign(np.take_along_axis(x, farthest, axis=2)[..., 0])  # (P, E)
        before = self.planned_at[1:] < 0.0
        return np.asarray(((side[1:] != side[:-1]) & before).sum(axis=0), dtype=np.int64)


def roll_out(policy: Policy, n_action_steps: int, episodes: int, seed: int) -> Rollouts:
    """Let the policy drive, replanning every `n_action_steps`; each plan has its own noise."""
    rng = np.random.default_rng(seed)
    position = np.tile(START, (episodes, 1))
    hit = np.zeros(episodes, np.bool_)
    paths, plans, planned_at = [position, position], [], []
    for step in range(STEPS):
        if step % n_action_steps == 0:
            seen = np.stack(paths[-2:], axis=1).astype(np.float32)  # (E, 2, 2)
            windows = [ObservationWindow(0, {'position': frames}, {}) for frames in seen]
            noise = [((seed + step) << 20) + episode for episode in range(episodes)]
            plans.append(policy.predict_batch(windows, noise).astype(np.float64))
            planned_at.append(np.where(hit, np.inf, position[:, 1]))
        target = plans[-1][:, CONTRACT.n_obs_steps - 1 + step % n_action_steps]
        moved = move(position, target, rng)
        hit |= hits(position, moved)
        position = np.where(hit[:, None], position, moved)
        paths.append(position)
    return Rollouts(np.stack(paths[1:], axis=1), hit, np.stack(plans), np.stack(planned_at))
