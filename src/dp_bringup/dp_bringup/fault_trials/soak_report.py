# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a soak amounts to: counts, findings, memory, and a picture of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import TYPE_CHECKING

from dp_bringup.fault_trials.soak_memory import LEAST_S
from dp_bringup.fault_trials.soak_memory import lives_of
from dp_bringup.fault_trials.soak_memory import MemorySample
from dp_bringup.fault_trials.soak_memory import slope
from dp_bringup.fault_trials.soak_memory import WARM_S
from dp_bringup.fault_trials.soak_plan import FAULTS
from dp_bringup.fault_trials.soak_plan import ROBOT_HUNG
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json
import numpy as np

if TYPE_CHECKING:
    from dp_bringup.fault_trials.soak_run import Soak


def write_report(
    output: Path, soak: Soak, samples: Sequence[MemorySample], head: Mapping[str, Any]
) -> dict[str, Any]:
    """Write the summary, `<name>.md` and `<name>.png` beside it; returns the summary.

    What was judged with each finding lies in `<name>.logs/finding_<number>.npz`.
    """
    summary = {**head, 'machine': machine(), **summarize(soak, samples)}
    for number, finding in enumerate(soak.findings):
        if finding.ticks is not None:
            path = output.with_suffix('.logs') / f'finding_{number:03d}.npz'
            np.savez_compressed(path, **vars(finding.ticks))
    write_json(output, summary)
    output.with_suffix('.md').write_text(page(summary, output.stem), encoding='utf-8')
    plot_soak(output.with_suffix('.png'), soak.log, samples, head['begin_s'])
    return summary


def summarize(soak: Soak, samples: Sequence[MemorySample]) -> dict[str, Any]:
    """Gather what was found."""
    unexplained = soak.book.unexplained()
    endings: dict[str, Counter[str]] = {}
    for ending in soak.book.endings:
        by = soak.book.explanation(ending)
        word = 'unexplained' if by is None else by or 'no fault'
        endings.setdefault(word, Counter())[ending.code] += 1
    played = Counter(span.name for span in soak.book.faults)
    what = [finding.what for finding in soak.findings]
    motion = sum('without a goal' in each for each in what)
    unnoticed = sum('did not end the goal' in each for each in what)
    return {
        'goals': soak.goals,
        'faults': dict(sorted(played.items())),
        'endings': {name: dict(counts) for name, counts in sorted(endings.items())},
        'found': len(unexplained) + len(soak.findings),
        'unexplained_endings': [
            {'code': ending.code, 'reason': ending.reason} for ending in unexplained
        ],
        'limit_violations': len(what) - motion - unnoticed,
        'limit_violations_robot_hung': sum(map(_of_a_hung_robot, soak.log)),
        'motions_without_goal': motion,
        'faults_unnoticed': unnoticed,
        'findings': what,
        'troubles': soak.troubles,
        'ticks': soak.watch.ticks,
        'holes_in_the_record': soak.watch.holes,
        'velocity_max': round(soak.watch.velocity, 3),
        'acceleration_max': round(soak.watch.acceleration, 3),
        'jerk_max': round(soak.watch.jerk, 1),
        'message_late_s': {
            f'p{p}': round(float(np.percentile(soak.late_s, p)), 4)
            for p in (50, 99, 100)
            if soak.late_s
        },
        'memory': {
            name: _memory([s for s in samples if s.is_child == is_child])
            for name, is_child in (('policy_node', False), ('policy_process', True))
        },
        'log': soak.log,
    }


def _memory(samples: Sequence[MemorySample]) -> dict[str, Any]:
    """Return growth, extremes and every tenth sample of each life."""
    sizes = [sample.mib for sample in samples]
    return {
        **slope(samples),
        'mib': [round(min(sizes, default=0.0), 1), round(max(sizes, default=0.0), 1)],
        'lives_s_mib': [
            [[round(t, 1), round(mib, 2)] for t, mib in life[::10]]
            for life in lives_of(samples).values()
        ],
    }


def _of_a_hung_robot(entry: Mapping[str, Any]) -> bool:
    """Say whether a line of the log is a broken limit about a robot that hung."""
    is_limit = entry['event'] == 'FINDING' and ' limit: ' in entry['what']
    return is_limit and not ROBOT_HUNG.isdisjoint(entry['about'].split(', '))


def page(summary: Mapping[str, Any], stem: str) -> str:
    """Return the summary as a page, in Markdown."""
    rows = [
        ('length', f'{summary["minutes"]} minutes, seed {summary["seed"]}'),
        ('goals', summary['goals']),
        ('faults', sum(summary['faults'].values())),
        ('ticks judged', summary['ticks']),
        ('limits broken', summary['limit_violations']),
        ('of these about a robot whose own process stood still or died',
            summary['limit_violations_robot_hung']),
        ('motions without a goal', summary['motions_without_goal']),
        ('endings that no fault explains', len(summary['unexplained_endings'])),
        ('faults that should have ended the goal and did not', summary['faults_unnoticed']),
        ('fastest, hardest', f'{summary["velocity_max"]} rad/s, {summary["acceleration_max"]} '
            f'rad/s² (10 ms), {summary["jerk_max"]} rad/s³ (50 ms)'),
        ('chunks heard after they were to begin, p50, p99, max [ms]',
            ', '.join(f'{1e3 * s:.1f}' for s in summary['message_late_s'].values())),
        ('memory of the policy node', _growth(summary['memory']['policy_node'])),
        ('memory of its policy process', _growth(summary['memory']['policy_process'])),
        ('times the stack had to be begun anew', summary['troubles']),
    ]  # fmt: skip
    lines = [f'# A soak\n\n`{summary["command"]}`\n\n![]({stem}.png)\n', '| | |', '|---|---|']
    lines += [f'| {name} | {value} |' for name, value in rows]
    lines += ['', '| fault | played | goals that it ended |', '|---|---|---|']
    for name in ('no fault', 'unexplained', *FAULTS):
        codes = ', '.join(f'{k} {n}' for k, n in summary['endings'].get(name, {}).items())
        count = summary['faults'].get(name, '')
        if codes or count:
            lines.append(f'| {name} | {count} | {codes} |')
    lines += ['', *(f'- {what}' for what in summary['findings'])]
    return '\n'.join(lines) + '\n'


def _growth(memory: Mapping[str, Any]) -> str:
    """Return the growth in words."""
    if memory['mib_per_hour'] is None:
        return f'no life was longer than {WARM_S + LEAST_S:.0f} s'
    interval = '' if memory['low'] is None else f' [{memory["low"]}, {memory["high"]}]'
    return (
        f'{memory["mib_per_hour"]} MiB/h{interval} within {memory["lives"]} lives, '
        f'after {WARM_S:.0f} s of each'
    )


def plot_soak(
    path: Path, log: Sequence[Mapping[str, Any]], samples: Sequence[MemorySample], begin_s: float
) -> None:
    """Draw every fault and ending over time, and the memory of the policy node."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in FAULTS if any(e['what'] == name for e in log)]
    figure = Figure(figsize=(12, 3.4 + 0.2 * len(names)), layout='constrained')
    FigureCanvasAgg(figure)
    events, memory = figure.subplots(2, 1, sharex=True, height_ratios=(0.2 * len(names) + 0.5, 2))
    for entry in log:
        if entry['event'] == 'fault':
            y, minutes = names.index(entry['what']), entry['t'] / 60.0
            ended = FAULTS[entry['what']].ends
            events.plot(minutes, y, '.', color='#1f5fa8' if ended else '#7fa6d1', markersize=5)
        elif entry['event'] == 'FINDING' or (entry['event'] == 'ending' and entry['by'] is None):
            events.axvline(entry['t'] / 60.0, color='#d95f2b', linewidth=1.0)
    events.set_yticks(range(len(names)), names, fontsize=7)
    events.invert_yaxis()
    events.set_title('faults (dark: must end the goal; a red line: something was found)')
    for life in lives_of(samples).values():
        memory.plot([(t - begin_s) / 60.0 for t, _ in life], [mib for _, mib in life])
    memory.set_ylim(bottom=0.0)
    memory.set_ylabel('memory [MiB]')
    memory.set_xlabel('time [min]; each line is one life of the node or of its policy process')
    for axes in (events, memory):
        axes.grid(color='#e4e7eb')
        axes.set_axisbelow(True)
        axes.spines[['top', 'right']].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=75)
