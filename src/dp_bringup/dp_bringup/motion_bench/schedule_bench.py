# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Try random schedules on the planner and count what must not happen: schedules.json."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
import dataclasses
from pathlib import Path
import shlex
import sys
import time
from typing import Any

from dp_bringup.motion_bench.schedule import draw_schedule
from dp_bringup.motion_bench.schedule import Schedule
from dp_bringup.motion_bench.schedule_checks import examine
from dp_bringup.motion_bench.schedule_checks import KINDS
from dp_bringup.motion_bench.schedule_run import carry_out
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json
import numpy as np

KEPT = 20  # schedules with violations that are written out


def try_schedules(count: int, first_seed: int = 0) -> dict[str, Any]:
    """Carry out `count` schedules and return what was found."""
    violations: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    steps: list[float] = []
    changes: list[float] = []
    broken: list[dict[str, Any]] = []
    for seed in range(first_seed, first_seed + count):
        schedule = draw_schedule(seed)
        outcome = carry_out(schedule)
        findings = examine(outcome)
        violations += findings.violations
        totals += _totals(schedule)
        totals['messages'] += len(outcome.sent)
        totals['brakes'] += sum(sent.is_brake for sent in outcome.sent)
        totals['expired_chunks'] += outcome.expired
        totals['ended_with_a_fault'] += len(outcome.faults)
        steps += findings.position_steps
        changes += findings.velocity_changes
        if findings.violations and len(broken) < KEPT:
            kinds = dict(findings.violations)
            broken.append({'violations': kinds, **dataclasses.asdict(schedule)})
    share = dict(zip(('p50', 'p95', 'p99', 'max'), np.percentile(changes, [50, 95, 99, 100])))
    return {
        'schedules': count,
        'seeds': [first_seed, first_seed + count],
        'totals': dict(totals),
        'violations': {kind: violations[kind] for kind in KINDS},
        'words': KINDS,
        'reference_step_max_mrad': 1e3 * max(steps),
        'velocity_change_as_part_of_limit': {k: float(v) for k, v in share.items()},
        'schedules_with_violations': broken,
    }


def _totals(schedule: Schedule) -> Counter[str]:
    """Count the troubles of a schedule."""
    names = ('jitter_s', 'drop', 'reorder', 'leap', 'clock_step_s')
    return Counter({f'with_{name}': 1 for name in names if getattr(schedule, name)})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 1 when something happened that must not."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog='python -m dp_bringup.motion_bench.schedule_bench', description=__doc__
    )
    parser.add_argument('--schedules', type=int, default=10_000, help='default: 10000')
    parser.add_argument('--first-seed', type=int, default=0, help='default: 0')
    parser.add_argument('--output', type=Path, default=Path('out/bench/schedules.json'))
    options = parser.parse_args(words)
    command = shlex.join(['python', '-m', 'dp_bringup.motion_bench.schedule_bench', *words])
    begin_s = time.monotonic()
    found = try_schedules(options.schedules, options.first_seed)
    lasted_s = round(time.monotonic() - begin_s, 1)
    write_json(
        options.output, {'command': command, 'machine': machine(), 'lasted_s': lasted_s, **found}
    )
    total = sum(found['violations'].values())
    sys.stdout.write(f'{options.output}: {total} violations in {options.schedules} schedules\n')
    return int(total > 0)


if __name__ == '__main__':
    sys.exit(main())
