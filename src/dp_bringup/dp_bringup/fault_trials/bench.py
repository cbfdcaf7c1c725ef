# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Bring faults about at random moments while a policy moves the arm, and write what happened.

Every trial is appended to a .jsonl file beside the output; called again, the command goes on
where it ended. The motion of a trial that broke a limit is kept in the folder of the logs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
import json
from pathlib import Path
import sys
import time
from typing import Any

from dp_bringup.fault_trials.operator import PARAMETERS
from dp_bringup.fault_trials.plan import plan_trials
from dp_bringup.fault_trials.plan import TrialPlan
from dp_bringup.fault_trials.record import TrialError
from dp_bringup.fault_trials.report import write_report
from dp_bringup.fault_trials.run import EarlyEndError
from dp_bringup.fault_trials.run import Trial
from dp_bringup.fault_trials.stack import robot_limits
from dp_bringup.fault_trials.stack import TrialStack
from dp_bringup.run_local import Interrupt
from dp_core.errors import ConfigError
from dp_core.errors import DpError
import numpy as np

ATTEMPTS = 4  # a policy may solve a scene before the fault comes


def read_records(path: Path, plans: Sequence[TrialPlan]) -> list[dict[str, Any]]:
    """Return the trials that were carried out before.

    Raises:
        ConfigError: they are of another series.
    """
    if not path.is_file():
        return []
    lines = path.read_text(encoding='utf-8').splitlines()
    records = [json.loads(line) for line in lines]
    for record in records:
        number = record['number']
        if number >= len(plans) or plans[number].kind != record['kind']:
            raise ConfigError(
                f'{path} holds trials of another series; choose another --output or remove it'
            )
    return records


@contextmanager
def _stacks(logs: Path) -> Iterator[Any]:
    """Yield a function that returns the running stack of a name; one runs at a time."""
    running: list[TrialStack] = []

    def stack(name: str) -> TrialStack:
        if running and running[0].name != name:
            close()
        if not running:
            running.append(TrialStack(name, logs, **PARAMETERS))
        return running[0]

    def close() -> None:
        while running:
            running.pop().__exit__(None, None, None)

    stack.close = close  # type: ignore[attr-defined]
    try:
        yield stack
    finally:
        close()


def _carry_out(stack: TrialStack, plan: TrialPlan, logs: Path) -> dict[str, Any]:
    seed = plan.scene_seed
    for attempt in range(1, ATTEMPTS + 1):
        trial = Trial(stack, plan)
        try:
            record = {**trial.run(seed), 'attempts': attempt}
        except EarlyEndError:
            seed += 1
            continue
        if record['violations']:  # the motion itself, to find out why
            np.savez_compressed(logs / f'motion_{plan.number}.npz', **vars(trial.track))
        return record
    raise TrialError(f'{ATTEMPTS} goals ended before the fault came')


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the series, or as much of it as the time allows; returns 1 for a bad or late trial."""
    parser = argparse.ArgumentParser(
        prog='python -m dp_bringup.fault_trials.bench', description=__doc__
    )
    parser.add_argument('--trials', type=int, default=200, help='default: 200')
    parser.add_argument('--seed', type=int, default=0, help='of order, starts, moments; default 0')
    parser.add_argument('--only', nargs='+', default=(), metavar='FAULT', help='these, each often')
    parser.add_argument('--output', type=Path, default=Path('out/bench/faults.json'))
    parser.add_argument('--limit-s', type=float, default=0.0, help='start no trial after this')
    options = parser.parse_args(arguments)
    try:
        plans = plan_trials(options.trials, options.seed, tuple(options.only))
        records = read_records(options.output.with_suffix('.jsonl'), plans)
        _run(options, plans, records)
    except DpError as error:
        print(f'fault_trials: {error}', file=sys.stderr)
        return 1
    if not records:
        return 0
    command = ' '.join(['dp_bringup.fault_trials.bench', *sys.argv[1:]])
    print(write_report(options.output, records, len(plans), command, robot_limits()))
    failures = missed(records)
    print(f'missed: {"; ".join(failures) or "nothing"}')
    return int(bool(failures))


def missed(records: Sequence[dict[str, Any]]) -> list[str]:
    """Return in words what was not as it should be: number and fault of such trials."""
    kinds = {
        'unexpected': [r for r in records if not r['as_expected']],
        'beyond a limit': [r for r in records if r.get('violations')],
        'late': [r for r in records if r.get('late')],
    }
    return [
        f'{word}: ' + ', '.join(f'{r["number"] + 1} {r["kind"]}' for r in found)
        for word, found in kinds.items()
        if found
    ]


def _run(
    options: argparse.Namespace, plans: Sequence[TrialPlan], records: list[dict[str, Any]]
) -> None:
    output = options.output.with_suffix('.jsonl')
    output.parent.mkdir(parents=True, exist_ok=True)
    done = {record['number'] for record in records}
    begin_s = time.monotonic()
    logs = options.output.with_suffix('.logs')
    logs.mkdir(exist_ok=True)
    with Interrupt() as interrupt, _stacks(logs) as stack:
        for plan in plans:
            if plan.number in done:
                continue
            over = options.limit_s and time.monotonic() - begin_s > options.limit_s
            if interrupt or over:
                break
            try:
                record = _carry_out(stack(plan.stack), plan, logs)
            except TrialError as error:
                stack.close()
                record = failed(plan, str(error))
            records.append(record)
            with output.open('a', encoding='utf-8') as file:
                file.write(json.dumps(record) + '\n')
            print(line(record, len(plans)), flush=True)


def failed(plan: TrialPlan, reason: str) -> dict[str, Any]:
    """Return the record of a trial that could not be carried out."""
    return {
        'number': plan.number,
        'stack': plan.stack,
        'kind': plan.kind,
        'outcome': 'NOT_DONE',
        'reason': reason,
        'as_expected': False,
        'violations': [],
    }


def line(record: dict[str, Any], total: int) -> str:
    """Say in one line how a trial went."""
    word = 'as expected' if record['as_expected'] else f'UNEXPECTED ({record["reason"]})'
    broken = ', '.join([*record['violations'], *(f'late {x}' for x in record.get('late', ()))])
    return (
        f'{record["number"] + 1:3d}/{total} {record["kind"]:<22} {record["outcome"]:<20} '
        f'brake after {_seconds(record.get("detection_s"))}, rest after '
        f'{_seconds(record.get("rest_s"))}, {word}' + (f'; {broken}' if broken else '')
    )


def _seconds(value: float | None) -> str:
    return '-' if value is None else f'{value:.3f} s'


if __name__ == '__main__':
    sys.exit(main())
