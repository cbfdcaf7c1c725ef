# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Where demonstrations go left or right, the policy commits to one side; regression averages.

Paper §4.1, Model Multi-Modal Action Distributions, and figure 3; for the length of the chunk §4.3,
Benefits of Action-Sequence Prediction: the noise that a chunk starts from chooses a mode, and a
chunk that is executed over several steps keeps to it.

Done: a point must get around a disc (`modes_world.py`). Half of the demonstrations pass on either
side, and nothing at the start tells which. A diffusion policy and a regression, which share
demonstrations, U-Net, batches and number of training steps, then drive from the one symmetric
start, disturbed a little, once executing 8 steps of each chunk and once replanning at each step.

Refuted if the diffusion policy with chunks of 8 fails to go all the way on one side in more than
5 % of the episodes or takes one side in less than 35 %; if the regression with the same chunks
hits the disc in less than 90 %; or if plans do not change sides more often at chunks of 1. Rates
come with Wilson intervals, and it is their unfavourable end that must meet the bound; for the
sides it is the rate itself. The bounds are our own; the paper gives a picture.
"""

from __future__ import annotations

from typing import Any

from dp_core.config import PolicyConfig
from dp_core.evaluation.claims.catalogue import Options
from dp_core.evaluation.claims.catalogue import verdict
from dp_core.evaluation.claims.fit import fit
from dp_core.evaluation.claims.modes_regression import fit_regression
from dp_core.evaluation.claims.modes_world import CONTRACT
from dp_core.evaluation.claims.modes_world import demonstrate
from dp_core.evaluation.claims.modes_world import RADIUS
from dp_core.evaluation.claims.modes_world import roll_out
from dp_core.evaluation.claims.modes_world import Rollouts
from dp_core.evaluation.statistics import bootstrap_mean_interval
from dp_core.evaluation.statistics import wilson_interval
import numpy as np

NETWORK = PolicyConfig(down_dims=(32, 64), kernel_size=3, step_embedding_dim=32)
BATCH = 64  # in little time, many small steps teach more than few large ones
DRAWN = 20  # paths kept for the picture


def run(options: Options) -> dict[str, Any]:
    """Train both, let both drive, count."""
    buffer = demonstrate(8 if options.quick else 200, options.seed)
    steps = 10 if options.quick else 2400
    episodes = options.episodes or (10 if options.quick else 200)
    policies = {
        'diffusion': fit(CONTRACT, buffer, NETWORK, steps, options.seed, BATCH),
        'regression': fit_regression(CONTRACT, buffer, NETWORK, steps, options.seed, BATCH),
    }
    rollouts = {
        (name, n): roll_out(policy, n, episodes, options.seed + 1)
        for name, policy in policies.items()
        for n in (8, 1)
    }
    rows = [{'policy': name, 'chunk': n, **count(r)} for (name, n), r in rollouts.items()]
    chunked, single, regressed, _ = rows
    more = rollouts['diffusion', 1].switches - rollouts['diffusion', 8].switches
    more_ci95 = bootstrap_mean_interval(more.tolist())
    sides = 'diffusion, chunks of 8: share of episodes on the left'
    return {
        'verdicts': [
            verdict(
                'diffusion, chunks of 8: committed', chunked['committed_ci95'][0], at_least=0.95
            ),
            verdict(sides, chunked['left'], at_least=0.35, at_most=0.65),
            verdict(
                'regression, chunks of 8: hits the disc', regressed['hit_ci95'][0], at_least=0.9
            ),
            verdict('changes of side more at chunks of 1', more_ci95[0], at_least=0.05),
        ],
        'rows': rows,
        'more_switches_at_chunks_of_1': float(more.mean()),
        'more_switches_at_chunks_of_1_ci95': more_ci95,
        'episodes': episodes,
        'training_steps': steps,
        'paths': {
            f'{name} {n}': r.paths[:DRAWN].round(3).tolist() for (name, n), r in rollouts.items()
        },
    }


def count(rollouts: Rollouts) -> dict[str, Any]:
    """Count what became of the episodes."""
    total = len(rollouts.hit)
    left = rollouts.side < 0
    sums = {'committed': rollouts.committed, 'hit': rollouts.hit, 'left': left}
    figures: dict[str, Any] = {}
    for name, happened in sums.items():
        figures[name] = float(happened.mean())
        figures[f'{name}_ci95'] = wilson_interval(int(happened.sum()), total)
    figures['switches_per_episode'] = float(rollouts.switches.mean())
    figures['most_switches'] = int(rollouts.switches.max())
    return figures


def plot(result: dict[str, Any], figure: Any) -> None:
    """Draw paths of both policies at both chunk lengths."""
    panels = figure.subplots(1, len(result['rows']), sharey=True)
    for axes, row in zip(panels, result['rows'], strict=True):
        for path in np.array(result['paths'][f'{row["policy"]} {row["chunk"]}']):
            axes.plot(path[:, 0], path[:, 1], lw=0.7, alpha=0.6)
        angle = np.linspace(0.0, 2.0 * np.pi)
        axes.fill(RADIUS * np.cos(angle), RADIUS * np.sin(angle), color='0.7')
        axes.set_title(
            f'{row["policy"]}, chunks of {row["chunk"]}\n'
            f'hit {row["hit"]:.0%}, left {row["left"]:.0%}\n'
            f'{row["switches_per_episode"]:.2f} changes of side',
            fontsize=9,
        )
        axes.set_aspect('equal')
        axes.set_xlim(-0.9, 0.9)
        axes.set_ylim(-1.3, 1.4)
        axes.set_xlabel('x [m]')
    panels[0].set_ylabel('y [m]')
