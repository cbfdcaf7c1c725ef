# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Two carts joined by a spring, and the demonstrator who brings both to rest at best cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dp_core.contract import Contract
from dp_core.replay_buffer import ReplayBuffer
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.linalg import solve_discrete_are

DT_S = 0.1
RADIUS = 2.0  # length of the first state (m and m/s alike)
SPRING = 1.0  # [N/m], each cart weighs 1 kg
Q = np.diag([1.0, 1.0, 0.1, 0.1])  # price of positions [1/m^2] and velocities [s^2/m^2]
R = 0.3 * np.eye(2)  # price of forces [1/N^2]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LinearSystem:
    """s' = A s + B a + w with w ~ N(0, noise^2 I), and its optimal feedback a = -K s.

    Attributes:
        A: (S, S).
        B: (S, U).
        K: (U, S), minimises the sum of s' Q s + a' R a.
        noise: standard deviation of each component of w.
    """

    A: Array
    B: Array
    K: Array
    noise: float

    @property
    def F(self) -> Array:  # noqa: N802
        """The closed loop A - B K, (S, S)."""
        return self.A - self.B @ self.K

    def gains(self, horizon: int) -> Array:
        """Return -K (A - B K)^t for t = 0 .. horizon - 1, (horizon, U, S)."""
        powers = [np.linalg.matrix_power(self.F, t) for t in range(horizon)]
        return np.stack([-self.K @ power for power in powers])

    def spread(self, horizon: int) -> Array:
        """Return the covariance of the demonstrated actions given the first state.

        The action at t holds -K F^(t - 1 - j) w_j of each disturbance j < t.

        Returns:
            (horizon * U, horizon * U).
        """
        gains = self.gains(horizon)
        rows = [
            [gains[t - 1 - j] if j < t else 0.0 * gains[0] for j in range(horizon)]
            for t in range(horizon)
        ]
        disturbance_to_action = np.block(rows)  # (horizon * U, horizon * S)
        covariance: Array = self.noise**2 * disturbance_to_action @ disturbance_to_action.T
        return covariance

    def roll_out(
        self, act: Callable[[Array, int], Array], steps: int, episodes: int, seed: int
    ) -> tuple[Array, Array]:
        """Run episodes side by side; the same seed gives the same starts and disturbances.

        Args:
            act: maps states (E, S) and the step to actions (E, U).
            steps: of each episode.
            episodes: how many.
            seed: of starts (any direction, length RADIUS) and disturbances.

        Returns:
            states (E, steps, S) and actions (E, steps, U).
        """
        rng = np.random.default_rng(seed)
        state = rng.standard_normal((episodes, len(self.A)))
        state *= RADIUS / np.linalg.norm(state, axis=1, keepdims=True)
        disturbances = self.noise * rng.standard_normal((steps, *state.shape))
        states, actions = [], []
        for step in range(steps):
            action = act(state, step)
            states.append(state)
            actions.append(action)
            state = state @ self.A.T + action @ self.B.T + disturbances[step]
        return np.stack(states, axis=1), np.stack(actions, axis=1)


def carts(noise: float) -> LinearSystem:
    """Return the carts: state (p1, p2, v1, v2) [m, m/s], action (f1, f2) [N]."""
    force = SPRING * np.array([[-1.0, 1.0], [1.0, -1.0]])
    zero, one = np.zeros((2, 2)), np.eye(2)
    continuous = np.block([[zero, one, zero], [force, zero, one], [np.zeros((2, 6))]])
    discrete = expm(continuous * DT_S)  # forces held over a step
    A, B = discrete[:4, :4], discrete[:4, 4:]
    P = solve_discrete_are(A, B, Q, R)
    return LinearSystem(A, B, np.linalg.solve(R + B.T @ P @ B, B.T @ P @ A), noise)


def cost(states: Array, actions: Array) -> Array:
    """Return the mean cost per step of each episode (E,)."""
    price = np.einsum('eti,ij,etj->et', states, Q, states)
    price += np.einsum('eti,ij,etj->et', actions, R, actions)
    mean: Array = price.mean(axis=1)
    return mean


def contract(horizon: int) -> Contract:
    """Return what a policy for the carts sees and commands: one state, `horizon` forces."""
    return Contract.from_dict(
        {
            'name': 'carts',
            'dt_s': DT_S,
            'n_obs_steps': 1,
            'horizon': horizon,
            'n_action_steps': horizon // 2,
            'observations': [{'name': 'state', 'kind': 'vector', 'length': 4}],
            'actions': [{'name': 'force', 'kind': 'vector', 'dims': ['f1', 'f2']}],
        }
    )


def demonstrate(system: LinearSystem, steps: int, episodes: int, seed: int) -> ReplayBuffer:
    """Record the demonstrator; episodes are cut, not ended, so their ends are not padded."""
    states, actions = system.roll_out(lambda s, _: -s @ system.K.T, steps, episodes, seed)
    data = {'state': states, 'action': actions}
    flat = {name: x.reshape(-1, x.shape[-1]).astype(np.float32) for name, x in data.items()}
    ends = steps * np.arange(1, episodes + 1)
    return ReplayBuffer(flat, ends, np.ones(episodes, np.bool_))
