# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The network between policy and robot goes away, and somebody stops the arm meanwhile.

Robot and observer are on one computer, the policy node and who calls ~/stop on another
(`network.py`; only the superuser can make these). In half of the trials nobody stops: the arm then
goes on or comes to rest by itself. Written to a .jsonl file beside the output as they end.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import json
import os
from pathlib import Path
import random
import sys
from typing import Any

from dp_bringup.fault_trials.network import ENVIRONMENT
from dp_bringup.fault_trials.network import Network
from dp_bringup.fault_trials.outage_trial import OutagePlan
from dp_bringup.fault_trials.outage_trial import OutageTrial
from dp_bringup.fault_trials.outage_trial import Stopper
from dp_bringup.fault_trials.record import TrialError
from dp_bringup.fault_trials.run import EarlyEndError
from dp_bringup.fault_trials.stack import TrialStack
from dp_bringup.fault_trials.stop_report import spread
from dp_bringup.fault_trials.stop_trial import tool
from dp_bringup.run_local import Interrupt
from dp_core.errors import DpError
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json

OUTAGES_S = (0.1, 0.2, 0.4, 0.8, 1.6)
SCENES, SCENE_EACH = range(300000, 300100), 6  # trials in one scene
KEYS = ('speed', 'rest_s', 'brake_after_s', 'way_m')


def plan_outages(trials: int, seed: int) -> tuple[OutagePlan, ...]:
    """Return `trials` of each outage, with a stop and without, in random order."""
    pairs = [(s, stopped) for s in OUTAGES_S for stopped in (False, True) for _ in range(trials)]
    random.Random(seed).shuffle(pairs)
    return tuple(OutagePlan(number, *pair) for number, pair in enumerate(pairs))


def expected(record: dict[str, Any]) -> bool:
    """Whether a goal ended as it should: a stop counts whatever the network does."""
    if record['stopped']:
        return record['outcome'] == 'STOPPED'
    if record['seconds'] < 0.5:
        return record['outcome'] == 'GOES_ON'
    return record['outcome'] in ('JOINT_STATE_STALL', 'OBSERVATION_STALL')


def summarize(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Gather the trials of each outage, with a stop and without."""
    rows = []
    for stopped in (True, False):
        for seconds in OUTAGES_S:
            part = [r for r in records if (r['seconds'], r['stopped']) == (seconds, stopped)]
            outcomes = [r['outcome'] for r in part]
            rows.append(
                {
                    'stopped': stopped,
                    'seconds': seconds,
                    'trials': len(part),
                    'as_expected': sum(map(expected, part)),
                    'outcomes': {name: outcomes.count(name) for name in sorted(set(outcomes))},
                    'braked_again': sum(r['brake_after_s'] is not None for r in part),
                    **{key: spread(part, key) for key in KEYS},
                    **{
                        f'{key}_max': max((r[key] for r in part), default=0.0)
                        for key in ('velocity', 'acceleration', 'jerk')
                    },
                    'violations': [f'{r["number"]}: {w}' for r in part for w in r['violations']],
                }
            )
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a table of Markdown."""
    lines = [
        '| network away | `~/stop` | trials, as expected | outcomes | braked again, after the '
        'network was back: p50, max | at rest: p50, max | fastest, hardest | limits broken |',
        '|---|---|---|---|---|---|---|---|',
    ]
    for row in rows:
        again, rest = (
            '' if row[key] is None else f'{row[key]["p50"]:.3f}, {row[key]["max"]:.3f} s'
            for key in ('brake_after_s', 'rest_s')
        )
        outcomes = ', '.join(f'{name} {count}' for name, count in row['outcomes'].items())
        lines.append(
            f'| {row["seconds"]} s | {"yes" if row["stopped"] else "no"} | {row["trials"]}, '
            f'{row["as_expected"]} | {outcomes} | {row["braked_again"]}: {again} | {rest} | '
            f'{row["velocity_max"]:.2f} rad/s, {row["acceleration_max"]:.1f} rad/s², '
            f'{row["jerk_max"]:.0f} rad/s³ | {len(row["violations"])} |'
        )
    return '\n'.join(lines) + '\n'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the series; returns 1 when a limit was broken or a goal ended otherwise."""
    parser = argparse.ArgumentParser(
        prog='python -m dp_bringup.fault_trials.outage', description=__doc__
    )
    parser.add_argument('--trials', type=int, default=6, help='of each outage; default: 6')
    parser.add_argument('--seed', type=int, default=0, help='default: 0')
    parser.add_argument('--output', type=Path, default=Path('out/bench/outage.json'))
    options = parser.parse_args(arguments)
    try:
        records = _run(options)
    except DpError as error:
        print(f'outage: {error}', file=sys.stderr)
        return 1
    rows = summarize(records)
    command = ' '.join(['dp_bringup.fault_trials.outage', *sys.argv[1:]])
    write_json(options.output, {'command': command, 'machine': machine(), 'rows': rows})
    text = f'# Outages of the network\n\n`{command}`\n\n{table(rows)}'
    options.output.with_suffix('.md').write_text(text, encoding='utf-8')
    print(table(rows))
    wrong = any(r['violations'] or r['as_expected'] < options.trials for r in rows)
    return int(wrong)


def _run(options: argparse.Namespace) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    folder = options.output.with_suffix('.logs')
    folder.mkdir(parents=True, exist_ok=True)
    lines = options.output.with_suffix('.jsonl').open('w', encoding='utf-8')
    os.environ.update(ENVIRONMENT)
    with lines, Interrupt() as interrupt, Network() as network:
        stopper = Stopper(network, os.environ)
        try:
            with network.on('robot'):
                series = _Series(network, stopper, folder, options.seed)
                with series.stack:
                    for plan in plan_outages(options.trials, options.seed):
                        if interrupt:
                            break
                        records.append(series.carry_out(plan))
                        lines.write(json.dumps(records[-1]) + '\n')
                        lines.flush()
                        print(line(records[-1]), flush=True)
        finally:
            stopper.close()
    return records


class _Series:
    """The trials on one stack."""

    def __init__(self, network: Network, stopper: Stopper, folder: Path, seed: int) -> None:
        self.stack = TrialStack(
            'state',
            folder,
            environment=ENVIRONMENT,
            prefixes={'policy_node': network.prefix('policy')},
        )
        self._network, self._stopper = network, stopper
        self._generator, self._chain, self._tries = random.Random(seed), tool(), 0

    def carry_out(self, plan: OutagePlan, attempts: int = 6) -> dict[str, Any]:
        """Return the record of a trial; raises TrialError when the stack does not answer."""
        self.stack.restore()
        for _ in range(attempts):
            if self._tries % SCENE_EACH == 0:
                self.stack.client.reset_scene(self._generator.choice(SCENES))
            self._tries += 1
            trial = OutageTrial(self.stack, self._network, self._stopper, plan, self._generator)
            try:
                return {**vars(plan), **trial.run(self._chain)}
            except EarlyEndError:
                self._tries = 0  # another scene
        raise TrialError(f'{attempts} goals ended before the outage')


def line(record: dict[str, Any]) -> str:
    """Say in one line how a trial went."""
    stop = 'stop' if record['stopped'] else '    '
    return (
        f'{record["number"]:4d} {record["seconds"]} s {stop} {record["outcome"]} at '
        f'{record["speed"]:.2f} rad/s, back {record["back_s"]} s, braked again '
        f'{record["brake_after_s"]} s later, rest {record["rest_s"]} s '
        f'{" ".join(record["violations"])}'
    )


if __name__ == '__main__':
    sys.exit(main())
