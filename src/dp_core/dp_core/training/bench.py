# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Training throughput, ours and LeRobot's Diffusion Policy: same network, batch and machine.

    python -m dp_core.training.bench --dataset src/dp_core/data/pusht_human

Both take steps in turn, in one process. Without the package `lerobot` in this environment, ours is
measured alone and the result says so. `--lerobot-dataset` gives LeRobot's own form of the dataset
(dp_data_tools export): then each reads its batches from its own, and otherwise LeRobot gets ready
tensors, which is in its favour.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
import sys
import time
from typing import Any

from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.errors import DpError
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json
from dp_core.policy import PolicyNetwork
from dp_core.training.dataset import EpochOrder
from dp_core.training.dataset import SequenceDataset
from dp_core.training.draws import draw
from dp_core.training.learner import Learner
from dp_core.training.lerobot_step import lerobot_step
from dp_core.training.lerobot_step import LEROBOT_VERSION
from dp_core.training.lerobot_step import read_lerobot
from dp_core.training.options import TrainConfig
from dp_core.training.pictures import chosen_cache
from dp_core.training.pictures import load_for_training
import numpy as np
import torch

Step = Callable[[], object]


@dataclass
class Contender:
    """One way to take a training step, and what its rounds took.

    Attributes:
        step: takes one.
        weights: number of weights trained.
        cpu_s: CPU time of the process for each round [s].
        wall_s: time of each round [s].
    """

    step: Step
    weights: int
    cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)

    def round(self, steps: int) -> None:
        """Take some steps."""
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(steps):
            self.step()
        self.cpu_s.append(time.process_time() - cpu)
        self.wall_s.append(time.perf_counter() - wall)

    def figures(self, samples: int) -> dict[str, float]:
        """Medians over the rounds of `samples` each."""
        return {
            'samples_per_cpu_s': samples / float(np.median(self.cpu_s)),
            'samples_per_s': samples / float(np.median(self.wall_s)),
            'weights': self.weights,
        }


def our_step(
    contract: Contract, dataset: SequenceDataset, config: PolicyConfig, options: TrainConfig
) -> tuple[Step, int]:
    """Return a step as `dp_train` takes it, batch included, and the number of weights."""
    network = PolicyNetwork(contract, config)
    learner = Learner(network, config, options)
    order = EpochOrder(len(dataset), options.batch_size, options.seed)
    steps = iter(range(sys.maxsize))

    def step() -> None:
        number = next(steps)
        draws = draw(options.batch_size, contract, learner.timesteps, options.seed, number)
        learner.accumulate(dataset.batch(order(number), options.seed, number), draws)
        learner.update(number, options.learning_rate)

    return step, sum(p.numel() for p in network.parameters())


def read(dataset: SequenceDataset, order: EpochOrder, number: int) -> None:
    """Read a batch and drop it."""
    dataset.batch(order(number), 0, number)


def contenders(arguments: argparse.Namespace) -> dict[str, Contender]:
    """Return all ways of training that this environment can run."""
    cache = chosen_cache([arguments.dataset], 'auto')
    contract, buffer = load_for_training([arguments.dataset], cache)
    config = PolicyConfig(
        down_dims=tuple(arguments.down_dims),
        image_encoder='resnet18' if contract.images else PolicyConfig.image_encoder,
        image_crop=arguments.image_crop if contract.images else 1.0,
    )
    dataset = SequenceDataset(contract, buffer, config.image_crop)
    found = {}
    modes = {'ours, float32': (False, False), 'ours, bfloat16': (True, False)}
    if arguments.compile:
        modes['ours, bfloat16, compiled (the default)'] = (True, True)
    for name, (bf16, compile_) in modes.items():
        options = TrainConfig(
            datasets=(arguments.dataset,), output=Path('unused'), steps=1, bf16=bf16,
            compile=compile_, batch_size=arguments.batch_size, threads=arguments.threads,
        )  # fmt: skip
        found[name] = Contender(*our_step(contract, dataset, config, options))
    order = EpochOrder(len(dataset), arguments.batch_size, 0)
    numbers = iter(range(sys.maxsize))
    found['reading alone, ours'] = Contender(lambda: read(dataset, order, next(numbers)), 0)
    if LEROBOT_VERSION and arguments.lerobot_dataset:
        theirs = read_lerobot(contract, arguments.lerobot_dataset, arguments.batch_size)
        found['reading alone, LeRobot'] = Contender(lambda: next(theirs, None), 0)
    if LEROBOT_VERSION:
        for name, bf16 in (('LeRobot, float32 (its default)', False), ('LeRobot, bfloat16', True)):
            made = lerobot_step(
                contract, dataset, config, arguments.batch_size, bf16, arguments.lerobot_dataset
            )
            found[name] = Contender(*made)
    return found


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Take the steps in turn; return the figures."""
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    ways = contenders(arguments)
    for name, way in ways.items():
        sys.stderr.write(f'warming up: {name}\n')
        way.step()
    for number in range(arguments.rounds):
        sys.stderr.write(f'round {number + 1}/{arguments.rounds}\n')
        for way in ways.values():
            way.round(arguments.steps)
    samples = arguments.steps * arguments.batch_size
    return {
        'ways': {name: way.figures(samples) for name, way in ways.items()},
        'lerobot': LEROBOT_VERSION or 'not installed in this environment: not measured',
        'lerobot_reads': str(bool(arguments.lerobot_dataset)),
        'dataset': arguments.dataset.name,
        'batch_size': arguments.batch_size,
        'down_dims': arguments.down_dims,
        'rounds': arguments.rounds,
        'steps_per_round': arguments.steps,
        'machine': machine(),
        'command': 'python -m dp_core.training.bench ' + ' '.join(sys.argv[1:]),
    }


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(description=__doc__.partition('\n')[0] if __doc__ else '')
    p.add_argument('--dataset', type=Path, required=True, help='dataset folder')
    p.add_argument('--lerobot-dataset', type=Path, help='the same as LeRobot reads it')
    p.add_argument('--output', type=Path, default=Path('out/bench/training.json'))
    p.add_argument('--batch-size', type=int, default=64)
    p.add_argument('--down-dims', type=int, nargs='+', default=[64, 128, 256])
    p.add_argument('--image-crop', type=float, default=0.875, help='84 of 96 px, as in the paper')
    p.add_argument('--rounds', type=int, default=5)
    p.add_argument('--steps', type=int, default=4, help='per round')
    p.add_argument('--threads', type=int, default=1)
    p.add_argument('--compile', action='store_true', help='measure compiled steps as well')
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write the result."""
    arguments = parser().parse_args(argv)
    try:
        result = measure(arguments)
    except DpError as error:
        sys.stderr.write(f'bench: {error}\n')
        return 2
    write_json(arguments.output, result)
    for name, figures in result['ways'].items():
        sys.stdout.write(f'{name}: {figures["samples_per_cpu_s"]:.0f} samples per CPU second\n')
    sys.stdout.write(f'LeRobot: {result["lerobot"]}\n{arguments.output}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
