# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Executing about 8 steps of each chunk is best: fewer lose consistency, more lose feedback.

Paper: §4.3 "Benefits of action-sequence prediction", §5, and the left of its ablation figure.

Done here: one policy with a horizon of 20, trained on the human Push-T demonstrations, executes
1, 2, 4, 8 or 16 steps of each chunk in episodes of the same seeds. Differences to 8 steps are
taken seed by seed. Beside the score stands the roughness of the agent's path: its mean change of
velocity from step to step, which grows where successive chunks disagree. With another policy
(`--policy`) whose chunks reach less far, 16 becomes all that they hold.

Refuted if 8 steps do not score more than 1 step, and more than the most (95 % intervals above 0).
"""

from typing import Any

from dp_core.checkpoint import load_policy
from dp_core.errors import ConfigError
from dp_core.evaluation.claims import pusht_runs
from dp_core.evaluation.claims.catalogue import Options
from dp_core.evaluation.claims.catalogue import verdict
from dp_core.evaluation.claims.pusht_episodes import Rollouts
from dp_core.evaluation.claims.pusht_plot import draw_scores
from dp_core.evaluation.claims.pusht_rollouts import Condition
from dp_core.evaluation.claims.pusht_rollouts import episode_seeds
from dp_core.evaluation.claims.pusht_rollouts import provenance
from dp_core.evaluation.claims.pusht_rollouts import rollouts
from dp_core.evaluation.claims.pusht_rollouts import setting
from dp_core.evaluation.statistics import paired_difference
import numpy as np

STEPS = (1, 2, 4, 8, 16)
CHOSEN = 8


def run(options: Options) -> dict[str, Any]:
    """Roll out with each number of executed steps."""
    folder = pusht_runs.chosen(options)
    contract = load_policy(folder).contract
    most = contract.horizon - contract.n_obs_steps + 1
    if most <= CHOSEN:
        raise ConfigError(
            f'{folder} has chunks of {most} steps, valid: more than {CHOSEN}, to compare with'
        )
    steps = sorted({min(n, most) for n in STEPS})
    seeds = episode_seeds(options)
    rolled = {
        n: rollouts(Condition(n_action_steps=n, checkpoint=options.policy), options, seeds)
        for n in steps
    }
    base = rolled[CHOSEN].scores.tolist()
    rows = [
        {
            'n_action_steps': n,
            **r.figures(),
            'roughness_px_per_step2': roughness(r),
            f'minus_{CHOSEN}': paired_difference(r.scores.tolist(), base),
        }
        for n, r in rolled.items()
    ]
    ends = (steps[0], steps[-1])
    gains = {n: paired_difference(base, rolled[n].scores.tolist())['ci95'][0] for n in ends}
    return {
        **setting(options),
        'rows': rows,
        'verdicts': [
            verdict(f'score that {CHOSEN} steps gain over {n}, lower end', gain, at_least=0.0)
            for n, gain in gains.items()
        ],
        'policy': provenance(folder),
    }


def roughness(rolled: Rollouts) -> float:
    """Return the mean size of the path's second difference [px / step^2]."""
    return float(np.nanmean(np.linalg.norm(np.diff(rolled.paths, n=2, axis=1), axis=2)))


def plot(result: dict[str, Any], figure: Any) -> None:
    """Draw score and roughness over the executed steps."""
    score, rough = figure.subplots(1, 2)
    steps = [row['n_action_steps'] for row in result['rows']]
    draw_scores(score, steps, result['rows'], 'diffusion policy')
    rough.plot(steps, [row['roughness_px_per_step2'] for row in result['rows']], 'o-')
    rough.set_ylabel('change of velocity, mean [px / step²]')
    rough.set_ylim(bottom=0.0)
    for axes in (score, rough):
        axes.set_xscale('log', base=2)
        axes.set_xticks(steps, [str(n) for n in steps])
        axes.set_xlabel('steps executed of each chunk')
        axes.grid(alpha=0.3)
