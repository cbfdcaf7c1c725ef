# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Train a small policy within a claim, by the same code as `dp_train`."""

from pathlib import Path
import tempfile

from dp_core.checkpoint import load_policy
from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.policy import Policy
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
from dp_core.training.options import TrainConfig
from dp_core.training.train import train
import torch

SMALL = PolicyConfig(down_dims=(32, 64), step_embedding_dim=32)  # a quarter million weights


def settings(dataset: Path, output: Path, steps: int, seed: int, batch_size: int) -> TrainConfig:
    """Return a run of `dp_train` in single precision that needs no C++ compiler."""
    return TrainConfig(
        datasets=(dataset,),
        output=output,
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        compile=False,
        bf16=False,
        threads=torch.get_num_threads(),
    )


def fit(
    contract: Contract,
    buffer: ReplayBuffer,
    config: PolicyConfig,
    steps: int,
    seed: int,
    batch_size: int = 256,
) -> Policy:
    """Write the dataset, train on it and load the checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        dataset, output = Path(folder) / 'dataset', Path(folder) / 'policy'
        save_dataset(dataset, contract, buffer)
        train(settings(dataset, output, steps, seed, batch_size), config)
        return load_policy(output, contract)
