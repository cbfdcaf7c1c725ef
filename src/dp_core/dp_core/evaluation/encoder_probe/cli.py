# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_eval encoders`: what image encoders learn to see in the same number of steps.

Each is trained to tell the pose of a block and a tool from drawn pictures of 96 x 96 pixels.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import dataclasses
from pathlib import Path
import shlex
import sys

from dp_core.config import IMAGE_ENCODERS
from dp_core.config import PolicyConfig
from dp_core.errors import ConfigError


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(prog='dp_eval encoders', description=__doc__)
    p.add_argument('names', nargs='+', choices=IMAGE_ENCODERS, metavar='ENCODER')
    p.add_argument('--steps', type=int, default=700, help='of 64 pictures')
    p.add_argument('--image-channels', type=int, nargs='+', help='of dilated and conv')
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--precision', choices=('bf16', 'fp32'), default='bf16')
    p.add_argument('--threads', type=int, default=1, help='torch threads')
    p.add_argument('--output', type=Path, help='result file (JSON)')
    return p


def main(argv: Sequence[str]) -> int:
    """Run the command and print a line for each encoder."""
    arguments = parser().parse_args(argv)
    for name in ('steps', 'threads'):
        if getattr(arguments, name) < 1:
            raise ConfigError(f'--{name} is {getattr(arguments, name)}, valid: 1 or more')
    from dp_core.evaluation.encoder_probe.probe import probe
    from dp_core.evaluation.report import machine
    from dp_core.evaluation.report import write_json
    import torch

    torch.set_num_threads(arguments.threads)
    rows = []
    for name in arguments.names:
        settings = {'image_encoder': name}
        if arguments.image_channels and name in ('dilated', 'conv'):
            settings['image_channels'] = arguments.image_channels
        config = PolicyConfig.from_dict(settings)
        seen = probe(config, arguments.steps, arguments.seed, arguments.precision == 'bf16')
        sys.stdout.write(
            f'{seen.encoder:14} block {seen.block_px:5.2f} px {seen.block_deg:5.1f} deg  '
            f'tool {seen.tool_px:5.2f} px  trained in {seen.train_cpu_s:5.0f} CPU s, '
            f'{seen.frame_ms:.1f} ms per picture, {seen.parameters:,} weights\n'
        )
        rows.append({**dataclasses.asdict(seen), 'settings': config.to_dict()})
    if arguments.output:
        made = {'steps': arguments.steps, 'seed': arguments.seed, 'encoders': rows}
        command = shlex.join(['dp_eval', 'encoders', *argv])
        write_json(arguments.output, {'command': command, **made, 'machine': machine()})
    return 0
