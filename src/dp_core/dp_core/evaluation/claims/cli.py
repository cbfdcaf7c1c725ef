# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Command `dp_eval claim`: put a claim of the Diffusion Policy paper to the test."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
import shlex
import sys
import time
from typing import Any

from dp_core.errors import ConfigError
from dp_core.evaluation.claims.catalogue import load
from dp_core.evaluation.claims.catalogue import NAMES
from dp_core.evaluation.claims.catalogue import Options
from dp_core.evaluation.claims.catalogue import statement

LIBRARIES = ('diffusers', 'numpy', 'scipy')  # beside those that `machine` names


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(prog='dp_eval claim', description=__doc__)
    p.add_argument('name', nargs='?', metavar='NAME', help=', '.join(NAMES))
    p.add_argument('--list', action='store_true', help='name the claims and end')
    p.add_argument('--output', type=Path, help='folder for NAME.json and NAME.png')
    p.add_argument('--quick', action='store_true', help='tiny: shows only that all of it runs')
    p.add_argument('--seed', type=int, default=0, help='of data, weights and noise')
    p.add_argument('--policy', type=Path, help='checkpoint folder, where a claim needs one')
    p.add_argument('--episodes', type=int, default=0, help='default: of the claim')
    p.add_argument('--workers', type=int, default=0, help='processes that step; 0: in this one')
    p.add_argument('--threads', type=int, default=1, help='torch threads')
    return p


def main(argv: Sequence[str]) -> int:
    """Run a claim; the exit code is 0 when it holds and 1 when a bound is missed."""
    arguments = parser().parse_args(argv)
    if arguments.list:
        for name in NAMES:
            sys.stdout.write(f'{name:<16} {statement(name)}\n')
        return 0
    if arguments.name is None or arguments.output is None:
        raise ConfigError(f'claim needs a NAME of {list(NAMES)} and --output DIR, or --list')
    options = Options(
        arguments.output,
        arguments.quick,
        arguments.seed,
        arguments.policy,
        arguments.episodes,
        arguments.workers,
    )
    result = run(arguments.name, options, arguments.threads, argv)
    for line in result['verdicts']:
        sys.stdout.write(describe(line) + '\n')
    return 0 if result['passed'] else 1


def run(name: str, options: Options, threads: int, argv: Sequence[str]) -> dict[str, Any]:
    """Run the claim, write its figures and its picture, and return the figures."""
    from dp_core.evaluation.report import machine
    from dp_core.evaluation.report import write_json
    import torch

    claim = load(name)
    torch.set_num_threads(threads)
    options.output.mkdir(parents=True, exist_ok=True)
    begin_s = time.process_time()
    figures = claim.run(options)
    result = {
        'claim': name,
        'statement': statement(name),
        'passed': all(line['passed'] for line in figures['verdicts']),
        'quick': options.quick,
        **figures,
        'seed': options.seed,
        'command': shlex.join(['dp_eval', 'claim', *argv]),
        'cpu_s': round(time.process_time() - begin_s, 1),
        'machine': machine() | {library: version(library) for library in LIBRARIES},
    }
    write_json(options.output / f'{name}.json', result)
    draw(name, result, options.output / f'{name}.png')
    return result


def draw(name: str, result: dict[str, Any], picture: Path) -> None:
    """Draw the result as a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout='constrained')
    FigureCanvasAgg(figure)
    load(name).plot(result, figure)
    figure.savefig(picture, dpi=110)


def describe(line: dict[str, Any]) -> str:
    """Say a verdict in one line."""
    words = {'at_least': '>=', 'at_most': '<='}
    bounds = ' and '.join(f'{sign} {line[key]:g}' for key, sign in words.items() if key in line)
    mark = 'holds' if line['passed'] else 'FAILS'
    return f'{mark}  {line["what"]}: {line["value"]:.4g} (asked: {bounds})'
