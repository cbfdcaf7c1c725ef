# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Section `convert` of the bench: a large bag becomes a dataset, against reading and a loop.

In turns, with a warm cache: the file is read and nothing else; `rosbags` reads every message;
`dp_data_tools convert` works; and the obvious loop works, which reads and decodes every message
with `rosbags` and `dp_core.decode`, then chooses.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import shutil
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from dp_core.replay_buffer import load_dataset
from dp_data_tools.bench.convert_work import WORKS
from dp_data_tools.bench.sample_bag import BYTES_PER_S
from dp_data_tools.bench.sample_bag import CAMERAS
from dp_data_tools.bench.sample_bag import COMMAND_HZ
from dp_data_tools.bench.sample_bag import DT_S
from dp_data_tools.bench.sample_bag import HEIGHT
from dp_data_tools.bench.sample_bag import PICTURE_HZ
from dp_data_tools.bench.sample_bag import STATE_HZ
from dp_data_tools.bench.sample_bag import WIDTH
from dp_data_tools.bench.sample_bag import write_bag
import numpy as np
import psutil

_GIB = 2**30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the section takes."""
    parser.add_argument('--gib', type=float, default=5.0, help='size of the bag (default 5)')
    parser.add_argument('--rounds', type=int, default=3, help='turns of each work (default 3)')


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Write the bag, let the works have their turns, and compare."""
    seconds = round(options.gib * _GIB / BYTES_PER_S, 1)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.output.parent, prefix='.convert_') as name:
        folder = Path(name)
        write_bag(folder / 'bag', seconds)
        size = sum(path.stat().st_size for path in (folder / 'bag').glob('*.mcap'))
        load = []
        taken: dict[str, list[dict[str, float]]] = {work: [] for work in WORKS}
        for _ in range(options.rounds):
            load.append(round(psutil.getloadavg()[0], 1))
            for work, runs in taken.items():
                runs.append(_take(work, folder))
        same = _same_content(folder)
    works = {work: _summary(runs, seconds, size) for work, runs in taken.items()}
    ours, loop, plain = works['convert'], works['obvious_loop'], works['plain_read']
    return {
        'bag': {
            'seconds': seconds,
            'gib': round(size / _GIB, 2),
            'cameras': f'{len(CAMERAS)} x {WIDTH} x {HEIGHT} rgb8 at {PICTURE_HZ} Hz',
            'joint_states_hz': STATE_HZ,
            'commands_hz': COMMAND_HZ,
        },
        'dataset': {'hz': 1 / DT_S, 'pixel': 96},
        'load_average': load,
        'times_real_time': ours['times_real_time'],
        'times_real_time_per_cpu_s': ours['times_real_time_per_cpu_s'],
        'of_plain_read': round(plain['seconds'] / ours['seconds'], 3),
        'times_obvious_loop': round(loop['seconds'] / ours['seconds'], 2),
        'times_obvious_loop_per_cpu_s': round(loop['cpu_s'] / ours['cpu_s'], 2),
        'peak_mib': ours['peak_mib'],
        'same_content_as_the_loop': same,
        'works': works,
    }


def _take(work: str, folder: Path) -> dict[str, float]:
    """Seconds, CPU seconds and peak memory [MiB] of one work in a process of its own."""
    output = folder / work
    shutil.rmtree(output, ignore_errors=True)
    words = [sys.executable, '-m', 'dp_data_tools.bench.convert_work', work]
    done = subprocess.run(
        [*words, str(folder / 'bag'), str(output)], check=True, stdout=subprocess.PIPE, text=True
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _summary(runs: list[dict[str, float]], recorded_s: float, size: int) -> dict[str, Any]:
    seconds = statistics.median(run['seconds'] for run in runs)
    cpu_s = statistics.median(run['cpu_s'] for run in runs)
    return {
        'seconds': seconds,
        'all_seconds': [run['seconds'] for run in runs],
        'cpu_s': cpu_s,
        'peak_mib': max(run['peak_mib'] for run in runs),
        'times_real_time': round(recorded_s / seconds, 1),
        'times_real_time_per_cpu_s': round(recorded_s / cpu_s, 1),
        'mib_per_s': round(size / 2**20 / seconds),
    }


def _same_content(folder: Path) -> bool:
    """Whether both datasets hold as many rows, the same pictures and nearly the same numbers."""
    ours, theirs = (load_dataset(folder / name)[1].data for name in ('convert', 'obvious_loop'))
    return ours.keys() == theirs.keys() and all(
        np.array_equal(array, theirs[name])
        if array.dtype == np.uint8
        else array.shape == theirs[name].shape and np.allclose(array, theirs[name], atol=1e-6)
        for name, array in ours.items()
    )
