# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How far the stepped score of a UR5e policy falls when its timing is wrong on purpose.

    tools/sensitivity_ur5e.py POLICY OUTPUT.json [FIRST_SEED [EPISODES]]

A run over ROS differs from a stepped one in time only: chunks are late, targets are reached early
or late, observations are old. Each is exaggerated here, on the same seeds with the same noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
import hashlib
from pathlib import Path
import sys
from typing import Any

from dp_core.checkpoint import load_policy
from dp_core.checkpoint import WEIGHTS_FILE
from dp_core.evaluation.episode import env_spec
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import SCORE
from dp_core.evaluation.report import write_json
from dp_core.evaluation.rollout import Protocol
from dp_core.evaluation.rollout import roll_out
from dp_core.evaluation.statistics import bootstrap_mean_interval
from dp_core.evaluation.statistics import paired_difference
from dp_core.evaluation.stepper import LocalStepper
from dp_core.observation import ObservationWindow
from dp_core.policy import Policy
import numpy as np
from numpy.typing import NDArray
import torch


@dataclass(frozen=True)
class Case:
    """One wrong timing.

    Attributes:
        name: in the table.
        early_steps: targets are those meant for so many steps later; a lag is negative.
        delay_steps: chunks are asked for so many steps before they take over.
        compensate: their steps that are past by then are dropped.
    """

    name: str
    early_steps: float = 0.0
    delay_steps: int = 0
    compensate: bool = True


CASES = (
    Case('as trained'),
    Case('targets one step (100 ms) early', early_steps=1.0),
    Case('targets half a step early', early_steps=0.5),
    Case('servo lag of 50 ms', early_steps=-0.5),
    Case('servo lag of 100 ms, targets one step late', early_steps=-1.0),
    Case('inference takes 100 ms, late steps dropped', delay_steps=1),
    Case('inference takes 200 ms, late steps dropped', delay_steps=2),
    Case('inference takes 400 ms, late steps dropped', delay_steps=4),
    Case('observations 100 ms older than thought', delay_steps=1, compensate=False),
    Case('observations 200 ms older than thought', delay_steps=2, compensate=False),
)


class Shifted:
    """A policy whose targets come early or late."""

    def __init__(self, policy: Policy, early_steps: float) -> None:
        """Read `early_steps` ahead in each prediction, between its steps linearly."""
        self.contract = policy.contract
        self._policy = policy
        self._early_steps = early_steps

    def predict_batch(
        self, windows: Sequence[ObservationWindow], seeds: Sequence[int]
    ) -> NDArray[np.float32]:
        """Predict actions (B, horizon, action_dim), the last one repeated beyond the end."""
        actions = self._policy.predict_batch(windows, seeds)
        last = actions.shape[1] - 1
        at = np.clip(np.arange(last + 1) + self._early_steps, 0, last)
        below = np.floor(at).astype(int)
        part = (at - below)[:, None].astype(np.float32)
        above = np.minimum(below + 1, last)
        return np.asarray((1 - part) * actions[:, below] + part * actions[:, above])


def scores(policy: Policy, case: Case, seeds: Sequence[int]) -> list[float]:
    """Score of each seed under the timing of `case`."""
    protocol = Protocol(
        policy.contract.n_action_steps, case.delay_steps, compensate=case.compensate
    )
    stepper = LocalStepper(env_spec('dp_sim/UR5ePushT-v0'), policy.contract)
    try:
        results, _ = roll_out(Shifted(policy, case.early_steps), stepper, seeds, protocol)
    finally:
        stepper.close()
    return [result.score for result in results]


def main(argv: Sequence[str]) -> int:
    """Run every case, write the table after each."""
    torch.set_num_threads(1)
    folder, output = Path(argv[0]), Path(argv[1])
    first, episodes = (int(argv[2]) if argv[2:] else 500000), (int(argv[3]) if argv[3:] else 40)
    policy = load_policy(folder)
    seeds = list(range(first, first + episodes))
    table: dict[str, Any] = {
        'policy': folder.name,
        'weights_sha256': hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest(),
        'command': f'tools/sensitivity_ur5e.py {folder} {output} {first} {episodes}',
        'score': SCORE,
        'machine': machine(),
        'seeds': seeds,
        'rows': {},
    }
    for case in CASES:
        values = scores(policy, case, seeds)
        row = {'score_mean': float(np.mean(values)), 'score_ci95': bootstrap_mean_interval(values)}
        row['reached_95_percent'] = float(np.mean(np.asarray(values) >= 1.0))
        reference = table['rows'].get(CASES[0].name, {'scores': values})['scores']
        row['change'] = paired_difference(values, reference)
        table['rows'][case.name] = {**row, 'scores': values}
        write_json(output, table)
        sys.stdout.write(f'{case.name:45} {row["score_mean"]:.3f}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
