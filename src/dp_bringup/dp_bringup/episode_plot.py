# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""episode.png: one episode on a page: film strip, coverage, and the joints with their chunks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dp_bringup.demo_client import EpisodeRecord
from dp_bringup.episode_log import EpisodeLog
from dp_bringup.film import around_the_table
from dp_bringup.rescore import outline
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
PICTURES = 6
CLOSE_UP_S = 4.0
MIN_SPAN_RAD = 0.02  # of an axis of joint positions, so that a resting joint looks at rest
COMMANDED, MEASURED, SEAM, PLANNED = '#1f5fa8', '#e07b39', '#c3cad2', '#7fa6d1'
TARGET, BLOCK = '#4a9d6b', '#d95f2b'


def plot_episode(
    path: Path,
    log: EpisodeLog,
    record: EpisodeRecord,
    pictures: Sequence[tuple[float, NDArray[np.uint8]]],
    plan: tuple[Array, Array],
) -> None:
    """Draw the page.

    Args:
        path: of the PNG file.
        log: the scene's view.
        record: the policy node's view.
        pictures: times [s] and images of the film strip.
        plan: goal pose (3,) and outline of the T (8, 2), for a strip drawn from above where
            there are no images.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 13.5), layout='constrained', facecolor='white')
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(hspace=0.03, wspace=0.02)
    figure.suptitle(
        f'UR5e Push-T, seed {log.seed}: {record.outcome.lower()} after '
        f'{log.end_s - log.begin_s:.1f} s, best coverage {record.max_coverage:.0%}, '
        f'{len(record.chunks)} chunks, {record.scene.late_ticks} late ticks',
        fontsize=15,
        fontweight='bold',
    )
    strip, rest = figure.subfigures(2, 1, height_ratios=(1.05, 4))
    _draw_strip(strip, log, pictures, plan)
    grid = rest.add_gridspec(5, 2, height_ratios=(1.0, 1.15, 1.15, 1.15, 1.7))
    seams = np.array([log.seconds(c.sent_ns) for c in record.chunks]) - log.begin_s
    _draw_coverage(rest.add_subplot(grid[0, :]), log, seams)
    for joint, name in enumerate(log.joint_names):
        axes = rest.add_subplot(grid[1 + joint // 2, joint % 2])
        _draw_joint(axes, log, joint, name, seams)
    _draw_close_up(rest.add_subplot(grid[4, 0]), log, record, seams)
    _draw_error(rest.add_subplot(grid[4, 1]), log, seams)
    rest.align_ylabels()
    figure.savefig(path, dpi=90)


def _draw_strip(
    figure: Figure,
    log: EpisodeLog,
    pictures: Sequence[tuple[float, NDArray[np.uint8]]],
    plan: tuple[Array, Array],
) -> None:
    times = [t for t, _ in pictures] or list(np.linspace(log.begin_s, log.end_s, PICTURES))
    for column, (axes, time_s) in enumerate(zip(figure.subplots(1, len(times)), times)):
        coverage = float(np.interp(time_s, log.coverage_time_s, log.coverage))
        axes.set_title(f'{time_s - log.begin_s:.1f} s    coverage {coverage:.0%}', fontsize=10.5)
        axes.set_xticks([])
        axes.set_yticks([])
        if pictures:
            axes.imshow(around_the_table(pictures[column][1]), interpolation='lanczos')
        else:
            _draw_from_above(axes, log, time_s, plan)


def _draw_from_above(
    axes: Axes, log: EpisodeLog, time_s: float, plan: tuple[Array, Array]
) -> None:
    goal_pose, corners = plan
    row = log.index(time_s)
    axes.fill(*outline(goal_pose, corners).exterior.xy, color=TARGET, alpha=0.45, lw=0)
    axes.fill(*outline(log.block_pose[row], corners).exterior.xy, color=BLOCK, alpha=0.85, lw=0)
    axes.plot(*log.tool_position[row, :2], 'o', ms=7, color='black')
    axes.set(xlim=(-0.36, 0.36), ylim=(-0.36, 0.36), aspect='equal', facecolor='#f1eee8')


def _draw_coverage(axes: Axes, log: EpisodeLog, seams: Array) -> None:
    time_s = log.coverage_time_s - log.begin_s
    axes.fill_between(time_s, 0.0, log.coverage, color=TARGET, alpha=0.25, lw=0)
    axes.plot(time_s, log.coverage, color=TARGET, lw=1.8)
    axes.axhline(0.95, color='black', lw=0.8, ls='--')
    axes.text(0.004, 0.95, ' solved: 95 %', va='top', fontsize=9, transform=_wide(axes))
    axes.set(ylim=(0.0, 1.02), ylabel='coverage')
    _dress(axes, log, seams)


def _draw_joint(axes: Axes, log: EpisodeLog, joint: int, name: str, seams: Array) -> None:
    time_s = log.time_s - log.begin_s
    axes.plot(time_s, log.commanded[:, joint], color=COMMANDED, lw=2.6, alpha=0.55)
    axes.plot(time_s, log.measured[:, joint], color=MEASURED, lw=1.0)
    axes.set_ylabel('[rad]')
    _dress(axes, log, seams)
    low, high = axes.get_ylim()
    room = max(0.0, MIN_SPAN_RAD - (high - low)) / 2
    axes.set_ylim(low - room, high + room)
    axes.set_title(name.replace('_joint', '').replace('_', ' '), fontsize=10.5, loc='left')
    if joint == 0:
        _legend(
            axes,
            (COMMANDED, 2.6, 'commanded'),
            (MEASURED, 1.0, 'measured'),
            (SEAM, 0.9, 'a chunk takes over'),
        )


def _draw_close_up(axes: Axes, log: EpisodeLog, record: EpisodeRecord, seams: Array) -> None:
    joint = int(np.argmax(np.ptp(_during_goal(log, log.commanded), axis=0)))
    middle = (log.end_s - log.begin_s) / 2
    begin, end = middle - CLOSE_UP_S / 2, middle + CLOSE_UP_S / 2
    inside = (log.time_s - log.begin_s >= begin) & (log.time_s - log.begin_s <= end)
    for chunk in record.chunks:
        steps = np.array([log.seconds(t) for t in chunk.times_ns.tolist()]) - log.begin_s
        near = (steps >= begin - 0.3) & (steps <= end + 0.3)
        if near.any() and chunk.positions.shape[1] == len(log.joint_names):
            axes.plot(steps, chunk.positions[:, joint], '.-', color=PLANNED, lw=0.9, ms=3.5)
    time_s = log.time_s[inside] - log.begin_s
    axes.plot(time_s, log.commanded[inside, joint], color=COMMANDED, lw=2.6, alpha=0.8)
    axes.plot(time_s, log.measured[inside, joint], color=MEASURED, lw=1.0)
    _dress(axes, log, seams)
    axes.set(xlim=(begin, end), xlabel='time since the goal began [s]', ylabel='[rad]')
    values = log.commanded[inside, joint]
    if len(values):
        margin = 0.25 * max(float(np.ptp(values)), 0.02)
        axes.set_ylim(values.min() - margin, values.max() + margin)
    name = log.joint_names[joint].replace('_joint', '').replace('_', ' ')
    axes.set_title(f'{name}, close up: each chunk as it was predicted', fontsize=10.5, loc='left')
    _legend(axes, (PLANNED, 0.9, 'predicted'))


def _draw_error(axes: Axes, log: EpisodeLog, seams: Array) -> None:
    error = 1e3 * np.abs(log.measured - log.commanded)
    axes.plot(log.time_s - log.begin_s, error.max(axis=1), color=MEASURED, lw=0.9)
    _dress(axes, log, seams)
    top = float(np.percentile(_during_goal(log, error).max(axis=1), 99.9)) * 1.3
    axes.set(ylim=(0.0, max(top, 1.0)), xlabel='time since the goal began [s]', ylabel='[mrad]')
    title = 'largest distance of a joint from its command'
    axes.set_title(title, fontsize=10.5, loc='left')


def _during_goal(log: EpisodeLog, values: Array) -> Array:
    return values[log.index(log.begin_s) : log.index(log.end_s) + 1]


def _dress(axes: Axes, log: EpisodeLog, seams: Array) -> None:
    for time_s in seams:
        axes.axvline(time_s, color=SEAM, lw=0.6, zorder=0)
    axes.set_xlim(0.0, log.end_s - log.begin_s)
    axes.spines[['top', 'right']].set_visible(False)
    axes.tick_params(labelsize=9)
    axes.ticklabel_format(axis='y', useOffset=False)


def _legend(axes: Axes, *entries: tuple[str, float, str]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=color, lw=max(width, 1.2)) for color, width, _ in entries]
    axes.legend(
        handles,
        [text for _, _, text in entries],
        loc='lower right',
        bbox_to_anchor=(1.0, 0.98),
        ncols=len(entries),
        fontsize=9,
        frameon=False,
        borderpad=0.1,
    )


def _wide(axes: Axes) -> object:
    """Return a transform with x in the width of the axes and y in data."""
    return axes.get_yaxis_transform()
