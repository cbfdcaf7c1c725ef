# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a series of trials amounts to: a summary, a table and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dp_bringup.fault_trials.plan import KINDS
from dp_bringup.fault_trials.plot import plot_trials
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json
from dp_core.limits import MotionLimits
import numpy as np

Records = Sequence[dict[str, Any]]


def write_report(
    output: Path, records: Records, planned: int, command: str, limits: MotionLimits
) -> str:
    """Write the summary, `<name>.md` and `<name>.png` beside it; returns the table.

    Args:
        output: path of the summary.
        records: of the trials.
        planned: number of trials in the series.
        command: that was given.
        limits: of the robot; those of its slowest joint are drawn.
    """
    summary = summarize(records, planned)
    bounds = {
        f'{name}_limit': float(getattr(limits, name).min())
        for name in ('velocity', 'acceleration', 'jerk')
    }
    write_json(output, {'command': command, 'machine': machine(), **bounds, **summary})
    plot_trials(output.with_suffix('.png'), records, bounds)
    text = table(summary)
    head = f'# {len(records)} of {planned} faults\n\n`{command}`\n\n![]({output.stem}.png)\n\n'
    output.with_suffix('.md').write_text(head + text, encoding='utf-8')
    return text


def summarize(records: Records, planned: int) -> dict[str, Any]:
    """Gather the trials kind by kind."""
    by_kind = {name: [record for record in records if record['kind'] == name] for name in KINDS}
    return {
        'trials_done': len(records),
        'trials_planned': planned,
        'total': _figures(records),
        'kinds': {name: _figures(rows) for name, rows in by_kind.items() if rows},
    }


def _figures(records: Records) -> dict[str, Any]:
    outcomes = [record['outcome'] for record in records]
    violations = [f'{r["number"]}: {what}' for r in records for what in r['violations']]
    late = [f'{r["number"]}: {what}' for r in records for what in r.get('late', ())]
    return {
        'trials': len(records),
        'as_expected': sum(record['as_expected'] for record in records),
        'recovered': sum(record.get('recovered', False) for record in records),
        'outcomes': {name: outcomes.count(name) for name in sorted(set(outcomes))},
        'detection_s': _spread(records, 'detection_s'),
        'result_s': _spread(records, 'result_s'),
        'rest_s': _spread(records, 'rest_s'),
        'ready_s': _spread(records, 'ready_s'),
        'velocity_max': max((r.get('velocity', 0.0) for r in records), default=0.0),
        'acceleration_max': max((r.get('acceleration', 0.0) for r in records), default=0.0),
        'jerk_max': max((r.get('jerk', 0.0) for r in records), default=0.0),
        'violations': violations,
        'late': late,
        'lag_s': _spread(records, 'lag_s'),
        'load': _spread(records, 'load'),
        'realtime_factor': _spread(records, 'realtime_factor'),
    }


def _spread(records: Records, key: str) -> dict[str, float] | None:
    values = [record[key] for record in records if record.get(key) is not None]
    if not values:
        return None
    return {
        'p50': round(float(np.percentile(values, 50)), 4),
        'min': round(min(values), 4),
        'max': round(max(values), 4),
    }


def table(summary: dict[str, Any]) -> str:
    """Return the table, in Markdown."""
    lines = [
        '| fault | trials | as expected | next goal runs | outcome | brake after p50, max [s] '
        '| at rest after p50, max [s] | velocity max [rad/s] | acceleration max [rad/s²] '
        '| jerk max [rad/s³] | violations |',
        '|---|---|---|---|---|---|---|---|---|---|---|',
    ]
    for name, row in [*summary['kinds'].items(), ('all', summary['total'])]:
        text = f'{KINDS[name].text} (`{name}`)' if name in KINDS else '**all**'
        outcomes = ', '.join(f'{k} {v}' for k, v in row['outcomes'].items())
        count = row['trials']
        lines.append(
            f'| {text} | {count} | {row["as_expected"]}/{count} | {row["recovered"]}/{count} '
            f'| {outcomes if name in KINDS else ""} | {_two(row["detection_s"])} '
            f'| {_two(row["rest_s"])} | {row["velocity_max"]:.2f} '
            f'| {row["acceleration_max"]:.1f} | {row["jerk_max"]:.0f} '
            f'| {len(row["violations"])} |'
        )
    return '\n'.join(lines) + '\n'


def _two(spread: dict[str, float] | None) -> str:
    return '' if spread is None else f'{spread["p50"]:.3f}, {spread["max"]:.3f}'
