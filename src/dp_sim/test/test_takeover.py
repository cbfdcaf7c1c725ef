# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A policy and the operator share an episode."""

from pathlib import Path

from dp_core.contract import Contract
from dp_sim.scripted_operator import Operator
from dp_sim.simulation import Simulation
from dp_sim.takeover import PATIENCE_S
from dp_sim.takeover import Takeover
from dp_sim.tool_motion import ToolMotion
import numpy as np
import pytest

CONTRACT = Path(__file__).parents[2] / 'dp_bringup/config/ur5e_pusht/contract_state.yaml'


class Drifter:
    """A policy that always moves the tool 8 cm/s towards +x."""

    def __init__(self):
        self.contract = Contract.load(CONTRACT)
        self.windows = []

    def predict(self, window, seed=None):
        window.validate(self.contract)
        self.windows.append(window)
        steps = np.arange(self.contract.horizon)[:, None] - (self.contract.n_obs_steps - 1)
        return window.low_dim['tool'][-1] + 0.008 * (steps + 1) * np.array([1.0, 0.0])


def test_only_the_operator_is_recorded():
    policy, simulation = Drifter(), Simulation()
    takeover = Takeover(policy, simulation, Operator(np.random.default_rng(0)))
    segments = takeover.episode(np.random.default_rng(2))
    assert len(policy.windows) > 2
    first, second = policy.windows[:2]
    assert second.t_obs_ns - first.t_obs_ns == 8 * 100_000_000  # one chunk of n_action_steps
    seen = [tuple(np.round(w.low_dim['tool'][-1], 6)) for w in policy.windows]
    recorded = {tuple(np.round(tool, 6)) for s in segments for tool in s.tool}
    assert not any(tool in recorded for tool in seen[1:3])
    assert all(len(segment) <= 91 for segment in segments)
    assert all(segment.cut for segment in segments[:-1])


def test_the_operator_takes_over_early_from_a_policy_that_is_stuck():
    policy, simulation = Drifter(), Simulation()
    policy.predict = lambda window, seed=None: np.tile(window.low_dim['tool'][-1], (16, 1))
    takeover = Takeover(policy, simulation, Operator(np.random.default_rng(0)))
    simulation.place((0.1, 0.1, 1.0), (-0.2, -0.2))
    takeover._act(ToolMotion(simulation), np.random.default_rng(0), until_s=30.0)
    assert simulation.time_s == pytest.approx(PATIENCE_S, abs=0.9)  # and one chunk more
