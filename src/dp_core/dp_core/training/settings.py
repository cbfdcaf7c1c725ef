# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which run a folder belongs to: what was asked for, as text that is stored and compared."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from dp_core.checkpoint import load_provenance
from dp_core.checkpoint import POLICY_FILE
from dp_core.config import PolicyConfig
from dp_core.errors import ConfigError
from dp_core.training.options import TrainConfig
from dp_core.training.state import Progress
import torch

# What may differ when a killed run goes on: it changes no weight.
FREE = ('output', 'state_every_s', 'cache', 'snapshots_kept')


def describe(
    options: TrainConfig, config: PolicyConfig, data: dict[str, Any], processes: int = 1
) -> str:
    """Return the settings that a resumed run must share, as JSON."""
    plain = {**vars(options), 'datasets': [str(path) for path in options.datasets]}
    for name in FREE:
        plain.pop(name)
    older = {
        'score': '',
        'noise_draws': 1,
        'encoder_weight_decay': options.weight_decay,
        'betas': (0.95, 0.999),
    }  # what older runs did, and do not say
    plain = {name: value for name, value in plain.items() if older.get(name) != value}
    run = {**plain, 'processes': processes}
    return json.dumps({'run': run, **config.to_dict(), 'data': data}, sort_keys=True)


def provenance(settings: str, progress: Progress) -> dict[str, Any]:
    """Say how a checkpoint came about, as plain data; paths by name, they are private."""
    run = json.loads(settings)['run']
    run['datasets'] = [Path(folder).name for folder in run['datasets']]
    for key in ('init_from', 'image_weights'):
        run[key] = Path(run[key]).name
    return {
        'training': run,
        'settings_sha256': hashlib.sha256(settings.encode()).hexdigest(),
        'steps': progress.step,
        'cpu_s': round(progress.cpu_s, 1),
        'torch': str(torch.__version__),
    }


def is_finished(folder: Path, settings: str) -> bool:
    """Say whether `folder` holds the result of this run; another one's is never overwritten."""
    if not (folder / POLICY_FILE).exists():
        return False
    wanted = hashlib.sha256(settings.encode()).hexdigest()
    if load_provenance(folder).get('settings_sha256') != wanted:
        raise ConfigError(
            f'{folder} holds a policy from other settings; choose another --output or remove it'
        )
    return True
