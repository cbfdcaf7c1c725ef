# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The training loop, flat: batch, noise, loss, step, average; and its files."""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import json
import math
from pathlib import Path
import time
from typing import Any

import torch
from torch import Tensor

from dp_core.checkpoint import load_policy
from dp_core.checkpoint import save_policy
from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.denoise import training_scheduler
from dp_core.errors import DatasetError
from dp_core.normalize import Normalizer
from dp_core.policy import Policy
from dp_core.policy import PolicyNetwork
from dp_core.replay_buffer import load_dataset
from dp_core.training.compute import compiled
from dp_core.training.compute import precision
from dp_core.training.dataset import EpochOrder
from dp_core.training.dataset import SequenceDataset
from dp_core.training.ema import Ema
from dp_core.training.loss import DenoisingLoss
from dp_core.training.loss import draw_noise
from dp_core.training.options import TrainConfig
from dp_core.training.plot import plot_loss
from dp_core.training.state import load_state
from dp_core.training.state import LOG_FILE
from dp_core.training.state import Progress
from dp_core.training.state import RunLog
from dp_core.training.state import save_state
from dp_core.training.state import STATE_FILE

LOG_EVERY = 20
SNAPSHOT_FROM = 0.6  # fraction of the run after which snapshots are kept


def train(
    options: TrainConfig,
    config: PolicyConfig,
    report: Callable[[dict[str, Any], float], None] = lambda line, done: None,
) -> Path:
    """Train a policy and write its checkpoint folder.

    A run that was killed goes on from its state file when called again with the same settings.

    Args:
        options: the run.
        config: network and diffusion.
        report: called with each log line and the fraction done.

    Returns:
        The checkpoint folder, `options.output`.
    """
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    contract, buffer = load_dataset(options.dataset)
    options.output.mkdir(parents=True, exist_ok=True)
    start = load_policy(options.init_from, contract) if options.init_from else None
    dataset = SequenceDataset(
        contract, buffer, config.image_crop, start.normalizer if start else None
    )
    network = start.network if start else PolicyNetwork(contract, config)
    network.train()
    weights = dict(network.named_parameters())
    ema = Ema(weights)
    optimizer = torch.optim.AdamW(
        weights.values(),
        options.learning_rate,
        betas=(0.95, 0.999),
        weight_decay=options.weight_decay,
        fused=True,
    )
    settings = describe(options, config, contract)
    progress = _restore(options.output, settings, network, ema, optimizer)
    log = RunLog(options.output / LOG_FILE, progress.step)
    order = EpochOrder(len(dataset), options.batch_size, options.seed)
    noising = training_scheduler(config)
    loss_of = compiled(DenoisingLoss(network), options.compile)

    losses: list[Tensor] = []
    snapshot = _snapshots_due(options, _fraction(options, progress))
    state_written = time.monotonic()
    while (done := _fraction(options, progress)) < 1.0:
        for group in optimizer.param_groups:
            group['lr'] = options.learning_rate * schedule(progress.step, done, options)
        batch = dataset.batch(order(progress.step), options.seed, progress.step)
        noise, timesteps = draw_noise(
            batch.actions.shape, config.train_timesteps, options.seed, progress.step
        )
        noisy = noising.add_noise(batch.actions, noise, timesteps)  # (B, horizon, action_dim)
        with precision(options.bf16):
            loss = loss_of(batch.low_dim, batch.images, noisy, timesteps, noise)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        ema.update(weights.values(), progress.step)
        progress.step += 1
        progress.update_clock()

        losses.append(loss.detach())
        if progress.step % LOG_EVERY == 0:
            mean = float(torch.stack(losses).mean())
            losses.clear()
            if not math.isfinite(mean):
                raise DatasetError(
                    f'the loss became {mean} at step {progress.step}; lower --learning-rate or '
                    'look for outliers in the dataset'
                )
            rate = optimizer.param_groups[0]['lr']
            report(log.write(progress.step, mean, rate, progress.cpu_s), done)
            if time.monotonic() - state_written >= options.state_every_s:
                save_state(options.output, _tensors(network, ema, optimizer), progress, settings)
                state_written = time.monotonic()
        if _snapshots_due(options, _fraction(options, progress)) > snapshot:
            snapshot += 1
            folder = options.output / 'snapshots' / f'{progress.step:06d}'
            _save(folder, contract, config, dataset.normalizer, ema, settings, progress)

    _save(options.output, contract, config, dataset.normalizer, ema, settings, progress)
    plot_loss(options.output / LOG_FILE, options.output / 'loss.png')
    (options.output / STATE_FILE).unlink(missing_ok=True)
    return options.output


def schedule(step: int, done: float, options: TrainConfig) -> float:
    """Return the learning rate as a share of its peak: linear rise, then half a cosine."""
    warm = min(1.0, (step + 1) / max(1, options.warmup_steps))
    return warm * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


def describe(options: TrainConfig, config: PolicyConfig, contract: Contract) -> str:
    """Return the settings that a resumed run must share, as JSON."""
    plain = {k: str(v) if isinstance(v, Path) else v for k, v in vars(options).items()}
    plain.pop('output')
    plain.pop('state_every_s')
    return json.dumps({**plain, **config.to_dict(), 'contract': contract.to_dict()}, sort_keys=True)


def _fraction(options: TrainConfig, progress: Progress) -> float:
    """Return the share of the run that is done."""
    if options.steps:
        return progress.step / options.steps
    return progress.cpu_s / options.budget_cpu_s


def _snapshots_due(options: TrainConfig, done: float) -> int:
    """Return how many snapshots a run that is `done` should have written, the last one apart."""
    share = (done - SNAPSHOT_FROM) / (1.0 - SNAPSHOT_FROM)
    return min(options.snapshots - 1, max(0, math.floor(share * options.snapshots)))


def _tensors(
    network: PolicyNetwork, ema: Ema, optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    return {
        'network': network.state_dict(),
        'ema': ema.weights,
        'optimizer': optimizer.state_dict(),
    }


def _restore(
    folder: Path,
    settings: str,
    network: PolicyNetwork,
    ema: Ema,
    optimizer: torch.optim.Optimizer,
) -> Progress:
    """Load the state of an interrupted run, if there is one."""
    found = load_state(folder, settings)
    if found is None:
        return Progress()
    state, progress = found
    network.load_state_dict(state['network'])
    ema.weights = state['ema']
    optimizer.load_state_dict(state['optimizer'])
    return progress


def _save(
    folder: Path,
    contract: Contract,
    config: PolicyConfig,
    normalizer: Normalizer,
    ema: Ema,
    settings: str,
    progress: Progress,
) -> None:
    """Write a checkpoint with the averaged weights."""
    network = PolicyNetwork(contract, config)
    network.load_state_dict(ema.weights)
    plain = json.loads(settings)
    names = {f.name for f in dataclasses.fields(TrainConfig)}
    provenance = {
        'training': {k: v for k, v in plain.items() if k in names},
        'steps': progress.step,
        'cpu_s': round(progress.cpu_s, 1),
        'torch': str(torch.__version__),
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    save_policy(folder, Policy(contract, config, normalizer, network), provenance)
