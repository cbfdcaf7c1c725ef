# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Cancel, stop and faults while the policy's predictions hold the interpreter, timed from outside.

A hold is 'loop:<s>', Python that computes, or 'call:<s>', a call into C that keeps the GIL; each
prediction ends with one, and the request is sent within it. Every trial is appended to a .jsonl
file beside the output; called again, the command goes on where it ended.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import json
from pathlib import Path
import random
import sys
import time
from typing import Any

from dp_bringup.fault_trials.bench import missed
from dp_bringup.fault_trials.bench import read_records
from dp_bringup.fault_trials.holding import Hold
from dp_bringup.fault_trials.holding import HoldFile
from dp_bringup.fault_trials.operator import PARAMETERS
from dp_bringup.fault_trials.plan import KINDS
from dp_bringup.fault_trials.plan import SCENE_SEEDS
from dp_bringup.fault_trials.record import TrialError
from dp_bringup.fault_trials.run import EarlyEndError
from dp_bringup.fault_trials.stack import TrialStack
from dp_bringup.fault_trials.stop_plan import plan_stops
from dp_bringup.fault_trials.stop_plan import REQUESTS
from dp_bringup.fault_trials.stop_plan import StopPlan
from dp_bringup.fault_trials.stop_report import ANSWER_TARGET_S
from dp_bringup.fault_trials.stop_report import BRAKE_TARGET_S
from dp_bringup.fault_trials.stop_report import summarize
from dp_bringup.fault_trials.stop_report import write_report
from dp_bringup.fault_trials.stop_trial import StopTrial
from dp_bringup.fault_trials.stop_trial import tool
from dp_bringup.run_local import Interrupt
from dp_core.errors import ConfigError
from dp_core.errors import DpError
import numpy as np

HOLDS = ('', 'loop:0.1', 'call:0.03', 'call:0.1', 'call:0.3')
SCENE_EACH = 8  # trials in one scene: the policy shall have something to do
ATTEMPTS = 6
# The observer shall not wait for its own threads [s].
SWITCH_INTERVAL_S = 0.0005


def parse_hold(text: str) -> Hold:
    """Read a hold of the command line."""
    kind, _, seconds = text.partition(':')
    try:
        return Hold(kind, float(seconds or 0.0))
    except ValueError as error:
        raise ConfigError(f"hold is {text!r}, valid: '', 'loop:<s>', 'call:<s>'") from error


class Series:
    """Carries the trials out on one stack, whose policy node begins anew with each hold."""

    def __init__(self, folder: Path, seed: int, *, in_node: bool) -> None:
        """Prepare the stack, with the policy in the node's process or not; nothing runs yet."""
        self._in_node = in_node
        self._folder = folder
        self._file = HoldFile(folder / 'hold')
        self._generator = random.Random(seed)
        self._chain = tool()
        self._stack: TrialStack | None = None
        self._hold, self._tries = '', 0

    def close(self) -> None:
        """End all processes."""
        if self._stack is not None:
            self._stack.__exit__(None, None, None)
            self._stack = None

    def carry_out(self, plan: StopPlan) -> dict[str, Any]:
        """Return the record of a trial; raises TrialError when the stack does not answer."""
        self._prepare(plan.hold)
        for _ in range(ATTEMPTS):
            if self._tries % SCENE_EACH == 0:
                self._stack.client.reset_scene(self._generator.choice(SCENE_SEEDS))
            self._tries += 1
            trial = StopTrial(self._stack, plan, self._file, self._generator)
            try:
                record = trial.run(self._chain)
            except EarlyEndError:
                self._tries = 0  # another scene
                continue
            if record['violations']:
                path = self._folder / f'motion_{plan.number}.npz'
                np.savez_compressed(path, **vars(trial.track))
            return record
        raise TrialError(f'{ATTEMPTS} goals ended before the stop')

    def _prepare(self, hold: str) -> None:
        if self._stack is None:
            self._stack = TrialStack(
                'state',
                self._folder,
                self._file,
                **PARAMETERS,
                policy_process=not self._in_node,
            )
        elif hold == self._hold and self._stack.is_running('policy_node'):
            return
        else:
            self._stack.stop('policy_node')
        self._hold, self._tries = hold, 0
        self._file.order(parse_hold(hold))
        self._stack.restore()
        self._stack.client.wait_services()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the series, or as much of it as the time allows; returns 1 when something was missed."""
    parser = argparse.ArgumentParser(
        prog='python -m dp_bringup.fault_trials.stops', description=__doc__
    )
    parser.add_argument('--trials', type=int, default=200, help='of cancel and of stop, each hold')
    parser.add_argument('--faults', type=int, default=20, help='trials of each fault')
    parser.add_argument('--holds', nargs='+', default=HOLDS, help="'' for a plain prediction")
    parser.add_argument('--fault-hold', default='call:0.1', help='while faults are tried')
    parser.add_argument(
        '--in-node', action='store_true', help='policy_process is false: to see what it is for'
    )
    parser.add_argument('--seed', type=int, default=0, help='default: 0')
    parser.add_argument('--output', type=Path, default=Path('out/bench/stops.json'))
    parser.add_argument('--limit-s', type=float, default=0.0, help='start no trial after this')
    options = parser.parse_args(arguments)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        for text in (*options.holds, options.fault_hold):
            parse_hold(text)
        plans = plan_stops(
            options.holds, options.trials, options.faults, options.fault_hold, options.seed
        )
        records = read_records(options.output.with_suffix('.jsonl'), plans)
        _run(options, plans, records)
    except DpError as error:
        print(f'stops: {error}', file=sys.stderr)
        return 1
    if not records:
        return 0
    command = ' '.join(['dp_bringup.fault_trials.stops', *sys.argv[1:]])
    print(write_report(options.output, records, len(plans), command))
    failures = [*missed_targets(summarize(records)), *missed(records)]
    print(f'missed: {"; ".join(failures) or "nothing"}')
    return int(bool(failures))


def missed_targets(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return in words which targets were missed: of requests the 99th percentiles, of faults any.

    A fault has no answer, and as long until the brake as `plan.py` gives it.
    """
    result = []
    for row in rows:
        where = f'{row["hold"] or "plain"} {row["kind"]}'
        if row['kind'] in REQUESTS:
            limits_s = {'answer': ANSWER_TARGET_S, 'brake': BRAKE_TARGET_S}
            which = 'p99'
        else:
            limits_s, which = {'brake': KINDS[row['kind']].react_s}, 'max'
        for name, limit_s in limits_s.items():
            values = row[f'{name}_s']
            if values is None:
                result.append(f'no {name} to {where}')
            elif values[which] > limit_s:
                found_ms, limit_ms = 1e3 * values[which], 1e3 * limit_s
                result.append(f'{name} to {where} {which} {found_ms:.1f} > {limit_ms:.0f} ms')
    return result


def _run(
    options: argparse.Namespace, plans: Sequence[StopPlan], records: list[dict[str, Any]]
) -> None:
    done = {record['number'] for record in records}
    begin_s = time.monotonic()
    folder = options.output.with_suffix('.logs')
    folder.mkdir(parents=True, exist_ok=True)
    series = Series(folder, options.seed + len(done), in_node=options.in_node)
    lines = options.output.with_suffix('.jsonl')
    with Interrupt() as interrupt, lines.open('a', encoding='utf-8') as file:
        try:
            for plan in plans:
                over = options.limit_s and time.monotonic() - begin_s > options.limit_s
                if plan.number in done:
                    continue
                if interrupt or over:
                    break
                record = _try(series, plan)
                records.append(record)
                file.write(json.dumps(record) + '\n')
                file.flush()
                print(line(record, len(plans)), flush=True)
        finally:
            series.close()


def _try(series: Series, plan: StopPlan) -> dict[str, Any]:
    try:
        return series.carry_out(plan)
    except TrialError as error:
        series.close()
        return {**vars(plan), 'outcome': 'NOT_DONE', 'reason': str(error), 'as_expected': False}


def line(record: dict[str, Any], total: int) -> str:
    """Say in one line how a trial went."""
    head = f'{record["number"] + 1:4d}/{total} {record["hold"] or "plain":<9} {record["kind"]:<20}'
    if 'rest_s' not in record:
        return f'{head} {record["outcome"]}: {record["reason"]}'
    times = ', '.join(
        f'{word} {record[key] * 1e3:.1f} ms'
        for word, key in (('answer', 'answer_s'), ('brake', 'brake_s'), ('rest', 'rest_s'))
        if record[key] is not None
    )
    words = [record['outcome'], times, f'{record["way_m"] * 1e3:.1f} mm', *record['violations']]
    return f'{head} {", ".join(words)}'


if __name__ == '__main__':
    sys.exit(main())
