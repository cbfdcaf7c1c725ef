# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Command `dp_train`: train a policy from a dataset folder.

Killed runs go on where they stopped: call the same command again. On several GPUs, or on
machines that share the output folder:

    torchrun --nproc-per-node 4 -m dp_core.training.cli --device cuda ...
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import dataclasses
import logging
import os
from pathlib import Path
import signal
import sys
from typing import TYPE_CHECKING

from dp_core.device import DEVICES
from dp_core.errors import DpError
from dp_core.training.monitors import Report
from dp_core.training.monitors import TensorBoard
from dp_core.training.monitors import together
from dp_core.training.monitors import WeightsAndBiases
from dp_core.training.network_options import add_network
from dp_core.training.network_options import policy_config
from dp_core.training.options import CACHES
from dp_core.training.options import TrainConfig
from dp_core.training.progress_line import ProgressLine

if TYPE_CHECKING:
    from dp_core.training.snapshots import Score


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
    p.add_argument('--init-from', default='', help='checkpoint to start from and its network')
    p.add_argument(
        '--image-weights', default='', metavar='FILE',
        help='of ImageNet (resnet18) or CLIP (clip_vit_b_16) to begin with',
    )  # fmt: skip
    p.add_argument('--batch-size', type=int, default=256, help='of each process')
    p.add_argument('--accumulate', type=int, default=1, help='batches per optimiser step')
    p.add_argument(
        '--noise-draws', type=int, default=1, metavar='N',
        help='guesses per sequence, with other noise; its pictures are encoded once for all',
    )  # fmt: skip
    p.add_argument('--learning-rate', type=float, default=1e-3)
    p.add_argument(
        '--betas', type=float, nargs=2, default=TrainConfig.betas, metavar='B',
        help='of AdamW; default 0.95 0.999, for the transformer the original takes 0.9 0.95',
    )  # fmt: skip
    p.add_argument('--weight-decay', type=float, default=1e-6, help='of the denoiser')
    p.add_argument('--encoder-weight-decay', type=float, default=1e-6, help='of all else')
    p.add_argument('--clip-norm', type=float, default=0.0, help='of the gradient; 0: any')
    p.add_argument('--warmup-steps', type=int, default=100)
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--state-every-s', type=float, default=60.0, help='resume state [s]')
    add_checkpoints(p.add_argument_group('checkpoints and curves'))
    add_machine(p.add_argument_group('machine'))
    add_network(p.add_argument_group('network and diffusion'))
    return p


def add_checkpoints(p: argparse._ArgumentGroup) -> None:
    """Add what is kept and shown of a run."""
    p.add_argument(
        '--snapshots', type=int,
        help='EMA checkpoints to take; default 10 with --score-env, else the result alone',
    )  # fmt: skip
    p.add_argument(
        '--snapshots-from', type=float, default=0.6, help='fraction of the run; default 0.6'
    )
    p.add_argument('--snapshots-kept', type=int, default=10, help='the newest; default 10')
    p.add_argument('--score-env', help='scene in which checkpoints are scored, as of dp_eval')
    p.add_argument('--score-seeds', default='100000:100050', help='default 100000:100050')
    p.add_argument('--score-env-arg', action='append', metavar='NAME=VALUE', help='repeatable')
    p.add_argument('--tensorboard', action='store_true', help='curves in OUTPUT/tensorboard')
    p.add_argument('--wandb', metavar='PROJECT', help='curves in Weights & Biases')


def add_machine(p: argparse._ArgumentGroup) -> None:
    """Add where and how a run is computed."""
    p.add_argument('--device', choices=DEVICES, default='cpu')
    p.add_argument('--threads', type=int, default=1, help='torch threads')
    p.add_argument('--no-compile', action='store_true', help='run without a C++ compiler')
    p.add_argument(
        '--precision', choices=('auto', 'bf16', 'fp32'), default='auto',
        help='auto: bf16 where the device multiplies it in hardware',
    )  # fmt: skip
    p.add_argument(
        '--cache', choices=CACHES, default='auto',
        help='pictures in memory, or memory-mapped from the disk; auto: by size',
    )  # fmt: skip


def train_config(arguments: argparse.Namespace) -> TrainConfig:
    """Take the run's settings from the command line."""
    from dp_core.training.compute import has_bf16
    from dp_core.training.snapshots import LAST

    known = {f.name for f in dataclasses.fields(TrainConfig)}
    same = {name: value for name, value in vars(arguments).items() if name in known}
    same['betas'] = tuple(arguments.betas)
    if same['snapshots'] is None:
        same['snapshots'] = LAST if arguments.score_env else 1
    auto = arguments.precision == 'auto' and has_bf16(arguments.device)
    scored = (arguments.score_env, arguments.score_seeds, *(arguments.score_env_arg or ()))
    return TrainConfig(
        **same,
        datasets=tuple(arguments.dataset),
        compile=not arguments.no_compile,
        bf16=auto or arguments.precision == 'bf16',
        score=' '.join(scored) if arguments.score_env else '',
    )


def score_of(arguments: argparse.Namespace) -> Score | None:
    """Return what scores the run's checkpoints, if anything."""
    if arguments.score_env is None:
        return None
    from dp_core.evaluation.cli import parse_env_arguments
    from dp_core.evaluation.cli import parse_seeds
    from dp_core.training.scoring import RolloutScore

    chosen = parse_env_arguments(arguments.score_env_arg)
    return RolloutScore(arguments.score_env, parse_seeds(arguments.score_seeds), chosen)


def reports_of(arguments: argparse.Namespace, progress: ProgressLine) -> list[Report]:
    """Return what is told of each log line, the person's line first."""
    reports: list[Report] = [progress]
    if arguments.tensorboard:
        reports.append(TensorBoard(arguments.output))
    if arguments.wandb:
        reports.append(WeightsAndBiases(arguments.output, arguments.wandb))
    return reports


def hints(options: TrainConfig) -> list[str]:
    """Return what a person should know before a run starts."""
    import torch

    said = []
    if options.device == 'cpu' and torch.cuda.is_available():
        said.append('training on the CPU, though there is a GPU: --device cuda')
    if options.compile:
        said.append('compiling the training step (one or two minutes) ...')
    return said


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; mistakes end in one line and exit code 2."""
    arguments = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # torchrun sends it
    logging.basicConfig(format='dp_train: %(message)s', level=logging.WARNING)
    logging.getLogger('dp_core').setLevel(logging.INFO)
    try:
        options, config = train_config(arguments), policy_config(arguments)
        from dp_core.training.train import train

        leads = os.environ.get('RANK', '0') == '0'
        for hint in hints(options) if leads else ():
            sys.stderr.write(hint + '\n')
        progress = ProgressLine()
        reports = reports_of(arguments, progress) if leads else []
        try:
            folder = train(options, config, together(reports), score_of(arguments))
        finally:
            progress.end()
    except DpError as error:
        sys.stderr.write(f'dp_train: {error}\n')
        return 2
    except KeyboardInterrupt:  # Ctrl-C, or SIGTERM
        sys.stderr.write('\ndp_train: interrupted; the same command goes on from the last state\n')
        return 130
    if leads:
        sys.stdout.write(f'{folder}: policy.yaml, weights, statistics, loss.png, log.jsonl\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
