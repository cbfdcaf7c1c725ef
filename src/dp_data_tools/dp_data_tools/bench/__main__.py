# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`make bench-data`: measure this machine, each section into its part of out/bench/data.json."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
import json
from pathlib import Path
import sys

from dp_core.errors import DpError
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json

# section -> module with add_arguments(parser), and measure(options) -> figures
SECTIONS = {
    'record': 'dp_data_tools.ros.record_bench',
    'convert': 'dp_data_tools.bench.convert_bench',
    'loader': 'dp_data_tools.bench.loader_bench',
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; sections that are not measured keep what the file says of them."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog='python -m dp_data_tools.bench', description=__doc__)
    parser.add_argument('--output', type=Path, default=Path('out/bench/data.json'))
    parser.add_argument('--only', choices=list(SECTIONS), help='default: all')
    only = parser.parse_known_args([word for word in words if word not in ('-h', '--help')])[
        0
    ].only
    # Not those that are not asked for: recording needs ROS, converting does not.
    modules = {name: import_module(SECTIONS[name]) for name in ([only] if only else SECTIONS)}
    for module in modules.values():
        module.add_arguments(parser)
    options = parser.parse_args(words)
    command = ' '.join(['python', '-m', 'dp_data_tools.bench', *words])
    for name, module in modules.items():
        try:
            figures = module.measure(options)
        except DpError as error:
            sys.stderr.write(f'bench {name}: {error}\n')
            return 1
        written = json.loads(options.output.read_text()) if options.output.exists() else {}
        written[name] = {'command': command, 'machine': machine(), **figures}
        write_json(options.output, written)
        sys.stdout.write(f'{name}: {json.dumps(figures, indent=1)}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
