# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Compare how strategies join chunks, on a simulated clock: `make bench-motion`.

The shipped policy pushes the T in the stepped scene, once for each strategy, delay and seed, with
the same starts, noise and times of predictions and messages. Every episode is a line of a .jsonl
beside the output; called again, the command does what is missing. The result of schedule_bench,
where it lies beside the output, becomes a part of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import dataclasses
import hashlib
import json
from pathlib import Path
import shlex
import sys
import time
from typing import Any

from dp_bringup.motion_bench.episodes import drive_episodes
from dp_bringup.motion_bench.figures import episode_figures
from dp_bringup.motion_bench.report import Row
from dp_bringup.motion_bench.report import scores_only
from dp_bringup.motion_bench.report import strategy_figures
from dp_bringup.motion_bench.report import verdicts
from dp_bringup.motion_bench.report import WORDS
from dp_bringup.motion_bench.strategies import OURS
from dp_bringup.motion_bench.strategies import REFERENCES
from dp_bringup.motion_bench.strategies import STRATEGIES
from dp_bringup.motion_bench.table import markdown
from dp_bringup.motion_bench.world import Timing
from dp_bringup.share import policy_folder
from dp_core.checkpoint import load_policy
from dp_core.checkpoint import WEIGHTS_FILE
from dp_core.errors import DpError
from dp_core.evaluation.cli import parse_seeds
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json
from dp_core.policy import Policy
from dp_core.trajectory import TrajectorySettings


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(
        prog='python -m dp_bringup.motion_bench.bench',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add('--seeds', default='500000:500050', help='first:end or a,b,c; default 500000:500050')
    add('--delays', type=float, nargs='+', default=[0.0, 0.1, 0.3], metavar='S')
    names = list(STRATEGIES)
    add('--strategies', nargs='+', choices=names, default=names, metavar='NAME', help=f'{names}')
    add('--again', nargs='+', choices=names, default=[], metavar='NAME', help='forget their rows')
    add('--policy', default='state', help='shipped policy or checkpoint folder; default: state')
    add('--limit-s', type=float, default=60.0, help='longest episode, simulated; default: 60')
    add('--output', type=Path, default=Path('out/bench/motion.json'))
    add('--delay-output', type=Path, default=Path('out/eval/delay.json'))
    return result


class Rows:
    """The lines of finished episodes."""

    def __init__(self, path: Path, again: Sequence[str]) -> None:
        """Read them, and forget those of the strategies `again`."""
        self._path = path
        lines = path.read_text(encoding='utf-8').splitlines() if path.is_file() else []
        self._rows = [json.loads(line) for line in lines]
        if again:
            self._rows = [row for row in self._rows if row['strategy'] not in again]
            self._write('w', self._rows)

    def of(self, circumstances: Row, seeds: Sequence[int]) -> list[Row]:
        """Return the rows under these circumstances, by seed."""
        found = {
            row['seed']: row
            for row in self._rows
            if all(row.get(key) == value for key, value in circumstances.items())
        }
        return [found[seed] for seed in seeds if seed in found]

    def add(self, rows: Sequence[Row]) -> None:
        """Keep more rows."""
        self._rows += rows
        self._write('a', rows)

    def _write(self, mode: str, rows: Sequence[Row]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open(mode, encoding='utf-8') as file:
            file.writelines(json.dumps(row) + '\n' for row in rows)


def circumstances_of(timing: Timing, weights_sha256: str) -> Row:
    """Return what rows that may be compared have in common."""
    return {**dataclasses.asdict(timing), 'weights': weights_sha256[:12]}


def drive_missing(
    policy: Policy, rows: Rows, circumstances: Row, seeds: Sequence[int], timing: Timing
) -> None:
    """Drive the episodes that have no row yet."""
    done = {row['seed'] for row in rows.of(circumstances, seeds)}
    missing = [seed for seed in seeds if seed not in done]
    if not missing:
        return
    begin_s = time.monotonic()
    recordings = drive_episodes(policy, circumstances['strategy'], missing, timing)
    fresh = [
        {**circumstances, 'seed': recording.seed, **episode_figures(recording)}
        for recording in recordings
    ]
    rows.add(fresh)
    score = sum(row['score'] for row in fresh) / len(fresh)
    print(
        f'{circumstances["strategy"]:<15} delay {timing.delay_s:.1f} s: {len(fresh)} episodes in '
        f'{time.monotonic() - begin_s:.0f} s, score {score:.3f}',
        flush=True,
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Drive what is missing and return the report."""
    folder = policy_folder(options.policy)
    policy = load_policy(folder)
    sha256 = hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
    seeds = parse_seeds(options.seeds)
    rows = Rows(options.output.with_suffix('.jsonl'), options.again)
    tables: dict[str, dict[str, Any]] = {}
    for delay_s in options.delays:
        timing = Timing(delay_s=delay_s, limit_s=options.limit_s)
        key = f'{1e3 * delay_s:.0f} ms'
        tables[key] = {}
        for strategy in options.strategies:
            circumstances = {'strategy': strategy, **circumstances_of(timing, sha256)}
            drive_missing(policy, rows, circumstances, seeds, timing)
            tables[key][strategy] = strategy_figures(rows.of(circumstances, seeds))
    ours = [name for name in options.strategies if name in OURS]
    others = [name for name in options.strategies if name in REFERENCES]
    return {
        'policy': folder.name,
        'weights_sha256': sha256,
        'timing': dataclasses.asdict(Timing(limit_s=options.limit_s)),
        'controller': 'stand-in of joint_trajectory_controller 5.17, 500 Hz',
        'seeds': seeds,
        'ours': ours,
        'words': WORDS,
        'delays': tables,
        'verdicts': {key: verdicts(table, ours, others) for key, table in tables.items()},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(words)
    command = shlex.join(['python', '-m', 'dp_bringup.motion_bench.bench', *words])
    try:
        report = {'command': command, 'machine': machine(), **run(options)}
        schedules = options.output.with_name('schedules.json')
        if schedules.is_file():
            report['schedules'] = json.loads(schedules.read_text(encoding='utf-8'))
        write_json(options.output, report)
        page = markdown(report, TrajectorySettings().seam)
        options.output.with_suffix('.md').write_text(page, encoding='utf-8')
        shared = ('command', 'machine', 'policy', 'weights_sha256', 'timing', 'seeds')
        modes = scores_only(report['delays'], report['ours'])
        write_json(options.delay_output, {**{k: report[k] for k in shared}, 'modes': modes})
    except DpError as error:
        print(f'motion_bench: {error}', file=sys.stderr)
        return 1
    print(f'written: {options.output}, {options.delay_output}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
