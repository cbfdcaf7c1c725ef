# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Training is stable: among the last ten checkpoints the best is hardly better than their mean.

Paper: §4.4 "Training stability"; the tables give maximum and mean of the last ten checkpoints,
for state-based Push-T 0.95 and 0.91 (CNN).

Done here: ten checkpoints over the last 40 % of one run, each scored on the same seeds. If all
were equally good, their means would still differ by luck; how much follows from exchanging the
scores of each seed among the checkpoints at random.

Refuted if the best checkpoint is more than the paper's 0.04 above the mean of the ten.
"""

from typing import Any

from dp_core.checkpoint import load_provenance
from dp_core.evaluation.claims import pusht_runs
from dp_core.evaluation.claims.catalogue import Options
from dp_core.evaluation.claims.catalogue import verdict
from dp_core.evaluation.claims.pusht_plot import draw_scores
from dp_core.evaluation.claims.pusht_rollouts import Condition
from dp_core.evaluation.claims.pusht_rollouts import episode_seeds
from dp_core.evaluation.claims.pusht_rollouts import provenance
from dp_core.evaluation.claims.pusht_rollouts import rollouts
from dp_core.evaluation.claims.pusht_rollouts import setting
import numpy as np
from numpy.typing import NDArray

EPISODES = 30
BEST_ABOVE_MEAN = 0.04
DRAWS = 10_000


def run(options: Options) -> dict[str, Any]:
    """Score each checkpoint, and what luck alone would do."""
    seeds = episode_seeds(options, EPISODES)
    folders = pusht_runs.checkpoints(options)
    conditions = [*(Condition(checkpoint=folder) for folder in folders[:-1]), Condition()]
    rolled = [rollouts(condition, options, seeds) for condition in conditions]
    rows = [
        {'training_step': load_provenance(folder)['steps'], **r.figures()}
        for folder, r in zip(folders, rolled, strict=True)
    ]
    scores = np.stack([r.scores for r in rolled])
    means = scores.mean(axis=1)
    lucky = spreads_by_luck(scores, DRAWS, options.seed)
    spread = float(np.ptp(means))
    above = float(means.max() - means.mean())
    return {
        **setting(options, EPISODES),
        'rows': rows,
        'mean': float(means.mean()),
        'lowest': float(means.min()),
        'highest': float(means.max()),
        'spread': spread,
        'spread_by_luck': {
            'mean': float(lucky.mean()),
            'ci95': [float(x) for x in np.percentile(lucky, (2.5, 97.5))],
            'share_at_least_as_wide': float((lucky >= spread - 1e-12).mean()),
        },
        'verdicts': [verdict('best of the ten above their mean', above, at_most=BEST_ABOVE_MEAN)],
        'policy': provenance(folders[-1]),
    }


def spreads_by_luck(scores: NDArray[np.float64], draws: int, seed: int) -> NDArray[np.float64]:
    """Return the spreads (draws,) of the means when equal checkpoints share out the scores.

    Args:
        scores: (C, E), of C checkpoints on the same E seeds.
        draws: how often the scores of each seed are dealt anew.
        seed: of the dealing.
    """
    rng = np.random.default_rng(seed)
    return np.array(
        [np.ptp(rng.permuted(scores, axis=0).mean(axis=1)) for _ in range(draws)], np.float64
    )


def plot(result: dict[str, Any], figure: Any) -> None:
    """Draw the score of each checkpoint and the band of luck around their mean."""
    axes = figure.subplots()
    rows = result['rows']
    draw_scores(axes, [row['training_step'] for row in rows], rows, 'checkpoint')
    half = 0.5 * result['spread_by_luck']['ci95'][1]
    low, high = result['mean'] - half, result['mean'] + half
    axes.axhspan(low, high, alpha=0.15, label='luck alone, 97.5 % of the spreads')
    axes.axhline(result['mean'], lw=0.8, color='k', label='mean of the ten')
    axes.set_xlabel('training step')
    axes.grid(alpha=0.3)
    axes.legend(loc='lower left')
