# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The training loop, flat: draw a batch, learn from it, average; and the files of a run.

Chi et al. (2303.04137v5): "DDPM Training" is the step, "Hyperparameters" of the appendix its
optimiser and schedule, their code the average of the weights.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
import math
from pathlib import Path

from dp_core.checkpoint import load_policy
from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.errors import DatasetError
from dp_core.memory import memory_advice
from dp_core.policy import PolicyNetwork
from dp_core.replay_buffer import ReplayBuffer
from dp_core.training.dataset import EpochOrder
from dp_core.training.dataset import SequenceDataset
from dp_core.training.draws import draw
from dp_core.training.fingerprint import fingerprint
from dp_core.training.learner import Learner
from dp_core.training.monitors import Report
from dp_core.training.options import TrainConfig
from dp_core.training.pictures import chosen_cache
from dp_core.training.pictures import load_for_training
from dp_core.training.processes import joined
from dp_core.training.processes import Team
from dp_core.training.run_files import RunFiles
from dp_core.training.settings import describe
from dp_core.training.settings import is_finished
from dp_core.training.snapshots import Score
from dp_core.training.snapshots import snapshots_due
from dp_core.training.state import load_state
from dp_core.training.state import Progress
import torch
from torch import Tensor

LOG_EVERY = 20  # steps


def train(
    options: TrainConfig,
    config: PolicyConfig,
    report: Report = lambda line, done: None,
    score: Score | None = None,
) -> Path:
    """Train a policy and write its checkpoint folder.

    Called again with the same settings, a killed run goes on and a finished one stays as it is.
    Under `torchrun` this is one process of a run.

    Args:
        options: the run.
        config: network and diffusion.
        report: called in process 0 with each log line, and each score, and the fraction done.
        score: rolls a policy out; called with the average of the weights at every snapshot.

    Returns:
        The checkpoint folder, `options.output`.
    """
    asked = f'--batch-size {options.batch_size}'
    with memory_advice(options.device, asked, remedy(options)), joined(options.device) as team:
        return _train(options, config, report, score, team)


def _train(
    options: TrainConfig, config: PolicyConfig, report: Report, score: Score | None, team: Team
) -> Path:
    """Train as one process of a team."""
    if options.budget_cpu_s and team.size > 1:
        raise ConfigError('processes use unequal CPU time: under torchrun give steps, no budget')
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    cache = team.as_rank_0(lambda: chosen_cache(options.datasets, options.cache, team.local_size))
    with team.one_after_rank_0():
        contract, buffer = load_for_training(options.datasets, cache)
    data = {**contract.to_dict(), 'frames': len(buffer), **fingerprint(options, buffer)}
    settings = describe(options, config, data, team.size)
    team.require_agreement(settings, 'the run')
    if is_finished(options.output, settings):
        return options.output
    dataset, learner = prepare(options, config, contract, buffer, team)

    options.output.mkdir(parents=True, exist_ok=True)
    resumed = load_state(options.output, settings)
    progress = Progress(resumed['step'], resumed['cpu_s']) if resumed else Progress()
    team.require_agreement(progress.step, 'the step to go on from')
    if resumed:
        learner.restore(resumed)
    done = fraction(options, progress)
    files = RunFiles(options, settings, progress, report, score) if team.writes else None
    averaged = partial(learner.policy, contract, config, dataset.normalizer)
    shares = team.rows(options.batch_size, options.accumulate)
    batch_size = team.size * options.accumulate * options.batch_size  # G, of all processes
    order = EpochOrder(len(dataset), batch_size, options.seed)
    losses, samples = list[Tensor](), 0  # of the steps since the last line of the log
    while done < 1.0:
        step, seed = progress.step, options.seed
        rate = options.learning_rate * schedule(step, done, options)
        sequences = order(step)  # (G,)
        draws = draw(batch_size, contract, learner.timesteps, seed, step, options.noise_draws)
        for rows in shares:
            batch = dataset.batch(sequences, seed, step, rows)
            losses.append(learner.accumulate(batch, draws.of(rows), rows is shares[-1]))
        learner.update(step, rate)

        samples += batch_size
        progress.advance()
        before, done = done, fraction(options, progress)
        is_snapshot = snapshots_due(options, done) > snapshots_due(options, before)
        # States are written where a line of the log ends: from there, the same lines follow.
        if is_snapshot or progress.step % LOG_EVERY == 0 or done >= 1.0:
            loss = finite(team.mean(torch.stack(losses).mean()), progress.step)
            losses.clear()
            if files:
                files.log(loss, rate, samples, done)
                if is_snapshot:
                    files.snapshot(averaged(), done)
                files.save_state(learner.state, at_once=is_snapshot or done >= 1.0)

    if files:
        files.finish(averaged())
    team.wait()
    return options.output


def prepare(
    options: TrainConfig,
    config: PolicyConfig,
    contract: Contract,
    buffer: ReplayBuffer,
    team: Team | None = None,
) -> tuple[SequenceDataset, Learner]:
    """Return the sequences to learn from and the learner, fresh or from another checkpoint."""
    start = load_policy(options.init_from, contract) if options.init_from else None
    if start and start.config != replace(config, **start.config.without_weights()):
        raise ConfigError(f'{options.init_from} has other settings than asked for: {start.config}')
    normalizer = start.normalizer if start else None
    dataset = SequenceDataset(contract, buffer, config.image_crop, normalizer)
    network = PolicyNetwork(contract, config)
    if start:
        network.load_state_dict(start.network.state_dict())
    if options.image_weights:
        network.encoder.load_image_weights(options.image_weights)
    return dataset, Learner(network, config, options, team)


def remedy(options: TrainConfig) -> str:
    """Say what takes less memory."""
    half, odd = divmod(options.batch_size, 2)
    same_steps = f'--batch-size {half} --accumulate {2 * options.accumulate} (the same steps), '
    return (
        ('' if odd else same_steps)
        + '--precision bf16, smaller --down-dims or --image-channels'
        + ('' if options.cache == 'disk' else ', or --cache disk for pictures')
        + '; a run that had started goes on from its last state only with the same settings'
    )


def schedule(step: int, done: float, options: TrainConfig) -> float:
    """Return the learning rate as a share of its largest: linear rise times half a cosine."""
    warm = min(1.0, (step + 1) / max(1, options.warmup_steps))
    return warm * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


def fraction(options: TrainConfig, progress: Progress) -> float:
    """Return the share of the run that is done."""
    if options.steps:
        return progress.step / options.steps
    return progress.cpu_s / options.budget_cpu_s


def finite(loss: Tensor, step: int) -> float:
    """Return the loss as a number; one that is not finite ends the run."""
    mean = float(loss)
    if not math.isfinite(mean):
        raise DatasetError(
            f'the loss became {mean} at step {step}; lower --learning-rate or look for outliers '
            'in the dataset'
        )
    return mean
