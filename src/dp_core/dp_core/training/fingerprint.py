# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a run learns from, as digits: a dataset that was made anew belongs to another run."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dp_core.checkpoint import WEIGHTS_FILE
from dp_core.replay_buffer import ReplayBuffer
from dp_core.training.options import TrainConfig
import numpy as np

FRAMES = 64  # pictures of each camera that are looked at: all of them would take a minute


def fingerprint(options: TrainConfig, buffer: ReplayBuffer) -> dict[str, str]:
    """Return digests of the data, and of the weights that a run begins with.

    Of numbers every one counts, of pictures some frames, evenly spread.
    """
    digest = hashlib.sha256()
    for name in sorted(buffer.data):
        values = buffer.data[name]
        parts = getattr(values, 'parts', [values])  # which depend on where pictures lie
        step = max(1, len(values) // FRAMES) if parts[0].ndim > 2 else 1
        digest.update(f'{name} {len(values)} {parts[0].shape[1:]} {parts[0].dtype}'.encode())
        first = 0
        for part in parts:
            digest.update(np.ascontiguousarray(part[-first % step :: step]).tobytes())
            first += len(part)
    for values in (buffer.episode_ends, buffer.no_end_pad):
        digest.update(np.ascontiguousarray(values).tobytes())
    result = {'sha256': digest.hexdigest()}
    begun = Path(options.init_from, WEIGHTS_FILE) if options.init_from else None
    for key, path in (('init_from', begun), ('image_weights', Path(options.image_weights))):
        if path is not None and path.is_file():
            result[f'{key}_sha256'] = hashlib.sha256(path.read_bytes()).hexdigest()
    return result
