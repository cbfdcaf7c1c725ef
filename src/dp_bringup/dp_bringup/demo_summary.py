# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a run, as plain data for summary.json."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

from dp_bringup.demo_client import EpisodeRecord
from dp_core.evaluation.statistics import bootstrap_mean_interval
import numpy as np


def summarize(
    records: Sequence[EpisodeRecord],
    scores: Sequence[float],
    expired_before: int,
    protocol: dict[str, Any],
) -> dict[str, Any]:
    """Gather what happened.

    Args:
        records: one per episode.
        scores: of the episodes, computed from the scene's log.
        expired_before: count of expired chunks before the first episode.
        protocol: how the run was made.
    """
    chunks = [chunk for record in records for chunk in record.chunks]
    # The first chunk of a goal joins an arm at rest: there is no seam.
    seams = [chunk for chunk in chunks if chunk.number > 0]
    factors = [record.scene.realtime_factor for record in records]
    return {
        'seeds': [record.seed for record in records],
        'scores': [round(score, 6) for score in scores],
        'score_mean': float(np.mean(scores)),
        'score_ci95': list(bootstrap_mean_interval(scores)),
        'chunks': len(chunks),
        'late_ticks': sum(record.scene.late_ticks for record in records),
        'expired_chunks': records[-1].node.expired_chunks - expired_before,
        'rejected_messages': sum(record.scene.rejected_messages for record in records),
        'inference_ms': _statistics((1e3 * c.inference_s for c in chunks), 'p50', 'p95', 'max'),
        'observation_age_ms': _statistics(
            (1e3 * c.observation_age_s for c in chunks), 'p50', 'p95'
        ),
        'seam_jump_rad': _statistics((c.position_jump for c in seams), 'p50', 'max'),
        'seam_velocity_jump_rad_s': _statistics((c.velocity_jump for c in seams), 'p50', 'max'),
        # The worst of the episodes: a run counts only when every one of them was in real time.
        'realtime_factor': max(factors, key=lambda factor: abs(factor - 1.0)),
        'node_rss_mb': max(record.node.rss_bytes for record in records) / 1e6,
        'protocol': {
            **protocol,
            'episodes': len(records),
            'outcomes': [record.outcome for record in records],
            'score': 'max over the goal, at 10 Hz, of clip(coverage / 0.95, 0, 1)',
            'score_difference_to_scene': max(
                abs(record.score - score) for record, score in zip(records, scores)
            ),
        },
    }


def complaints(summary: dict[str, Any]) -> list[str]:
    """Return why the run should not be quoted; nothing when it may be."""
    found = []
    factor = summary['realtime_factor']
    if not 0.98 <= factor <= 1.02:
        found.append(f'the simulation ran at {factor:.3f} of real time, valid: 0.98 to 1.02')
    for name in ('late_ticks', 'rejected_messages', 'expired_chunks'):
        if summary[name]:
            found.append(f'{name.replace("_", " ")}: {summary[name]}, should be 0')
    ended = [o for o in summary['protocol']['outcomes'] if o not in ('SUCCESS', 'TIMEOUT')]
    if ended:
        found.append(f'goals ended early: {ended}')
    return found


def _statistics(values: Iterable[float], *wanted: str) -> dict[str, float | None]:
    numbers = np.array(list(values))
    if not len(numbers):
        return dict.fromkeys(wanted)
    percents = {name: 100.0 if name == 'max' else float(name[1:]) for name in wanted}
    return {name: float(np.percentile(numbers, p)) for name, p in percents.items()}
