# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Command `dp_train`: train a policy from a dataset folder.

Killed runs go on where they stopped: call the same command again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import logging
from pathlib import Path
import sys
from typing import Any

from dp_core.config import PolicyConfig
from dp_core.config import SAMPLERS
from dp_core.errors import DpError
from dp_core.training.options import TrainConfig


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(prog='dp_train', description=__doc__)
    p.add_argument(
        '--dataset', type=Path, nargs='+', required=True, help='dataset folder, or several as one'
    )
    p.add_argument('--output', type=Path, required=True, help='checkpoint folder to create')
    end = p.add_mutually_exclusive_group(required=True)
    end.add_argument('--steps', type=int, default=0, help='optimiser steps')
    end.add_argument(
        '--budget-cpu-s', type=float, default=0.0, help='CPU time, compilation included [s]'
    )
    p.add_argument('--init-from', default='', help='checkpoint to start from')
    p.add_argument('--batch-size', type=int, default=256)
    p.add_argument('--learning-rate', type=float, default=1e-3)
    p.add_argument('--weight-decay', type=float, default=1e-6)
    p.add_argument('--warmup-steps', type=int, default=100)
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--snapshots', type=int, default=1, help='EMA checkpoints to keep')
    p.add_argument('--state-every-s', type=float, default=60.0, help='resume state [s]')
    p.add_argument('--threads', type=int, default=1, help='torch threads')
    p.add_argument('--no-compile', action='store_true', help='run without a C++ compiler')
    p.add_argument(
        '--precision', choices=('auto', 'bf16', 'fp32'), default='auto',
        help='auto: bf16 where the CPU multiplies it in hardware',
    )  # fmt: skip
    net = p.add_argument_group('network and diffusion')
    default = PolicyConfig()
    net.add_argument('--down-dims', type=int, nargs='+', default=list(default.down_dims))
    net.add_argument('--image-channels', type=int, nargs='+', default=list(default.image_channels))
    net.add_argument('--image-features', type=int, default=default.image_features)
    net.add_argument('--image-crop', type=float, default=default.image_crop)
    net.add_argument('--sampler', choices=SAMPLERS, default=default.sampler)
    net.add_argument('--inference-steps', type=int, default=default.inference_steps)
    return p


def policy_config(arguments: argparse.Namespace) -> PolicyConfig:
    """Take the network's settings from the command line."""
    return PolicyConfig(
        down_dims=tuple(arguments.down_dims),
        image_channels=tuple(arguments.image_channels),
        image_features=arguments.image_features,
        image_crop=arguments.image_crop,
        sampler=arguments.sampler,
        inference_steps=arguments.inference_steps,
    )


def train_config(arguments: argparse.Namespace) -> TrainConfig:
    """Take the run's settings from the command line."""
    from dp_core.training.compute import has_bf16

    bf16 = arguments.precision == 'bf16' or (arguments.precision == 'auto' and has_bf16())
    return TrainConfig(
        datasets=tuple(arguments.dataset),
        output=arguments.output,
        steps=arguments.steps,
        budget_cpu_s=arguments.budget_cpu_s,
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
        weight_decay=arguments.weight_decay,
        warmup_steps=arguments.warmup_steps,
        seed=arguments.seed,
        init_from=arguments.init_from,
        snapshots=arguments.snapshots,
        state_every_s=arguments.state_every_s,
        compile=not arguments.no_compile,
        bf16=bf16,
        threads=arguments.threads,
    )


class ProgressLine:
    """One line that is rewritten on a terminal; a line every hundred steps elsewhere."""

    def __init__(self) -> None:
        """Look where the output goes."""
        self._terminal = sys.stderr.isatty()

    def __call__(self, line: dict[str, Any], done: float) -> None:
        """Show a log line; `done` is the fraction of the run."""
        if not self._terminal and line['step'] % 100:
            return
        used = line['cpu_s']
        left_s = used * (1.0 - done) / max(done, 1e-9)
        end = '  \r' if self._terminal else '\n'
        sys.stderr.write(
            f'{100 * done:5.1f} %  step {line["step"]}  loss {line["loss"]:.4f}  '
            f'{used:.0f} CPU s used, about {left_s:.0f} to go{end}'
        )
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the last line standing."""
        if self._terminal:
            sys.stderr.write('\n')


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; mistakes end in one line and exit code 2."""
    arguments = parser().parse_args(argv)
    logging.basicConfig(format='dp_train: %(message)s', level=logging.WARNING)
    try:
        options, config = train_config(arguments), policy_config(arguments)
        from dp_core.training.train import train

        if options.compile:
            sys.stderr.write('compiling the training step (one or two minutes) ...\n')
        progress = ProgressLine()
        folder = train(options, config, progress)
        progress.end()
    except DpError as error:
        sys.stderr.write(f'dp_train: {error}\n')
        return 2
    except KeyboardInterrupt:
        sys.stderr.write('\ndp_train: interrupted; the same command goes on from the last state\n')
        return 130
    sys.stdout.write(f'{folder}: policy.yaml, weights, statistics, loss.png, log.jsonl\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
