# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Small datasets of ours and of LeRobot, with numbers a person can check."""

import json
from pathlib import Path

from bag_samples import contract
from dp_core.replay_buffer import load_dataset
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
from dp_data_tools.cli import main
import numpy as np

PUSHT = Path(__file__).parents[4] / 'shared' / 'data' / 'pusht_lerobot_v3'


def sample(path, lengths=(12, 9, 15), camera=True, what=None):
    """Dataset of ours: joint a is the row, b its half; every picture is another one."""
    rows = sum(lengths)
    row = np.arange(rows, dtype=np.float32)
    data = {
        'arm': np.stack([row, row / 2], axis=1),
        'action': np.stack([row + 0.1, -row], axis=1).astype(np.float32),
    }
    if camera:
        place = np.arange(8 * 8 * 3).reshape(8, 8, 3)
        data['front'] = ((place + 5 * row[:, None, None, None]) % 256).astype(np.uint8)
    pad = np.arange(len(lengths)) % 2 == 1
    buffer = ReplayBuffer(data, np.cumsum(lengths), pad)
    save_dataset(path, what or contract(camera), buffer)
    return path


def export(source, kind, output, *options):
    """Run `dp_data_tools export`; return its exit status."""
    return main(['export', str(source), '--format', kind, '--output', str(output), *options])


def lerobot(tmp_path, *options, name='lero', **changes):
    """LeRobot dataset of `sample`."""
    source = tmp_path / 'ours'
    if not source.exists():
        sample(source, **changes)
    assert export(source, 'lerobot', tmp_path / name, *options) == 0
    return tmp_path / name


def require_equal(one, other):
    """Require two datasets of ours to hold the same, bit for bit."""
    (contract_1, a), (contract_2, b) = load_dataset(one), load_dataset(other)
    assert contract_1 == contract_2
    assert a.episode_ends.tolist() == b.episode_ends.tolist()
    assert a.no_end_pad.tolist() == b.no_end_pad.tolist()
    for name, values in a.data.items():
        assert values.dtype == b.data[name].dtype
        assert values.tobytes() == b.data[name].tobytes(), name


def change_info(folder, **changes):
    """Change what meta/info.json says."""
    path = folder / 'meta' / 'info.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
