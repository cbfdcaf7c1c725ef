# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Commanding positions beats commanding velocities for a policy that predicts chunks.

Paper: §4.2 "Synergy with position control", figure "Velocity v.s. position control"; baselines
that predict single steps, or average, gain nothing or lose.

Done here: the same demonstrations, network, steps, seed and noise twice; once the action is the
commanded position, once the velocity of that position, which is integrated again when executed.
Several numbers of executed steps, as errors of a velocity add up over a chunk. At 8 steps the
same with a regression (a perceptron trained on the mean squared error) for comparison. Same
seeds, differences seed by seed.

Refuted if the diffusion policy does not score more with positions (95 % interval above 0) at 8
executed steps.
"""

from typing import Any

from dp_core.evaluation.claims import pusht_runs
from dp_core.evaluation.claims.catalogue import Options
from dp_core.evaluation.claims.catalogue import verdict
from dp_core.evaluation.claims.pusht_data import SPEED_LIMIT
from dp_core.evaluation.claims.pusht_plot import draw_scores
from dp_core.evaluation.claims.pusht_rollouts import Condition
from dp_core.evaluation.claims.pusht_rollouts import episode_seeds
from dp_core.evaluation.claims.pusht_rollouts import provenance
from dp_core.evaluation.claims.pusht_rollouts import rollouts
from dp_core.evaluation.claims.pusht_rollouts import setting
from dp_core.evaluation.statistics import paired_difference

STEPS = (2, 8, 16)
MODES = (pusht_runs.POSITION, pusht_runs.VELOCITY)
CHOSEN = 8


def run(options: Options) -> dict[str, Any]:
    """Roll out both policies and both regressions."""
    seeds = episode_seeds(options)
    rows: list[dict[str, Any]] = []
    gains: list[dict[str, Any]] = []
    for regression in (False, True):
        for n in (CHOSEN,) if regression else STEPS:
            pair = [rollouts(Condition(mode, n, regression=regression), options, seeds)
                    for mode in MODES]  # fmt: skip
            what = {'regression': regression, 'n_action_steps': n}
            rows += [
                {**what, 'mode': mode, **r.figures()} for mode, r in zip(MODES, pair, strict=True)
            ]
            positions, velocities = (r.scores.tolist() for r in pair)
            gains.append({**what, 'gain': paired_difference(positions, velocities)})
    chosen = next(g for g in gains if not g['regression'] and g['n_action_steps'] == CHOSEN)
    return {
        **setting(options),
        'speed_limit_px_per_s': SPEED_LIMIT,
        'rows': rows,
        'gain_of_positions': gains,
        'verdicts': [
            verdict(
                f'score that positions gain over velocities at {CHOSEN} steps, lower end',
                chosen['gain']['ci95'][0],
                at_least=0.0,
            )
        ],
        'policies': {mode: provenance(pusht_runs.trained(mode, options)) for mode in MODES},
    }


def plot(result: dict[str, Any], figure: Any) -> None:
    """Draw the scores over the executed steps."""
    axes = figure.subplots()
    for regression, style in ((False, 'o-'), (True, 's')):
        for mode, shift in zip(MODES, (0.98, 1.02), strict=True):
            shown = [
                r for r in result['rows'] if r['mode'] == mode and r['regression'] == regression
            ]
            steps = [shift * r['n_action_steps'] for r in shown]
            what = 'regression' if regression else 'diffusion'
            draw_scores(axes, steps, shown, f'{what}, {mode}', style)
    axes.set_xscale('log', base=2)
    axes.set_xticks(STEPS, [str(n) for n in STEPS])
    axes.set_xlabel('steps executed of each chunk')
    axes.grid(alpha=0.3)
    axes.legend(loc='lower left')
