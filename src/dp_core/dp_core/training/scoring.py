# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of a policy in training: rollouts on fixed seeds, as `dp_eval` does them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dp_core.evaluation.episode import env_spec
from dp_core.evaluation.report import kind
from dp_core.evaluation.rollout import Protocol
from dp_core.evaluation.rollout import roll_out
from dp_core.evaluation.statistics import bootstrap_mean_interval
from dp_core.evaluation.stepper import LocalStepper
from dp_core.policy import Policy
import numpy as np


class RolloutScore:
    """Mean score over seeds in a scene."""

    def __init__(
        self, name: str, seeds: Sequence[int], arguments: dict[str, Any] | None = None
    ) -> None:
        """Roll out in the environment `name`, one episode for each seed; see `env_spec`."""
        self._name = name
        self._arguments = arguments
        self._seeds = list(seeds)
        env_spec(name)  # a mistake ends the run now, not at its first score

    def __call__(self, policy: Policy) -> dict[str, Any]:
        """Score a policy."""
        spec = env_spec(self._name, 0, self._arguments, policy.contract)
        stepper = LocalStepper(spec, policy.contract)
        protocol = Protocol(policy.contract.n_action_steps)
        try:
            results, _ = roll_out(policy, stepper, self._seeds, protocol)
        finally:
            stepper.close()
        scores = [r.score for r in results]
        return {
            'score_mean': float(np.mean(scores)),
            'score_ci95': list(bootstrap_mean_interval(scores)),
            **kind(policy, spec),
            'score_episodes': len(scores),
            'score_seeds': f'{self._seeds[0]} .. {self._seeds[-1]}',
        }
