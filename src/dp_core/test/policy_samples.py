# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Small contracts, policies, windows and datasets for the tests of this folder."""

from pathlib import Path

from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.normalize import ACTION
from dp_core.normalize import MinMax
from dp_core.normalize import Normalizer
from dp_core.observation import ObservationWindow
from dp_core.policy import Policy
from dp_core.policy import PolicyNetwork
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
import numpy as np
import torch

SMALL = PolicyConfig(
    down_dims=(8, 16),
    kernel_size=3,
    n_groups=4,
    step_embedding_dim=8,
    image_channels=(8, 8, 8),
    image_features=8,
)


TRANSFORMER = PolicyConfig(
    denoiser='transformer',
    n_layers=2,
    n_heads=2,
    n_embed=16,
    n_groups=4,
    image_channels=(8, 8, 8),
    image_features=8,
)


def sample_contract(images: bool = False, **changes: object) -> Contract:
    """Two numbers seen and two commanded, To 2, Tp 8, Ta 4; optionally a 24 x 24 camera."""
    observations: list[dict[str, object]] = [{'name': 'tool', 'kind': 'vector', 'length': 2}]
    if images:
        camera = {'name': 'front', 'kind': 'image', 'topic': 'front', 'size': [24, 24]}
        observations.append(camera)
    data = {
        'name': 'sample',
        'dt_s': 0.1,
        'n_obs_steps': 2,
        'horizon': 8,
        'n_action_steps': 4,
        'observations': observations,
        'actions': [{'name': 'tool', 'kind': 'vector', 'dims': ['x', 'y']}],
    }
    return Contract.from_dict({**data, **changes})


def sample_normalizer() -> Normalizer:
    """Numbers seen lie in [0, 10], numbers commanded in [-2, 2]."""
    ten, two = np.full(2, 10, np.float32), np.full(2, 2, np.float32)
    return Normalizer({'tool': MinMax(0 * ten, ten), ACTION: MinMax(-two, two)})


def sample_policy(images: bool = False, config: PolicyConfig = SMALL) -> Policy:
    """A policy with random weights, always the same."""
    torch.manual_seed(0)
    contract = sample_contract(images)
    return Policy(contract, config, sample_normalizer(), PolicyNetwork(contract, config))


def sample_window(images: bool = False, value: float = 3.0) -> ObservationWindow:
    """A constant window."""
    low_dim = {'tool': np.full((2, 2), value, np.float32)}
    front = {'front': np.full((2, 24, 24, 3), 100, np.uint8)} if images else {}
    return ObservationWindow(0, low_dim, front)


def sample_buffer(lengths: tuple[int, ...] = (20, 12), images: bool = False) -> ReplayBuffer:
    """Episodes of a tool that walks in a circle and is told its next place."""
    n_frames = sum(lengths)
    angle = np.arange(n_frames) / 5
    tool = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    data = {'tool': tool, 'action': np.roll(tool, -1, axis=0)}
    if images:
        rng = np.random.default_rng(0)
        data['front'] = rng.integers(256, size=(n_frames, 24, 24, 3), dtype=np.uint8)
    return ReplayBuffer(data, np.cumsum(lengths), np.zeros(len(lengths), np.bool_))


def sample_dataset(folder: Path, images: bool = False) -> Path:
    """Write a small dataset folder."""
    save_dataset(folder, sample_contract(images), sample_buffer(images=images))
    return folder
