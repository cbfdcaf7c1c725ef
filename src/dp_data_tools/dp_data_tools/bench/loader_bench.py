# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Section `loader` of the bench: how fast one core makes training batches with pictures.

A sample is one window of two frames of one camera at 96 px, with its action sequence. It is
gathered from the frames in memory, as `dp_train` does, and becomes the float32 that the networks
see by the function of the encoder.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
import statistics
import tempfile
import time
from typing import Any

from dp_core.contract import Contract
from dp_core.encode import unit_images
from dp_core.replay_buffer import load_dataset
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
from dp_core.training.dataset import EpochOrder
from dp_core.training.dataset import SequenceDataset
import numpy as np
import torch
from torch import Tensor

_BATCH, _PIXEL, _EPISODE = 64, 96, 200
_CAMERA = 'front'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the section takes."""
    add = parser.add_argument
    add('--loader-frames', type=int, default=8000, help='frames of the dataset (default 8000)')
    add('--loader-batches', type=int, default=150, help='batches of a turn (default 150)')


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Write a dataset, read it again, and make batches of it with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=options.output.parent, prefix='.loader_') as name:
            folder = Path(name) / 'dataset'
            _write(folder, options.loader_frames)
            contract, buffer = load_dataset(folder)
        whole, cut = (SequenceDataset(contract, buffer, crop) for crop in (1.0, 0.875))
        count = options.loader_batches
        return {
            'sample': f'2 frames of 1 camera, {_PIXEL} x {_PIXEL} x 3, and the actions',
            'batch': _BATCH,
            'frames': len(buffer),
            'frames_mib': round(buffer.data[_CAMERA].nbytes / 2**20),
            'threads': 1,
            'float32': _samples_per_s(_batches(whole, count, True)),
            'float32_in_a_new_tensor': _samples_per_s(_batches(whole, count, False)),
            'float32_random_cut_84': _samples_per_s(_batches(cut, count, True)),
            'uint8': _samples_per_s(_batches(whole, count, None)),
            'uint8_random_cut_84': _samples_per_s(_batches(cut, count, None)),
        }
    finally:
        torch.set_num_threads(threads)


def _write(folder: Path, frames: int) -> None:
    camera = {'name': _CAMERA, 'kind': 'image', 'topic': 'front/image_raw'}
    joints = ['a', 'b', 'c', 'd', 'e', 'f']
    group = {'name': 'arm', 'kind': 'joint_position', 'dims': joints, 'joints': joints}
    contract = Contract.from_dict(
        {
            'name': 'loader',
            'dt_s': 0.1,
            'n_obs_steps': 2,
            'horizon': 16,
            'n_action_steps': 8,
            'observations': [{**camera, 'size': [_PIXEL, _PIXEL]}],
            'actions': [{**group, 'controller': 'joint_trajectory_controller'}],
        }
    )
    rng = np.random.default_rng(0)
    ends = np.append(np.arange(_EPISODE, frames, _EPISODE), frames)
    pictures = rng.integers(0, 256, (frames, _PIXEL, _PIXEL, 3), np.uint8)
    actions = rng.standard_normal((frames, len(joints))).astype(np.float32)
    data = {_CAMERA: pictures, 'action': actions}
    save_dataset(folder, contract, ReplayBuffer(data, ends, np.zeros(len(ends), np.bool_)))


def _batches(dataset: SequenceDataset, count: int, reuse: bool | None) -> Callable[[], int]:
    """Make ``count`` batches: float32 in a buffer that is reused or not, or (None) uint8."""
    order = EpochOrder(len(dataset), _BATCH, 0)
    kept: Tensor | None = None

    def work() -> int:
        nonlocal kept
        for step in range(count):
            images = dataset.batch(order(step), 0, step).images[_CAMERA]
            if reuse is not None:
                made = unit_images(images.flatten(0, 1), kept)
                kept = made if reuse else None
        return _BATCH * count

    return work


def _samples_per_s(work: Callable[[], int], turns: int = 7) -> dict[str, Any]:
    """Samples per second and per second of CPU: the median of some turns after a first one."""
    work()
    rates, cpu_rates = [], []
    for _ in range(turns):
        begun_s, cpu_begun_s = time.perf_counter(), time.process_time()
        samples = work()
        rates.append(samples / (time.perf_counter() - begun_s))
        cpu_rates.append(samples / (time.process_time() - cpu_begun_s))
    return {
        'samples_per_s': round(statistics.median(rates)),
        'samples_per_cpu_s': round(statistics.median(cpu_rates)),
        'all_samples_per_s': [round(rate) for rate in rates],
    }
