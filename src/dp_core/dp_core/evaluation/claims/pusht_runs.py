# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The policies that the Push-T claims are about, trained where they are missing.

Three runs of the same network, steps, seed and noise, below `--output`, so that claims with the
same output share them: on the demonstrated positions, on velocities, and on demonstrations with
pauses. An interrupted run goes on, a finished one stays as it is.
"""

from __future__ import annotations

from pathlib import Path

from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.evaluation.claims import pusht_data
from dp_core.evaluation.claims.catalogue import Options
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
from dp_core.training.compute import has_bf16
from dp_core.training.options import TrainConfig
from dp_core.training.train import train

POSITION, VELOCITY, PAUSES = RUNS = ('position', 'velocity', 'pauses')
DOWN_DIMS = (32, 64, 128)  # a quarter of the shipped policy's weights, for a quarter of its time
STEPS = 1500
SNAPSHOTS = 10


def workplace(options: Options) -> Path:
    """Return the folder that keeps runs and episodes; that of quick ones lies apart."""
    return options.output / 'quick' if options.quick else options.output


def trained(run: str, options: Options) -> Path:
    """Return the checkpoint folder of a run, after training it where that is not done."""
    dataset = dataset_folder(run, options)
    folder = workplace(options) / 'runs' / run
    quick = options.quick
    train(
        TrainConfig(
            datasets=(dataset,),
            output=folder,
            steps=40 if quick else STEPS,
            batch_size=16 if quick else 256,
            seed=options.seed,
            snapshots=SNAPSHOTS if run == POSITION else 1,
            compile=not quick,
            bf16=has_bf16(),
        ),
        PolicyConfig(down_dims=(8, 16, 32) if quick else DOWN_DIMS),
    )
    return folder


def chosen(options: Options) -> Path:
    """Return the policy that was asked for, or else that of the run on positions."""
    return options.policy or trained(POSITION, options)


def dataset_folder(run: str, options: Options) -> Path:
    """Return the dataset of a run, written where it is missing."""
    folder = workplace(options) / 'datasets' / run
    if not folder.exists():
        save_dataset(folder, *variant(run, options.seed))
    return folder


def variant(run: str, seed: int) -> tuple[Contract, ReplayBuffer]:
    """Return the demonstrations as a run sees them."""
    contract, buffer = pusht_data.demonstrations()
    if run == VELOCITY:
        return pusht_data.with_velocities(contract, buffer)
    if run == PAUSES:
        return pusht_data.with_pauses(contract, buffer, seed)
    if run == POSITION:
        return contract, buffer
    raise ConfigError(f'no run {run!r}; there are {list(RUNS)}')


def checkpoints(options: Options) -> list[Path]:
    """Return the last ten checkpoints of the run on positions, oldest first."""
    folder = trained(POSITION, options)
    return [*sorted((folder / 'snapshots').iterdir()), folder]
