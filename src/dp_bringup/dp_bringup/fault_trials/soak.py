# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Let a policy run for long, with a random fault every few seconds, and judge every tick.

Nothing may be found: a limit that is broken at the controller's reference, a motion without a
goal, an ending that no fault explains; and the memory of the policy node must not grow.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
import os
from pathlib import Path
import sys
import time
from typing import Any

from dp_bringup.fault_trials.holding import HoldFile
from dp_bringup.fault_trials.soak_memory import MemoryRecord
from dp_bringup.fault_trials.soak_plan import FAULTS
from dp_bringup.fault_trials.soak_report import write_report
from dp_bringup.fault_trials.soak_run import Soak
from dp_bringup.fault_trials.stack import TrialStack
from dp_bringup.run_local import Interrupt
from dp_core.errors import DpError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak; returns 1 when something was found."""
    parser = argparse.ArgumentParser(
        prog='python -m dp_bringup.fault_trials.soak', description=__doc__
    )
    parser.add_argument('--minutes', type=float, default=60.0, help='default: 60')
    parser.add_argument('--seed', type=int, default=0, help='of faults and starts; default 0')
    parser.add_argument(
        '--without', nargs='+', default=[], choices=FAULTS, metavar='FAULT', help='not to be drawn'
    )
    parser.add_argument('--output', type=Path, default=Path('out/bench/soak.json'))
    options = parser.parse_args(arguments)
    try:
        summary = _run(options)
    except DpError as error:
        print(f'soak: {error}', file=sys.stderr)
        return 1
    print(f'{summary["found"]} findings; {options.output}')
    return int(summary['found'] > 0)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    folder = options.output.with_suffix('.logs')
    folder.mkdir(parents=True, exist_ok=True)
    file = HoldFile(folder / 'hold')
    load = [os.getloadavg()[0]]
    begin_s = time.time()
    with Interrupt() as interrupt, TrialStack('state', folder, file) as stack:
        memory = MemoryRecord(lambda: stack.pids, 'policy_node')
        tell = partial(print, flush=True)
        soak = Soak(stack, file, options.seed, tell, options.without)

        def over() -> bool:
            load.append(os.getloadavg()[0])
            return bool(interrupt) or time.time() - begin_s > 60.0 * options.minutes

        soak.run(over)
        end_s = time.time()
        memory.close()
    file.close()
    return write_report(
        options.output,
        soak,
        memory.samples,
        {
            'command': ' '.join(['dp_bringup.fault_trials.soak', *sys.argv[1:]]),
            'seed': options.seed,
            'begin_s': begin_s,
            'minutes': round((end_s - begin_s) / 60.0, 2),
            'load': {'min': min(load), 'max': max(load)},
            'shared_memory_removed': len(memory.remove_files()),
        },
    )


if __name__ == '__main__':
    sys.exit(main())
