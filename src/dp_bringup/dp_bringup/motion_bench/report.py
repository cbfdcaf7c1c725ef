# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of episodes -> figures of strategies, and whether ours is as good as it should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dp_core.evaluation.statistics import bootstrap_mean_interval
from dp_core.evaluation.statistics import paired_difference
from dp_core.evaluation.statistics import wilson_interval
import numpy as np

Row = dict[str, Any]
PERCENTS = {'p50': 50, 'p95': 95, 'max': 100}
FACTOR = 5.0  # by which ours shall change the velocity less than the original
SCORE_MARGIN = 0.05  # by which the lower bound of the score's difference may lie below 0

WORDS = {
    'score': 'largest clip(coverage / 0.95, 0, 1) of the episode, at 10 Hz, as dp_eval',
    'seam_velocity': 'change of the velocity of the reference from 10 ms before to 10 ms after a '
    'take-over, of the joint with the largest [rad/s]',
    'seam_mean_velocity': 'the same of the mean velocity over these 10 ms, from positions: steps '
    'of the position count, also the advance of a period by the controller itself [rad/s]',
    'seam_position': 'step of the reference beyond its velocity at a take-over [rad]',
    'velocity_anywhere': 'change of the velocity over 20 ms at any time: mean of the 95th '
    'percentiles of episodes, and largest [rad/s]',
    'jerk': 'third difference of the positions of the reference at 100 Hz, largest joint '
    '[rad/s^3]',
    'jerk_between_steps': 'second difference of its velocities at 100 Hz: without steps of the '
    'position [rad/s^3]',
    'lag_ms': 'by how much the reference follows the steps of the chunks in charge [ms]',
    'distance_mrad': 'rms distance between both at the times of these steps, all joints [mrad]',
    'late_ticks': 'ticks of the controller at which its trajectory had ended',
}


def strategy_figures(rows: Sequence[Row]) -> dict[str, Any]:
    """Figures of one strategy at one delay over its episodes, ordered by seed."""
    scores = [row['score'] for row in rows]
    full = sum(score >= 1.0 for score in scores)
    moved = [row for row in rows if 'jerk' in row]
    return {
        'episodes': len(rows),
        'score_mean': float(np.mean(scores)),
        'score_ci95': bootstrap_mean_interval(scores),
        'success_rate': full / len(rows),
        'success_rate_ci95': wilson_interval(full, len(rows)),
        'duration_s_mean': float(np.mean([row['duration_s'] for row in rows])),
        'chunks': sum(row['chunks'] for row in rows),
        'late_ticks': sum(row['late_ticks'] for row in rows),
        'rejected_messages': sum(row['rejected_messages'] for row in rows),
        'expired_chunks': sum(row['expired_chunks'] for row in rows),
        'faults': [f'seed {row["seed"]}: {row["fault"]}' for row in rows if row['fault']],
        **{
            name: percentiles([value for row in moved for value in row[name]])
            for name in ('seam_velocity', 'seam_mean_velocity', 'seam_position')
        },
        'velocity_anywhere': {
            'p95': float(np.mean([row['velocity_anywhere']['p95'] for row in moved])),
            'max': max(row['velocity_anywhere']['max'] for row in moved),
        },
        **{
            name: peak_and_rms([r[name] for r in moved]) for name in ('jerk', 'jerk_between_steps')
        },
        'lag_ms': 1e3 * float(np.median([row['lag_s'] for row in moved])),
        'distance_mrad': 1e3 * float(np.sqrt(np.mean([r['distance_rad'] ** 2 for r in moved]))),
        'scores': scores,
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile, largest and number of values."""
    found = {name: float(np.percentile(values, percent)) for name, percent in PERCENTS.items()}
    return {**found, 'seams': len(values)}


def peak_and_rms(parts: Sequence[dict[str, float]]) -> dict[str, float]:
    """Put the peaks and mean squares of episodes together."""
    samples = [part['samples'] for part in parts]
    mean_square = np.average([part['mean_square'] for part in parts], weights=samples)
    return {'peak': max(part['peak'] for part in parts), 'rms': float(np.sqrt(mean_square))}


def verdicts(
    table: dict[str, dict[str, Any]], ours: Sequence[str], others: Sequence[str]
) -> dict[str, Any]:
    """Compare every strategy of ours with every other one at one delay.

    Args:
        table: figures by strategy.
        ours: names of ours.
        others: names of the others.

    Returns:
        for each of ours and each other: how many times less it changes the velocity at seams
        (median and 95th percentile), the paired difference of the scores, and what holds.
    """
    return {
        mine: {
            other: verdict(table[mine], table[other], FACTOR if other == 'original' else 1.0)
            for other in others
        }
        for mine in ours
    }


def verdict(mine: dict[str, Any], other: dict[str, Any], factor: float) -> dict[str, Any]:
    """Compare two strategies; the velocity change shall be `factor` times less."""
    less = {
        percent: other['seam_velocity'][percent] / mine['seam_velocity'][percent]
        for percent in ('p50', 'p95', 'max')
    }
    difference = paired_difference(mine['scores'], other['scores'])
    return {
        'seam_velocity_times_less': less,
        'score_difference': difference,
        'seam_velocity_as_wanted': less['p95'] > 1.0 and less['p95'] >= factor,
        'score_no_worse': difference['ci95'][0] > -SCORE_MARGIN,
    }


def scores_only(delays: dict[str, dict[str, Any]], ours: Sequence[str]) -> dict[str, Any]:
    """Return what injected delay does to the score of each seam mode: delay.json."""
    first = next(iter(delays.values()))
    return {
        mode: {
            delay: {
                **{key: table[mode][key] for key in ('score_mean', 'score_ci95', 'success_rate')},
                'late_ticks': table[mode]['late_ticks'],
                'expired_chunks': table[mode]['expired_chunks'],
                'difference_to_no_delay': paired_difference(
                    table[mode]['scores'], first[mode]['scores']
                ),
                'scores': table[mode]['scores'],
            }
            for delay, table in delays.items()
        }
        for mode in ours
    }
