# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a series of stops amounts to: percentiles for each hold and request, a table and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dp_bringup.fault_trials.stop_plan import REQUESTS
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json
import numpy as np

Records = Sequence[dict[str, Any]]
# Targets of the 99th percentiles [s].
ANSWER_TARGET_S, BRAKE_TARGET_S = 0.02, 0.05
PERCENTILES = (50, 95, 99)
KEYS = ('answer_s', 'brake_s', 'result_s', 'rest_s', 'way_m', 'speed', 'lag_s', 'load')
ANY = 'any of these'
COLORS = {'cancel': '#1f5fa8', 'stop': '#d95f2b'}


def write_report(output: Path, records: Records, planned: int, command: str) -> str:
    """Write the summary, `<name>.md` and `<name>.png` beside it; returns the table."""
    rows = summarize(records)
    write_json(
        output,
        {
            'command': command,
            'machine': machine(),
            'trials_done': len(records),
            'trials_planned': planned,
            'targets_p99_s': {'answer': ANSWER_TARGET_S, 'brake': BRAKE_TARGET_S},
            'rows': rows,
        },
    )
    text = table(rows)
    head = f'# {len(records)} of {planned} stops\n\n`{command}`\n\n![]({output.stem}.png)\n\n'
    output.with_suffix('.md').write_text(head + text, encoding='utf-8')
    plot_stops(output.with_suffix('.png'), records)
    return text


def summarize(records: Records) -> list[dict[str, Any]]:
    """Gather the trials of each hold and kind, as they were tried first, and of all together."""
    pairs = dict.fromkeys((record['hold'], record['kind']) for record in records)
    rows = [
        _figures(hold, kind, [r for r in records if (r['hold'], r['kind']) == (hold, kind)])
        for hold, kind in pairs
    ]
    for kind in REQUESTS:
        if sum(row['kind'] == kind for row in rows) > 1:
            rows.append(_figures(ANY, kind, [r for r in records if r['kind'] == kind]))
    return rows


def _figures(hold: str, kind: str, records: Records) -> dict[str, Any]:
    done = [record for record in records if 'rest_s' in record]
    outcomes = [record['outcome'] for record in records]
    answer, brake = spread(done, 'answer_s'), spread(done, 'brake_s')
    return {
        'hold': hold,
        'kind': kind,
        'trials': len(records),
        'as_expected': sum(record['as_expected'] for record in records),
        'outcomes': {name: outcomes.count(name) for name in sorted(set(outcomes))},
        'within_hold': sum(record['within_hold'] for record in done),
        **{key: spread(done, key) for key in KEYS},
        'met': {
            'answer': answer is not None and answer['p99'] <= ANSWER_TARGET_S,
            'brake': brake is not None and brake['p99'] <= BRAKE_TARGET_S,
        },
        **{
            f'{key}_max': max((record[key] for record in done), default=0.0)
            for key in ('velocity', 'acceleration', 'jerk')
        },
        'violations': [f'{r["number"]}: {what}' for r in done for what in r['violations']],
    }


def spread(records: Records, key: str) -> dict[str, float] | None:
    """Return percentiles and the largest of one figure; None where nothing was measured."""
    values = [record[key] for record in records if record.get(key) is not None]
    if not values:
        return None
    numbers = {f'p{p}': float(np.percentile(values, p)) for p in PERCENTILES}
    return {name: round(x, 4) for name, x in {**numbers, 'max': max(values)}.items()}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table, in Markdown; times in ms, ways in mm."""
    ends = 'p50, p95, p99, max'
    lines = [
        f'| each prediction holds the interpreter | request | trials, within a hold '
        f'| answer {ends} [ms] | brake on the topic {ends} [ms] | at rest {ends} [ms] '
        f'| way of the tool {ends} [mm] | as expected | limits broken |',
        '|---|---|---|---|---|---|---|---|---|',
    ]
    for row in rows:
        values = [_four(row[key]) for key in ('answer_s', 'brake_s', 'rest_s', 'way_m')]
        lines.append(
            f'| {row["hold"] or "not beyond its own work"} | {row["kind"]} '
            f'| {row["trials"]}, {row["within_hold"]} | {" | ".join(values)} '
            f'| {row["as_expected"]} | {len(row["violations"])} |'
        )
    return '\n'.join(lines) + '\n'


def _four(values: dict[str, float] | None) -> str:
    return '' if values is None else ', '.join(f'{1e3 * value:.1f}' for value in values.values())


def plot_stops(path: Path, records: Records) -> None:
    """Draw every request as a dot: answer and brake, hold by hold."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [r for r in records if 'rest_s' in r and r['kind'] in REQUESTS]
    if not shown:
        return  # faults have no answer
    holds = list(dict.fromkeys(record['hold'] for record in shown))
    figure = Figure(figsize=(12, 1.8 + 0.7 * len(holds)), layout='constrained')
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 3, sharey=True)
    for axes, key, target_s, title in zip(
        panels,
        ('answer_s', 'brake_s', 'rest_s'),
        (ANSWER_TARGET_S, BRAKE_TARGET_S, None),
        ('answer', 'brake on the topic', 'at rest'),
    ):
        for shift, kind in zip((-0.17, 0.17), REQUESTS):
            part = [r for r in shown if r['kind'] == kind and r[key] is not None]
            axes.scatter(
                [1e3 * r[key] for r in part],
                [holds.index(r['hold']) + shift + 0.02 * (r['number'] % 11 - 5) for r in part],
                s=8,
                alpha=0.6,
                color=COLORS[kind],
                label=kind,
            )
        if target_s is not None:
            axes.axvline(1e3 * target_s, color='#8a8f98', linewidth=1.5)
        axes.set_xscale('log')
        low, high = axes.get_xlim()
        ticks = [t for t in (2, 5, 10, 20, 50, 100, 150, 200, 300, 500) if low < t < high]
        axes.set_xticks(ticks, map(str, ticks))
        axes.minorticks_off()
        axes.set_title(title)
        axes.set_xlabel('time from the request [ms]')
        axes.grid(axis='x', color='#e4e7eb')
        axes.set_axisbelow(True)
        axes.spines[['top', 'right']].set_visible(False)
    panels[0].set_yticks(range(len(holds)), [hold or 'plain' for hold in holds])
    panels[0].invert_yaxis()
    panels[0].legend(loc='upper right')
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=75)
