# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A policy acts, the operator takes over where it is stuck or at random, and hands back.

Only what the operator does is recorded, in the states that the policy brings about: human-gated
dataset aggregation (Kelly et al. 2019) with a scripted human.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from dp_core.contract import Contract
from dp_core.observation import ObservationWindow
from dp_sim import scene
from dp_sim.demonstration import Disturbance
from dp_sim.demonstration import draw_start
from dp_sim.demonstration import Segment
from dp_sim.demonstration import Style
from dp_sim.push_planner import distance_to_goal
from dp_sim.scripted_operator import DT_S
from dp_sim.scripted_operator import Operator
from dp_sim.simulation import Simulation
from dp_sim.tool_motion import ToolMotion
import numpy as np
from numpy.typing import NDArray

POLICY_S = (3.0, 15.0)  # how long the policy acts [s]
OPERATOR_S = (3.0, 9.0)  # how long the operator acts [s]
PATIENCE_S = 4.0  # without the T coming nearer to its goal, before the operator takes over [s]
_NEARER = 0.003  # counts as nearer [m], turns included
_STYLE = Style(wide=0.3, near=0.1, burst_every_s=0.0)


class Acting(Protocol):
    """What is needed of a policy (dp_core.policy.Policy is one)."""

    contract: Contract

    def predict(self, window: ObservationWindow, seed: int | None = None) -> NDArray[np.float32]:
        """Actions (horizon, 2) [m] from the oldest observation on."""
        ...


class Takeover:
    """Records what the operator does in states that a policy brought about."""

    def __init__(self, policy: Acting, simulation: Simulation, operator: Operator) -> None:
        """Let `policy` and `operator` share one scene."""
        self._policy = policy
        self._simulation = simulation
        self._operator = operator

    def episode(self, rng: np.random.Generator) -> list[Segment] | None:
        """Record one episode; what comes before a failure is kept, None where there is nothing."""
        simulation = self._simulation
        start = draw_start(rng, _STYLE)
        simulation.place(start.block, start.tool)
        motion, disturb = ToolMotion(simulation), Disturbance(rng, _STYLE.noise_m)
        segments: list[Segment] = []
        while not self._is_over():
            self._act(motion, rng, simulation.time_s + float(rng.uniform(*POLICY_S)))
            until = simulation.time_s + float(rng.uniform(*OPERATOR_S))
            segment = Segment()
            self._operator.reset()
            while simulation.time_s < until and not self._is_over():
                tool = simulation.tool_pose[0][:2]
                action = self._operator.act(simulation.block_pose, tool)
                if self._operator.is_lost:
                    return segments or None
                segment.add(simulation, action)
                motion.move(disturb(action), DT_S)
            segment.cut = not self._is_done()
            segments.append(segment)
        return segments

    def _is_done(self) -> bool:
        simulation = self._simulation
        return self._operator.is_done(simulation.block_pose, simulation.tool_pose[0][:2])

    def _is_over(self) -> bool:
        return self._simulation.time_s > scene.TIME_LIMIT_S or self._is_done()

    def _act(self, motion: ToolMotion, rng: np.random.Generator, until_s: float) -> None:
        """Let the policy act, chunk by chunk, until it was stuck for a while."""
        patience = _Patience()
        contract = self._policy.contract
        seen: deque[dict[str, NDArray[np.generic]]] = deque(maxlen=contract.n_obs_steps)
        seen.extend([self._look()] * contract.n_obs_steps)
        while self._simulation.time_s < until_s and not self._is_over():
            if patience.is_over(self._simulation):
                return
            prediction = self._policy.predict(self._window(seen), seed=int(rng.integers(2**31)))
            first = contract.n_obs_steps - 1
            for action in prediction[first : first + contract.n_action_steps]:
                motion.move(action, DT_S)
                seen.append(self._look())

    def _look(self) -> dict[str, NDArray[np.generic]]:
        simulation, contract = self._simulation, self._policy.contract
        low_dim = {
            'block': scene.block_corners(simulation.block_pose).ravel(),
            'tool': simulation.tool_pose[0][:2],
        }
        seen: dict[str, NDArray[np.generic]] = {
            s.name: np.asarray(low_dim[s.name], dtype=np.float32) for s in contract.low_dim
        }
        for stream in contract.images:
            seen[stream.name] = simulation.render(stream.name, *stream.size)
        return seen

    def _window(self, seen: deque[dict[str, NDArray[np.generic]]]) -> ObservationWindow:
        contract = self._policy.contract
        return ObservationWindow(
            t_obs_ns=round(self._simulation.time_s * 1e9),
            low_dim={s.name: np.stack([x[s.name] for x in seen]) for s in contract.low_dim},
            images={s.name: np.stack([x[s.name] for x in seen]) for s in contract.images},
        )


class _Patience:
    """Watches whether the T comes nearer to its goal."""

    def __init__(self) -> None:
        self._nearest = np.inf
        self._since_s = 0.0

    def is_over(self, simulation: Simulation) -> bool:
        """Whether it has not for PATIENCE_S, though it is not placed."""
        distance = float(distance_to_goal(np.asarray(simulation.block_pose)))
        if distance < self._nearest - _NEARER or simulation.coverage() >= scene.SUCCESS_COVERAGE:
            self._nearest, self._since_s = distance, simulation.time_s
        return simulation.time_s - self._since_s > PATIENCE_S
