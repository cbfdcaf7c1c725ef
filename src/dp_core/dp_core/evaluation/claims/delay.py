# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Up to 4 steps of delay cost nearly nothing, because a chunk is cut where it is past.

Paper: §5, the finding on latency, and the right of its ablation figure.

Done here: the policy of `action_steps`, or that of `--policy`, executes 8 steps of each chunk. A
chunk is asked for 0 to 4 steps (0 .. 0.4 s) before it takes over, from what is seen then, and its
steps that are past by the take-over are dropped. To show what dropping gives, late chunks are
also executed from their first step, as if they were fresh. Same seeds, differences seed by seed.

Refuted if a delay may cost more than 0.05 of the score (upper end of the 95 % interval of the
loss), or if dropping gains nothing at 4 steps.
"""

from typing import Any

from dp_core.evaluation.claims import pusht_runs
from dp_core.evaluation.claims.catalogue import Options
from dp_core.evaluation.claims.catalogue import verdict
from dp_core.evaluation.claims.pusht_plot import draw_scores
from dp_core.evaluation.claims.pusht_rollouts import Condition
from dp_core.evaluation.claims.pusht_rollouts import episode_seeds
from dp_core.evaluation.claims.pusht_rollouts import provenance
from dp_core.evaluation.claims.pusht_rollouts import rollouts
from dp_core.evaluation.claims.pusht_rollouts import setting
from dp_core.evaluation.statistics import paired_difference

DELAYS = (0, 1, 2, 3, 4)
AS_IF_FRESH = (2, 4)  # delays at which the past steps are executed as well
LOSS = 0.05
EPISODES = 100


def run(options: Options) -> dict[str, Any]:
    """Roll out with each delay, the past steps dropped and not."""
    folder = pusht_runs.chosen(options)
    seeds = episode_seeds(options, EPISODES)
    rolled = {
        (delay, drop): rollouts(
            Condition(delay_steps=delay, compensate=drop, checkpoint=options.policy),
            options,
            seeds,
        )
        for delay in DELAYS
        for drop in ((True, False) if delay in AS_IF_FRESH else (True,))
    }
    scores = {key: r.scores.tolist() for key, r in rolled.items()}
    base = scores[0, True]
    rows = [
        {
            'delay_steps': delay,
            'past_steps_dropped': drop,
            **r.figures(),
            'minus_no_delay': paired_difference(scores[delay, drop], base),
        }
        for (delay, drop), r in rolled.items()
    ]
    losses = {d: paired_difference(base, scores[d, True])['ci95'][1] for d in DELAYS[1:]}
    gain = paired_difference(scores[DELAYS[-1], True], scores[DELAYS[-1], False])
    verdicts = [
        verdict(f'score lost by a delay of {d} steps, upper end', loss, at_most=LOSS)
        for d, loss in losses.items()
    ]
    verdicts.append(
        verdict('score that dropping gains at 4 steps, lower end', gain['ci95'][0], at_least=0.0)
    )
    return {
        **setting(options, EPISODES),
        'rows': rows,
        'gain_of_dropping_at_4': gain,
        'verdicts': verdicts,
        'policy': provenance(folder),
    }


def plot(result: dict[str, Any], figure: Any) -> None:
    """Draw both scores over the delay."""
    axes = figure.subplots()
    rows = result['rows']
    for drop, label in ((True, 'past steps dropped'), (False, 'executed as if fresh')):
        shown = [r for r in rows if r['past_steps_dropped'] == drop or not r['delay_steps']]
        draw_scores(axes, [r['delay_steps'] for r in shown], shown, label, 'o-' if drop else 's--')
    axes.set_xticks(DELAYS)
    axes.set_xlabel('delay [steps of 0.1 s], 8 steps executed of each chunk')
    axes.grid(alpha=0.3)
    axes.legend(loc='lower left')
