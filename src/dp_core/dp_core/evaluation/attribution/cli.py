# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_eval attribution`: which inputs matter to a policy.

Each stream is given the values of other moments of the demonstrations. Where that leaves the
denoising loss as it is, the policy does not use the stream.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import hashlib
from pathlib import Path
import sys
from typing import Any

from dp_core.device import DEVICES
from dp_core.errors import ConfigError


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(prog='dp_eval attribution', description=__doc__)
    p.add_argument('--policy', type=Path, required=True, help='checkpoint folder')
    p.add_argument('--dataset', type=Path, nargs='+', required=True, help='dataset folder(s)')
    p.add_argument('--output', type=Path, help='result file (JSON)')
    p.add_argument('--sequences', type=int, default=512, help='drawn from the data')
    p.add_argument('--draws', type=int, default=8, help='of noise, for each sequence')
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--batch', type=int, default=128, help='sequences at the same time')
    p.add_argument('--device', choices=DEVICES, default='cpu')
    p.add_argument('--threads', type=int, default=1, help='torch threads')
    return p


def main(argv: Sequence[str]) -> int:
    """Run the command and print a table."""
    arguments = parser().parse_args(argv)
    for name, least in (('sequences', 2), ('draws', 1), ('batch', 1), ('threads', 1)):
        if getattr(arguments, name) < least:
            raise ConfigError(f'--{name} is {getattr(arguments, name)}, valid: {least} or more')
    from dp_core.checkpoint import load_policy
    from dp_core.evaluation.attribution.permuted import attribute
    from dp_core.evaluation.report import write_json
    from dp_core.memory import memory_advice
    from dp_core.replay_buffer import load_datasets
    import torch

    torch.set_num_threads(arguments.threads)
    contract, buffer = load_datasets(arguments.dataset)
    policy = load_policy(arguments.policy, contract, arguments.device)
    sizes = (arguments.sequences, arguments.draws, arguments.seed, arguments.batch)
    with memory_advice(arguments.device, f'--batch {arguments.batch}', 'a smaller --batch'):
        found = attribute(policy, buffer, *sizes)
    if arguments.output:
        write_json(arguments.output, summary(found, arguments))
    sys.stdout.write(table(found))
    return 0


def summary(found: Any, arguments: argparse.Namespace) -> dict[str, Any]:
    """Gather an `Attribution` and its circumstances as plain data."""
    from dp_core.checkpoint import WEIGHTS_FILE
    from dp_core.evaluation.report import machine

    weights = (arguments.policy / WEIGHTS_FILE).read_bytes()
    return {
        'policy': arguments.policy.name,
        'weights_sha256': hashlib.sha256(weights).hexdigest(),
        'datasets': [folder.name for folder in arguments.dataset],
        'sequences': found.sequences,
        'draws': arguments.draws,
        'seed': arguments.seed,
        'loss': found.loss,
        'permuted': [
            {
                'streams': list(row.streams),
                'loss': row.loss,
                'increase': row.increase,
                'increase_ci95': list(row.increase_ci95),
                'matters': row.matters,
            }
            for row in found.rows
        ],
        'machine': machine(),
    }


def table(found: Any) -> str:
    """Lay an `Attribution` out for a terminal."""
    names = [' + '.join(row.streams) for row in found.rows]
    width = max(len(name) for name in [*names, 'permuted'])
    lines = [
        f'denoising loss {found.loss:.4f} on {found.sequences} sequences',
        f'{"permuted":{width}}  {"loss":>7}  {"x":>6}  increase (95 % interval)   matters',
    ]
    for name, row in zip(names, found.rows, strict=True):
        low, high = row.increase_ci95
        factor = row.loss / found.loss if found.loss else float('inf')
        lines.append(
            f'{name:{width}}  {row.loss:7.4f}  {factor:6.2f}  {row.increase:+.4f} '
            f'({low:+.4f} .. {high:+.4f})  {"yes" if row.matters else "no"}'
        )
    return '\n'.join(lines) + '\n'
