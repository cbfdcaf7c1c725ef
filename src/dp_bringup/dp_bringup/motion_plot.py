# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Draw how the chunks of a run became motion: `python -m dp_bringup.motion_plot out/demo`.

Above, what each chunk planned for one joint and what the controller commanded; in the middle, the
commanded velocity; below, when each chunk saw, thought and held.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
import sys
from typing import TYPE_CHECKING

from dp_bringup.chunk_log import ChunkRecord
from dp_bringup.chunk_log import load_chunks
from dp_bringup.episode_log import EpisodeLog
from dp_bringup.episode_log import goal_logs
from dp_core.errors import DatasetError
from dp_core.errors import DpError
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
CHUNK_COLORS = ('#2a78b5', '#d9822b', '#3f9a5d', '#8a5bb0')
COMMANDED, MEASURED, PAST = '#22303c', '#b0b8bf', '#c5c9cd'


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(
        prog='python -m dp_bringup.motion_plot',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add('run', type=Path, help='output folder of dp_demo')
    add('--episode', type=int, default=0, metavar='N', help='of the run; default: 0')
    add('--begin', type=float, default=4.0, metavar='S', help='since the goal began; default: 4')
    add('--seconds', type=float, default=2.6, metavar='S', help='shown; default: 2.6')
    add('--joint', help='name; default: the one that moves most')
    add('--output', type=Path, help='PNG file; default: motion.png in the folder of the run')
    return result


def load(run: Path, episode: int) -> tuple[EpisodeLog, list[ChunkRecord]]:
    """Read what the scene and the policy node said of one episode."""
    chunks = load_chunks(run / 'chunks.npz', episode)
    found = list(goal_logs(run / 'episodes').values())
    if episode >= len(found):
        raise DatasetError(f'{run / "episodes"} holds no goal of episode {episode}')
    return EpisodeLog.load(found[episode]), chunks


def busiest_joint(log: EpisodeLog, begin_s: float, end_s: float) -> str:
    """Return the joint whose command spans most between two times since the reset."""
    rows = slice(log.index(begin_s), log.index(end_s) + 1)
    return log.joint_names[int(np.argmax(np.ptp(log.commanded[rows], axis=0)))]


def plot_motion(
    path: Path,
    log: EpisodeLog,
    chunks: Sequence[ChunkRecord],
    joint: str,
    span: tuple[float, float],
) -> None:
    """Draw the page.

    Args:
        path: of the PNG file.
        log: the scene's view.
        chunks: the policy node's view.
        joint: drawn above.
        span: begin and end, since the goal began [s].
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    column = log.joint_names.index(joint)
    figure = Figure(figsize=(11, 8.5), layout='constrained', facecolor='white')
    FigureCanvasAgg(figure)
    position, velocity, timing = figure.subplots(
        3, 1, sharex=True, gridspec_kw={'height_ratios': (3, 1.4, 1.4)}
    )
    _draw_positions(position, log, chunks, column, span)
    _draw_velocity(velocity, log, column, span)
    _draw_timing(timing, log, chunks, span)
    for axes in (position, velocity, timing):
        for chunk in chunks:
            sent_s = log.seconds(chunk.sent_ns) - log.begin_s
            axes.axvline(sent_s, color=_color(chunk), lw=0.8, ls=':', zorder=0)
        axes.set_xlim(*span)
        axes.spines[['top', 'right']].set_visible(False)
    name = joint.replace('_joint', '').replace('_', ' ')
    position.set(ylabel=f'{name} [rad]', title='What each chunk planned, and what was commanded')
    velocity.set(ylabel='commanded [rad/s]')
    timing.set(xlabel='time since the goal began [s]', ylabel='chunk')
    figure.savefig(path, dpi=90)


def _draw_positions(
    axes: Axes,
    log: EpisodeLog,
    chunks: Sequence[ChunkRecord],
    column: int,
    span: tuple[float, float],
) -> None:
    time_s = log.time_s - log.begin_s
    inside = (time_s >= span[0]) & (time_s <= span[1])
    axes.plot(time_s[inside], log.measured[inside, column], color=MEASURED, lw=4, label='measured')
    axes.plot(
        time_s[inside], log.commanded[inside, column], color=COMMANDED, lw=1.3, label='commanded'
    )
    for chunk, replaced_s in zip(chunks, _replaced(log, chunks, span)):
        steps = _seconds(log, chunk.times_ns)
        plan, color = chunk.positions[:, column], _color(chunk)
        index = np.arange(len(steps))
        past, driven = index < chunk.cut_index, (index >= chunk.cut_index) & (steps < replaced_s)
        axes.plot(steps, plan, '-', color=color, lw=0.7, alpha=0.6)
        axes.plot(steps[past], plan[past], 'o', mfc='white', mec=color, ms=5)
        axes.plot(steps[driven], plan[driven], 'o', color=color, ms=5)
        axes.plot(steps[steps >= replaced_s], plan[steps >= replaced_s], '.', color=color, ms=4)
    values = log.commanded[inside, column]
    margin = 0.15 * max(float(np.ptp(values)), 0.02)
    axes.set_ylim(values.min() - margin, values.max() + margin)
    axes.plot([], [], 'o', mfc='white', mec='#555555', ms=5, label='planned, past when ready: cut')
    axes.plot([], [], 'o', color='#555555', ms=5, label='planned and driven')
    axes.plot([], [], '.', color='#555555', ms=4, label='planned, sent, replaced by the next')
    axes.legend(loc='best', fontsize=9, frameon=False)


def _draw_velocity(axes: Axes, log: EpisodeLog, column: int, span: tuple[float, float]) -> None:
    time_s = log.time_s - log.begin_s
    inside = (time_s >= span[0]) & (time_s <= span[1])
    speed = np.gradient(log.commanded[:, column], log.time_s)
    axes.plot(time_s[inside], speed[inside], color=COMMANDED, lw=1.3)


def _draw_timing(
    axes: Axes, log: EpisodeLog, chunks: Sequence[ChunkRecord], span: tuple[float, float]
) -> None:
    """Draw a bar per chunk: from its observation to its take-over, and while it held."""
    shown = []
    for chunk, end_s in zip(chunks, _replaced(log, chunks, span)):
        sent_s = log.seconds(chunk.sent_ns) - log.begin_s
        seen_s = sent_s - chunk.observation_age_s
        if seen_s > span[1] or end_s < span[0]:
            continue
        shown.append(chunk.number)
        axes.barh(chunk.number, sent_s - seen_s, left=seen_s, height=0.35, color=PAST)
        axes.barh(chunk.number, end_s - sent_s, left=sent_s, height=0.7, color=_color(chunk))
        axes.plot(seen_s, chunk.number, '|', color='black', ms=12, mew=1.5)
        words = f'inference {1e3 * chunk.inference_s:.0f} ms'
        if sent_s > span[0]:
            axes.text(
                sent_s + 0.02,
                chunk.number,
                words,
                va='center',
                fontsize=8,
                color='white',
                clip_on=True,
            )
    axes.set_yticks(shown)
    axes.invert_yaxis()
    axes.plot([], [], '|', color='black', ms=12, mew=1.5, label='newest observation, t_obs')
    axes.plot([], [], color=PAST, lw=5, label='thinking; the chunk before is in charge')
    axes.legend(loc='lower left', fontsize=9, frameon=False)


def _replaced(
    log: EpisodeLog, chunks: Sequence[ChunkRecord], span: tuple[float, float]
) -> list[float]:
    """Return when each chunk was replaced by the next, since the goal began [s]."""
    return [log.seconds(c.sent_ns) - log.begin_s for c in chunks[1:]] + [span[1]]


def _seconds(log: EpisodeLog, stamps_ns: NDArray[np.int64]) -> Array:
    return np.array([log.seconds(stamp) for stamp in stamps_ns.tolist()]) - log.begin_s


def _color(chunk: ChunkRecord) -> str:
    return CHUNK_COLORS[chunk.number % len(CHUNK_COLORS)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = parser().parse_args(arguments)
    try:
        log, chunks = load(options.run, options.episode)
        begin_s, end_s = options.begin, options.begin + options.seconds
        joint = options.joint or busiest_joint(log, log.begin_s + begin_s, log.begin_s + end_s)
        if joint not in log.joint_names:
            raise DatasetError(f'joint is {joint!r}, valid: {list(log.joint_names)}')
        path = options.output or options.run / 'motion.png'
        plot_motion(path, log, chunks, joint, (begin_s, end_s))
    except DpError as error:
        print(f'motion_plot: {error}', file=sys.stderr)
        return 1
    print(f'written: {path}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
