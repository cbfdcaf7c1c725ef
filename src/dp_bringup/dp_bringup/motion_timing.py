# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""When motion happened, and when it was meant: `python -m dp_bringup.motion_timing out/demo`.

A stepped evaluation has none of these: there every observation is new, and every action happens
in its step. Writes timing.json into the folder of the run:

- `command_shift_ms`: by how much later than its chunk meant it the controller commands a step;
- `servo_lag_ms`: by how much the measured joints follow their command;
- `observation_age_ms`: age of the newest observation when its chunk takes over.

Shifts are those that make the curves agree best, by least squares over all joints of an episode.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path
import sys
from typing import Any

from dp_bringup.chunk_log import ChunkRecord
from dp_bringup.chunk_log import load_chunks
from dp_bringup.episode_log import EpisodeLog
from dp_bringup.episode_log import goal_logs
from dp_core.errors import DatasetError
from dp_core.errors import DpError
from dp_core.evaluation.report import write_json
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Array = NDArray[np.float64]
SEARCHED_S = 0.25
# After a take-over the fade still bends the motion away from the plan [s].
FADE_S = 0.3


def best_shift_s(curve: Callable[[Array], Array], times_s: Array, values: Array) -> float:
    """Return the shift s for which curve(times + s) is nearest to the values [s].

    Args:
        curve: times (N,) [s] to values (N, J).
        times_s: (N,) [s].
        values: (N, J).
    """

    def distance(shift_s: float) -> float:
        return float(np.mean((curve(times_s + shift_s) - values) ** 2))

    coarse = np.linspace(-SEARCHED_S, SEARCHED_S, 51)
    start = coarse[int(np.argmin([distance(s) for s in coarse]))]
    bounds = (start - 0.01, start + 0.01)
    return float(minimize_scalar(distance, bounds=bounds, method='bounded').x)


def driven_steps(log: EpisodeLog, chunks: Sequence[ChunkRecord]) -> tuple[Array, Array]:
    """Return times (N,) since the reset [s] and plans (N, J) of the steps that were driven."""
    times, plans = [], []
    ends_ns = [chunk.sent_ns for chunk in chunks[1:]] + [chunks[-1].times_ns[-1]]
    for chunk, end_ns in zip(chunks, ends_ns):
        begin_ns = chunk.sent_ns + round(FADE_S * 1e9)
        inside = (chunk.times_ns > begin_ns) & (chunk.times_ns < end_ns)
        times += [log.seconds(stamp) for stamp in chunk.times_ns[inside].tolist()]
        plans.append(chunk.positions[inside])
    return np.array(times), np.concatenate(plans)


def episode_timing(log: EpisodeLog, chunks: Sequence[ChunkRecord]) -> dict[str, float]:
    """Return both shifts of an episode [ms].

    Raises:
        DatasetError: no step of any chunk was driven.
    """
    times_s, plans = driven_steps(log, chunks)
    if not len(times_s):
        raise DatasetError(f'seed {log.seed}: no chunk was in charge for longer than {FADE_S} s')
    goal = slice(log.index(log.begin_s), log.index(log.end_s) + 1)
    return {
        'command_shift_ms': 1e3 * best_shift_s(_curve(log, log.commanded), times_s, plans),
        'servo_lag_ms': 1e3
        * best_shift_s(_curve(log, log.measured), log.time_s[goal], log.commanded[goal]),
    }


def _curve(log: EpisodeLog, values: Array) -> Callable[[Array], Array]:
    def at(times_s: Array) -> Array:
        return np.stack([np.interp(times_s, log.time_s, column) for column in values.T], axis=1)

    return at


def run_timing(run: Path) -> dict[str, Any]:
    """Return the figures over all episodes of a run."""
    paths = list(goal_logs(run / 'episodes').values())
    if not paths:
        raise DatasetError(f'{run} holds no episode; give the output folder of dp_demo')
    chunks = [load_chunks(run / 'chunks.npz', episode) for episode in range(len(paths))]
    rows = [episode_timing(EpisodeLog.load(path), sent) for path, sent in zip(paths, chunks)]
    figures = {name: [row[name] for row in rows] for name in rows[0]}
    figures['observation_age_ms'] = [1e3 * c.observation_age_s for sent in chunks for c in sent]
    percents = {'p5': 5, 'p50': 50, 'p95': 95}
    return {
        'episodes': len(paths),
        'chunks': sum(map(len, chunks)),
        **{
            name: {p: round(float(np.percentile(values, q)), 2) for p, q in percents.items()}
            for name, values in figures.items()
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog='python -m dp_bringup.motion_timing',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('run', type=Path, help='output folder of dp_demo')
    options = parser.parse_args(arguments)
    try:
        figures = run_timing(options.run)
        write_json(options.run / 'timing.json', figures)
    except DpError as error:
        print(f'motion_timing: {error}', file=sys.stderr)
        return 1
    print(f'{options.run / "timing.json"}: {figures}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
