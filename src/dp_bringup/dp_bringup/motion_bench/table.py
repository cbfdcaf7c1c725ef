# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""motion.json as Markdown: one table of figures and one of verdicts for each delay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

HEAD = (
    'strategy',
    'score (95 %)',
    'velocity change at seams, p50 / p95 / max [rad/s]',
    'anywhere, p95 / max [rad/s]',
    'jerk between steps, rms / peak [rad/s³]',
    'lag [ms]',
    'distance [mrad]',
    'late ticks',
    'rejected',
)
VERDICT_HEAD = (
    'against',
    'velocity change at seams, p50 / p95 / max',
    'score, ours less theirs (95 %)',
    'holds',
)


def markdown(report: dict[str, Any], default: str) -> str:
    """Return the tables; verdicts are those of our strategy `default`."""
    parts = []
    for delay, table in report['delays'].items():
        rows = [_row(name, figures, report['ours']) for name, figures in table.items()]
        parts += [f'### {delay} of injected delay', _table(HEAD, rows)]
        verdicts = report['verdicts'][delay].get(default, {})
        if verdicts:
            lines = [_verdict_row(name, verdict) for name, verdict in verdicts.items()]
            parts += [f'`{default}` at {delay}:', _table(VERDICT_HEAD, lines)]
    return '\n\n'.join(parts) + '\n'


def _row(name: str, figures: dict[str, Any], ours: Sequence[str]) -> list[str]:
    seam, anywhere = figures['seam_velocity'], figures['velocity_anywhere']
    jerk, (low, high) = figures['jerk_between_steps'], figures['score_ci95']
    return [
        f'**{name}**' if name in ours else name,
        f'{figures["score_mean"]:.3f} ({low:.3f} to {high:.3f})',
        f'{seam["p50"]:.3f} / {seam["p95"]:.3f} / {seam["max"]:.3f}',
        f'{anywhere["p95"]:.3f} / {anywhere["max"]:.2f}',
        f'{jerk["rms"]:.0f} / {jerk["peak"]:.0f}',
        f'{figures["lag_ms"]:.0f}',
        f'{figures["distance_mrad"]:.1f}',
        str(figures['late_ticks']),
        str(figures['rejected_messages']),
    ]


def _verdict_row(name: str, verdict: dict[str, Any]) -> list[str]:
    less, difference = verdict['seam_velocity_times_less'], verdict['score_difference']
    low, high = difference['ci95']
    missed = [
        word
        for key, word in (
            ('seam_velocity_as_wanted', 'velocity change'),
            ('score_no_worse', 'score'),
        )
        if not verdict[key]
    ]
    return [
        name,
        ' / '.join(f'{_times(less[percent])}' for percent in ('p50', 'p95', 'max')),
        f'{difference["mean"]:+.3f} ({low:+.3f} to {high:+.3f})',
        f'no: {", ".join(missed)}' if missed else 'yes',
    ]


def _times(factor: float) -> str:
    return f'{factor:.1f} × less'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in lines)
