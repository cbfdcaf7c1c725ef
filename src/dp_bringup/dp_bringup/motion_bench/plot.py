# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Draw one seam of every strategy: what was commanded, and how fast.

`python -m dp_bringup.motion_bench.plot` drives one short episode with each and takes the seam
whose velocity change is the 95th percentile of that episode.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import sys
from typing import Any

from dp_bringup.motion_bench.episodes import drive_episode
from dp_bringup.motion_bench.recording import Recording
from dp_bringup.motion_bench.strategies import OURS
from dp_bringup.motion_bench.strategies import STRATEGIES
from dp_bringup.motion_bench.world import Timing
from dp_bringup.real_controller.trace import Trace
from dp_bringup.real_controller.trace import velocity_steps
from dp_bringup.share import policy_folder
from dp_core.checkpoint import load_policy
from dp_core.chunk import ActionChunk
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
AROUND_S = 0.5
COLUMNS = 5
OLD, NEW, COMMAND = '#b58a5a', '#2a78b5', '#22303c'


@dataclass(frozen=True)
class Seam:
    """One take-over in a trace.

    Attributes:
        trace: of the whole episode.
        stamp_ns: of the take-over [ns].
        joint: that changes its velocity most.
        change: by which it does, over 20 ms [rad/s].
        old, new: the chunks before and after.
    """

    trace: Trace
    stamp_ns: int
    joint: int
    change: float
    old: ActionChunk
    new: ActionChunk


def typical_bad_seam(recording: Recording) -> Seam:
    """Return the seam whose velocity change is nearest to the 95th percentile."""
    trace, taken = recording.trace(), recording.take_overs
    changes = velocity_steps(trace, [t.stamp_ns for t in taken[1:]])
    index = 1 + int(np.argmin(np.abs(changes - np.percentile(changes, 95))))
    tick, around = taken[index].tick, 5
    ends = trace.velocities[[tick - around, min(tick + around, len(trace.stamps_ns) - 1)]]
    return Seam(
        trace,
        taken[index].stamp_ns,
        int(np.argmax(np.abs(ends[1] - ends[0]))),
        float(changes[index - 1]),
        taken[index - 1].chunk,
        taken[index].chunk,
    )


def plot_seams(path: Path, seams: dict[str, Seam], ours: Sequence[str]) -> None:
    """Draw a pair of axes, position above velocity, for each strategy."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    bands = -(-len(seams) // COLUMNS)
    figure = Figure(figsize=(3.0 * COLUMNS, 3.6 * bands), layout='constrained', facecolor='white')
    FigureCanvasAgg(figure)
    grid = figure.subplots(
        2 * bands, COLUMNS, squeeze=False, gridspec_kw={'height_ratios': [3, 2] * bands}
    )
    for axes in grid.ravel():
        axes.set_visible(False)
    for i, (name, seam) in enumerate(seams.items()):
        band, column = divmod(i, COLUMNS)
        _draw(grid[2 * band, column], grid[2 * band + 1, column], seam)
        grid[2 * band, column].set_title(
            f'{name}: {seam.change:.2f} rad/s', fontweight='bold' if name in ours else 'normal'
        )
    grid[0, 0].set_ylabel('joint from the seam [rad]')
    grid[1, 0].set_ylabel('commanded [rad/s]')
    figure.savefig(path, dpi=75)


def _draw(position: Any, velocity: Any, seam: Seam) -> None:
    trace = seam.trace
    time_s = (trace.stamps_ns - seam.stamp_ns) * 1e-9
    inside = np.abs(time_s) <= AROUND_S
    at_seam = trace.positions[np.searchsorted(time_s, 0.0), seam.joint]
    old, new = (seam.old, OLD, -AROUND_S, 0.2), (seam.new, NEW, -0.1, AROUND_S)
    for chunk, color, begin_s, end_s in (old, new):
        steps_s = (chunk.times_ns() - seam.stamp_ns) * 1e-9
        shown = (steps_s >= begin_s) & (steps_s <= end_s)
        plan = chunk.positions[shown, seam.joint] - at_seam
        position.plot(steps_s[shown], plan, 'o', color=color, ms=4)
    position.plot(time_s[inside], trace.positions[inside, seam.joint] - at_seam, color=COMMAND)
    velocity.plot(time_s[inside], trace.velocities[inside, seam.joint], color=COMMAND)
    for axes, half in ((position, 0.15), (velocity, 1.5)):
        axes.set_visible(True)
        axes.axvline(0.0, color='#888888', lw=0.8, ls=':')
        axes.set(xlim=(-AROUND_S, AROUND_S), ylim=(-half, half))
        axes.spines[['top', 'right']].set_visible(False)
        axes.tick_params(labelsize=7)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog='python -m dp_bringup.motion_bench.plot', description=__doc__
    )
    parser.add_argument('--seed', type=int, default=500_000, help='default: 500000')
    parser.add_argument('--delay', type=float, default=0.3, metavar='S', help='default: 0.3')
    parser.add_argument('--seconds', type=float, default=15.0, help='of the episode; default: 15')
    parser.add_argument('--output', type=Path, default=Path('out/bench/seams.png'))
    options = parser.parse_args(arguments)
    policy = load_policy(policy_folder('state'))
    timing = Timing(delay_s=options.delay, limit_s=options.seconds)
    seams = {
        name: typical_bad_seam(drive_episode(policy, name, options.seed, timing))
        for name in STRATEGIES
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    plot_seams(options.output, seams, list(OURS))
    sys.stdout.write(f'written: {options.output}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
