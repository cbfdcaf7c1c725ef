# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The training loop, flat: batch, step, average; and the files of a run."""

from __future__ import annotations

from collections.abc import Callable
import hashlib
import json
import math
from pathlib import Path
import time
from typing import Any

from dp_core.checkpoint import load_policy
from dp_core.checkpoint import load_provenance
from dp_core.checkpoint import POLICY_FILE
from dp_core.checkpoint import save_policy
from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.errors import DatasetError
from dp_core.policy import PolicyNetwork
from dp_core.replay_buffer import load_datasets
from dp_core.replay_buffer import ReplayBuffer
from dp_core.training.dataset import EpochOrder
from dp_core.training.dataset import SequenceDataset
from dp_core.training.learner import Learner
from dp_core.training.options import TrainConfig
from dp_core.training.plot import plot_loss
from dp_core.training.state import load_state
from dp_core.training.state import LOG_FILE
from dp_core.training.state import Progress
from dp_core.training.state import RunLog
from dp_core.training.state import save_state
from dp_core.training.state import STATE_FILE
import torch
from torch import Tensor

LOG_EVERY = 20  # steps
SNAPSHOT_FROM = 0.6  # fraction of the run after which snapshots are kept


def train(
    options: TrainConfig,
    config: PolicyConfig,
    report: Callable[[dict[str, Any], float], None] = lambda line, done: None,
) -> Path:
    """Train a policy and write its checkpoint folder.

    Called again with the same settings, a killed run goes on and a finished one stays as it is.

    Args:
        options: the run.
        config: network and diffusion.
        report: called with each log line and the fraction done.

    Returns:
        The checkpoint folder, `options.output`.
    """
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    contract, buffer = load_datasets(options.datasets)
    settings = describe(options, config, {**contract.to_dict(), 'frames': len(buffer)})
    if is_finished(options.output, settings):
        return options.output
    dataset, learner = prepare(options, config, contract, buffer)

    options.output.mkdir(parents=True, exist_ok=True)
    resumed = load_state(options.output, settings)
    progress = Progress(resumed['step'], resumed['cpu_s']) if resumed else Progress()
    if resumed:
        learner.restore(resumed)
    log = RunLog(options.output / LOG_FILE, progress.step)
    order = EpochOrder(len(dataset), options.batch_size, options.seed)

    def save(folder: Path) -> None:
        policy = learner.policy(contract, config, dataset.normalizer)
        save_policy(folder, policy, provenance(settings, progress))

    losses: list[Tensor] = []
    snapshots = snapshots_due(options, fraction(options, progress))
    while (done := fraction(options, progress)) < 1.0:
        rate = options.learning_rate * schedule(progress.step, done, options)
        batch = dataset.batch(order(progress.step), options.seed, progress.step)
        losses.append(learner.learn(batch, progress.step, rate))
        progress.advance()
        if progress.step % LOG_EVERY == 0:
            loss = mean_loss(losses, progress.step)
            losses.clear()
            report(log.write(progress.step, loss, rate, progress.cpu_s), done)
            if time.monotonic() - log.state_written_s >= options.state_every_s:
                save_state(options.output, learner.state(), progress, settings)
                log.state_written_s = time.monotonic()
        if snapshots_due(options, fraction(options, progress)) > snapshots:
            snapshots += 1
            save(options.output / 'snapshots' / f'{progress.step:06d}')

    save(options.output)
    plot_loss(options.output / LOG_FILE, options.output / 'loss.png')
    (options.output / STATE_FILE).unlink(missing_ok=True)
    return options.output


def prepare(
    options: TrainConfig, config: PolicyConfig, contract: Contract, buffer: ReplayBuffer
) -> tuple[SequenceDataset, Learner]:
    """Return the sequences to learn from and the learner, fresh or from another checkpoint."""
    start = load_policy(options.init_from, contract) if options.init_from else None
    if start and start.config != config:
        raise ConfigError(f'{options.init_from} has other settings than asked for: {start.config}')
    normalizer = start.normalizer if start else None
    dataset = SequenceDataset(contract, buffer, config.image_crop, normalizer)
    network = start.network if start else PolicyNetwork(contract, config)
    return dataset, Learner(network, config, options)


def schedule(step: int, done: float, options: TrainConfig) -> float:
    """Return the learning rate as a share of its peak: linear rise, then half a cosine."""
    warm = min(1.0, (step + 1) / max(1, options.warmup_steps))
    return warm * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


def fraction(options: TrainConfig, progress: Progress) -> float:
    """Return the share of the run that is done."""
    if options.steps:
        return progress.step / options.steps
    return progress.cpu_s / options.budget_cpu_s


def snapshots_due(options: TrainConfig, done: float) -> int:
    """Return how many snapshots a run that is `done` should have written, the last one apart."""
    share = (done - SNAPSHOT_FROM) / (1.0 - SNAPSHOT_FROM)
    return min(options.snapshots - 1, max(0, math.floor(share * options.snapshots + 1e-9)))


def mean_loss(losses: list[Tensor], step: int) -> float:
    """Average the last losses; a loss that is not finite ends the run."""
    mean = float(torch.stack(losses).mean())
    if not math.isfinite(mean):
        raise DatasetError(
            f'the loss became {mean} at step {step}; lower --learning-rate or look for outliers '
            'in the dataset'
        )
    return mean


def describe(options: TrainConfig, config: PolicyConfig, data: dict[str, Any]) -> str:
    """Return the settings that a resumed run must share, as JSON."""
    plain = {**vars(options), 'datasets': [str(path) for path in options.datasets]}
    for name in ('output', 'state_every_s'):
        plain.pop(name)
    return json.dumps({'run': plain, **config.to_dict(), 'data': data}, sort_keys=True)


def provenance(settings: str, progress: Progress) -> dict[str, Any]:
    """Say how a checkpoint came about, as plain data; folders by name, they are private."""
    run = json.loads(settings)['run']
    run['datasets'] = [Path(folder).name for folder in run['datasets']]
    run['init_from'] = Path(run['init_from']).name
    return {
        'training': run,
        'settings_sha256': hashlib.sha256(settings.encode()).hexdigest(),
        'steps': progress.step,
        'cpu_s': round(progress.cpu_s, 1),
        'torch': str(torch.__version__),
    }


def is_finished(folder: Path, settings: str) -> bool:
    """Say whether `folder` holds the result of this run; another one's is never overwritten."""
    if not (folder / POLICY_FILE).exists():
        return False
    wanted = hashlib.sha256(settings.encode()).hexdigest()
    if load_provenance(folder).get('settings_sha256') != wanted:
        raise ConfigError(
            f'{folder} holds a policy from other settings; choose another --output or remove it'
        )
    return True
