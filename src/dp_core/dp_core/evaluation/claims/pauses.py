# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Pauses in the demonstrations do not trap a chunked policy; policies of single steps stick.

Paper: §4.3 "Benefits of action-sequence prediction", on idle actions.

Done here: three pauses of 1 .. 2 s are put into every human demonstration, at random moments: the
agent holds still, its action is where it is. The same diffusion policy and the same regression
are trained with and without them, and execute 8 steps or 1 of each chunk. (The first step of a
chunk has the distribution that a policy of single steps would learn.) Same seeds. Standing still
means less than 10 px/s while the score is below 0.9, where no demonstration ends; trapped is who
stands for 4 s, twice the longest pause shown.

Refuted if the chunked diffusion policy is trapped in more than 5 % of the episodes, if pauses
cost it more of its time than of the single-step policies', or if no single-step policy is
trapped more often than it.
"""

from typing import Any

from dp_core.evaluation.claims import pusht_runs
from dp_core.evaluation.claims.catalogue import Options
from dp_core.evaluation.claims.catalogue import verdict
from dp_core.evaluation.claims.pusht_data import PAUSE_STEPS
from dp_core.evaluation.claims.pusht_data import PAUSES
from dp_core.evaluation.claims.pusht_rollouts import Condition
from dp_core.evaluation.claims.pusht_rollouts import episode_seeds
from dp_core.evaluation.claims.pusht_rollouts import provenance
from dp_core.evaluation.claims.pusht_rollouts import rollouts
from dp_core.evaluation.claims.pusht_rollouts import setting
from dp_core.evaluation.claims.pusht_standstill import FINISHED
from dp_core.evaluation.claims.pusht_standstill import standstill
from dp_core.evaluation.claims.pusht_standstill import STILL_PX
from dp_core.evaluation.claims.pusht_standstill import TRAP_STEPS
from dp_core.evaluation.statistics import paired_difference
from dp_core.evaluation.statistics import wilson_interval

RUNS = (pusht_runs.POSITION, pusht_runs.PAUSES)
KINDS = (  # what it is called, whether it is the regression, executed steps
    ('diffusion, 8 steps', False, 8),
    ('diffusion, 1 step', False, 1),
    ('regression, 8 steps', True, 8),
    ('regression, 1 step', True, 1),
)
TRAPPED = 0.05


def run(options: Options) -> dict[str, Any]:
    """Roll out every kind, taught without pauses and with them."""
    seeds = episode_seeds(options)
    rows: list[dict[str, Any]] = []
    for kind, regression, n in KINDS:
        taught = [Condition(run, n, regression=regression) for run in RUNS]
        plain, paused = (rollouts(condition, options, seeds) for condition in taught)
        still = [standstill(r) for r in (plain, paused)]
        rows.append(
            {
                'kind': kind,
                'plain': {**plain.figures(), **still[0]},
                'paused': {**paused.figures(), **still[1]},
                'trapped_ci95': wilson_interval(still[1]['trapped'], len(seeds)),
                'score_gain_of_pauses': paired_difference(
                    paused.scores.tolist(), plain.scores.tolist()
                ),
                'still_share_gain_of_pauses': paired_difference(
                    still[1]['still_share'], still[0]['still_share']
                ),
            }
        )
    return {
        **setting(options),
        'pauses_per_demonstration': PAUSES,
        'pause_s': [0.1 * n for n in PAUSE_STEPS],
        'still_px_per_step': STILL_PX,
        'trapped_s': 0.1 * TRAP_STEPS,
        'finished_score': FINISHED,
        'rows': rows,
        'verdicts': verdicts(rows, len(seeds)),
        'policies': {name: provenance(pusht_runs.trained(name, options)) for name in RUNS},
    }


def verdicts(rows: list[dict[str, Any]], episodes: int) -> list[dict[str, Any]]:
    """Hold the chunked diffusion policy (first row) against the policies of single steps."""
    chunked = rows[0]['paused']
    single = [row['paused'] for row in rows if row['kind'].endswith('1 step')]
    return [
        verdict(
            'share of episodes in which the chunked diffusion policy is trapped',
            chunked['trapped'] / episodes,
            at_most=TRAPPED,
        ),
        verdict(
            'share of time that the least still single-step policy stands more than it, lower end',
            min(
                paired_difference(other['still_share'], chunked['still_share'])['ci95'][0]
                for other in single
            ),
            at_least=0.0,
        ),
        verdict(
            'episodes that trap a single-step policy more than it, the worst one',
            max(other['trapped'] for other in single) - chunked['trapped'],
            at_least=1.0,
        ),
    ]


def plot(result: dict[str, Any], figure: Any) -> None:
    """Draw score, share of time at rest and trapped episodes of every kind."""
    score, still, trapped = figure.subplots(1, 3)
    rows = result['rows']
    names = [row['kind'].replace(', ', '\n') for row in rows]
    shown = (
        (score, 'score_mean', 'mean score', 1.0),
        (still, 'still_share_mean', 'share of time at rest [%]', 100.0),
        (trapped, 'trapped', 'trapped episodes [%]', 100.0 / result['episodes']),
    )
    for axes, key, label, scale in shown:
        for side, (data, name) in enumerate((('plain', 'as recorded'), ('paused', 'with pauses'))):
            at = [k + 0.4 * (side - 0.5) for k in range(len(rows))]
            axes.bar(at, [scale * row[data][key] for row in rows], 0.38, label=name)
        axes.set_xticks(range(len(rows)), names, fontsize=7)
        axes.set_ylabel(label)
        axes.grid(alpha=0.3, axis='y')
    score.legend(loc='lower left', title='demonstrations', fontsize=8)
