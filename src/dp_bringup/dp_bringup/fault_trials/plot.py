# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""faults.png: every trial as a dot, kind by kind: when the arm was braked, at rest, how hard."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import math
from pathlib import Path
from typing import Any
from typing import TYPE_CHECKING

from dp_bringup.fault_trials.plan import KINDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 1.5  # of an axis with a limit; what lies beyond is a triangle at its end
BRAKED, RESTED, BROKEN, LIMIT = '#7fa6d1', '#1f5fa8', '#d95f2b', '#8a8f98'


def plot_trials(
    path: Path, records: Sequence[dict[str, Any]], limits: Mapping[str, float]
) -> None:
    """Draw the trials.

    Args:
        path: of the PNG file.
        records: of the trials.
        limits: velocity_limit [rad/s] and acceleration_limit [rad/s^2].
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in KINDS if any(record['kind'] == name for record in records)]
    figure = Figure(figsize=(13, 1.6 + 0.27 * len(names)), layout='constrained')
    FigureCanvasAgg(figure)
    times, hard, speed = figure.subplots(1, 3, sharey=True, width_ratios=(2, 1, 1))
    figure.suptitle(f'{len(records)} faults at random moments while the policy moved the arm')
    _dots(times, names, records, 'detection_s', BRAKED, 'braked')
    _dots(times, names, records, 'rest_s', RESTED, 'at rest')
    times.set_xlabel('time from the fault [s]')
    times.legend(loc='upper right')
    for axes, key, label in (
        (hard, 'acceleration', 'largest acceleration\nfrom fault to rest [rad/s²]'),
        (speed, 'velocity', 'largest velocity\nfrom fault to rest [rad/s]'),
    ):
        limit = limits[f'{key}_limit']
        _dots(axes, names, records, key, RESTED, '', WIDTH * limit)
        axes.axvline(limit, color=LIMIT, linewidth=1.5)
        axes.text(limit, -0.7, 'limit ', ha='right', color=LIMIT)
        axes.set_xlabel(label)
        axes.set_xlim(right=1.03 * WIDTH * limit)
    times.set_yticks(range(len(names)), [KINDS[name].text for name in names])
    times.set_ylim(len(names) - 0.5, -1.2)
    for axes in (times, hard, speed):
        axes.set_xlim(left=0.0)
        axes.grid(axis='x', color='#e4e7eb')
        axes.set_axisbelow(True)
        axes.spines[['top', 'right']].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=75)


def _dots(
    axes: Axes,
    names: Sequence[str],
    records: Sequence[dict[str, Any]],
    key: str,
    color: str,
    label: str,
    end: float = math.inf,
) -> None:
    shown = [record for record in records if record.get(key) is not None]
    for marker, is_beyond in (('o', False), ('>', True)):
        part = [record for record in shown if (record[key] > end) is is_beyond]
        axes.scatter(
            [min(record[key], end) for record in part],
            [names.index(r['kind']) + 0.5 * (r['number'] % 7 / 7.0 - 0.5) for r in part],
            s=22,
            marker=marker,
            color=[BROKEN if record['violations'] else color for record in part],
            label='' if is_beyond else label,
        )
