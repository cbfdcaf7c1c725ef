# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A training step of LeRobot's Diffusion Policy, for comparison; the package is optional."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any

from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.training.dataset import SequenceDataset
from dp_core.training.options import TrainConfig
import numpy as np
import torch
from torch import Tensor

LEROBOT_VERSION = (
    importlib.metadata.version('lerobot') if importlib.util.find_spec('lerobot') else ''
)
Batches = Iterator[dict[str, Tensor]]


def lerobot_step(
    contract: Contract,
    dataset: SequenceDataset,
    config: PolicyConfig,
    batch_size: int,
    bf16: bool,
    own_dataset: Path | None = None,
) -> tuple[Callable[[], None], int]:
    """Return a step of their policy with our sizes, and the number of its weights.

    Args:
        contract: what is seen and commanded.
        dataset: our sequences, whose tensors it gets where it has no dataset of its own.
        config: network.
        batch_size: sequences.
        bf16: matrix products in bfloat16.
        own_dataset: the same as LeRobot stores it.
    """
    from lerobot.policies.diffusion.modeling_diffusion import DiffusionPolicy

    policy = DiffusionPolicy(_their_config(contract, config)).train()
    optimizer = torch.optim.AdamW(
        policy.parameters(), 1e-4, betas=TrainConfig.betas, weight_decay=1e-6
    )
    ready = _ready(contract, dataset, batch_size)
    batches = read_lerobot(contract, own_dataset, batch_size) if own_dataset else ready

    def step() -> None:
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=bf16):
            loss, _ = policy.forward(next(batches))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 10.0)  # as lerobot-train does
        optimizer.step()
        optimizer.zero_grad()

    return step, sum(p.numel() for p in policy.parameters())


def _their_config(contract: Contract, config: PolicyConfig) -> Any:
    from lerobot.configs.types import FeatureType
    from lerobot.configs.types import PolicyFeature
    from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig

    numbers = sum(s.dim for s in contract.low_dim)
    seen = {'observation.state': PolicyFeature(FeatureType.STATE, (numbers,))}
    if not contract.images:  # it wants pictures or this; the split is ours
        first, *rest = contract.low_dim
        seen['observation.environment_state'] = PolicyFeature(FeatureType.ENV, (first.dim,))
        dim = sum(s.dim for s in rest)
        seen['observation.state'] = PolicyFeature(FeatureType.STATE, (dim,))
    for stream in contract.images:
        shape = (3, *stream.size)
        seen[f'observation.images.{stream.name}'] = PolicyFeature(FeatureType.VISUAL, shape)
    size = contract.images[0].size if contract.images else (0, 0)
    crop = tuple(round(config.image_crop * side) for side in size) if contract.images else None
    return DiffusionConfig(
        n_obs_steps=contract.n_obs_steps,
        horizon=contract.horizon,
        n_action_steps=contract.n_action_steps,
        input_features=seen,
        output_features={'action': PolicyFeature(FeatureType.ACTION, (contract.action_dim,))},
        down_dims=config.down_dims,
        kernel_size=config.kernel_size,
        n_groups=config.n_groups,
        diffusion_step_embed_dim=config.step_embedding_dim,
        crop_shape=crop,
        pretrained_backbone_weights=None,
        use_group_norm=True,
        device='cpu',
    )


def _ready(contract: Contract, dataset: SequenceDataset, batch_size: int) -> Batches:
    """Yield one batch of ours again and again, in their names: no reading, no conversion."""
    ours = dataset.batch(np.arange(batch_size) % len(dataset))
    numbers = [ours.low_dim[s.name] for s in contract.low_dim]
    if contract.images:
        batch = {'observation.state': torch.cat(numbers, dim=-1)}
    else:
        batch = {'observation.environment_state': numbers[0]}
        batch['observation.state'] = torch.cat(numbers[1:], dim=-1)
    for stream in contract.images:
        whole = torch.rand(batch_size, contract.n_obs_steps, 3, *stream.size)
        batch[f'observation.images.{stream.name}'] = whole
    batch['action'] = ours.actions
    batch['action_is_pad'] = torch.zeros(ours.actions.shape[:2], dtype=torch.bool)
    while True:
        yield batch


def read_lerobot(contract: Contract, folder: Path, batch_size: int) -> Batches:
    """Yield batches as lerobot-train reads them, in this process.

    Raises:
        ConfigError: the contract sees no pictures.
    """
    if not contract.images:
        raise ConfigError(
            f'--lerobot-dataset is {str(folder)!r}, but the contract {contract.name!r} sees no '
            "pictures: LeRobot's policy then wants observation.environment_state, which is not "
            'in the dataset; valid: a dataset with images, or no --lerobot-dataset'
        )
    return _read(contract, folder, batch_size)


def _read(contract: Contract, folder: Path, batch_size: int) -> Batches:
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    past = [contract.dt_s * k for k in range(1 - contract.n_obs_steps, 1)]
    future = [contract.dt_s * k for k in range(contract.horizon)]
    cameras = {f'observation.images.{s.name}': past for s in contract.images}
    times = {'observation.state': past, 'action': [past[0] + t for t in future], **cameras}
    stored = LeRobotDataset('local/bench', root=folder, delta_timestamps=times)
    loader: Any = torch.utils.data.DataLoader(
        stored, batch_size=batch_size, shuffle=True, drop_last=True
    )
    while True:
        yield from loader
