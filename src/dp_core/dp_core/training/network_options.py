# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""An option of the command line for every setting of `PolicyConfig`.

A setting has one description and one default, those of `dp_core.config`; nothing is said twice.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
from pathlib import Path
import re
from typing import Any

from dp_core import config
from dp_core.config import PolicyConfig
from dp_core.errors import ConfigError
import yaml

# As the paper fine-tunes CLIP; at the full rate what it has learned is soon lost.
CLIP_LEARNING_RATE = 0.1
_CHOICES = {
    'denoiser': config.DENOISERS,
    'film': config.FILMS,
    'conditioning': config.CONDITIONINGS,
    'image_encoder': config.IMAGE_ENCODERS,
    'beta_schedule': config.BETA_SCHEDULES,
    'sampler': config.SAMPLERS,
}


def add_network(group: argparse._ArgumentGroup) -> None:
    """Add `--network` and an option for each setting; one that is not given has no value."""
    group.add_argument(
        '--network', type=Path, metavar='FILE', help='settings (YAML, name: value); options win'
    )
    described = _descriptions()
    for field in dataclasses.fields(PolicyConfig):
        text = f'{described.get(field.name, "")} [{_plain(field.default)}]'.replace('%', '%%')
        group.add_argument(
            '--' + field.name.replace('_', '-'),
            dest=field.name,
            default=argparse.SUPPRESS,
            help=text,
            **_reading(field),
        )


def policy_config(arguments: argparse.Namespace) -> PolicyConfig:
    """Take the network's settings from the command line and the file it names.

    Without a file, they are those of the checkpoint that the run starts from, if any.

    Raises:
        ConfigError: the file cannot be read, or a setting is unknown or not valid.
    """
    names = {field.name for field in dataclasses.fields(PolicyConfig)}
    given = {name: value for name, value in vars(arguments).items() if name in names}
    given = {name: list(v) if isinstance(v, tuple) else v for name, v in given.items()}
    base = {'image_encoder': PolicyConfig().image_encoder}
    start = Path(arguments.init_from) / 'policy.yaml'  # one that is missing is told when loaded
    path = start if arguments.init_from and start.exists() else None
    chosen = {**base, **_from_file(arguments.network or path), **given}
    if chosen['image_encoder'] == 'clip_vit_b_16':
        chosen.setdefault('image_learning_rate', CLIP_LEARNING_RATE)
    return PolicyConfig.from_dict(chosen)


def _from_file(path: Path | None) -> dict[str, Any]:
    """Read settings: a mapping of names, or the `policy.yaml` of a checkpoint."""
    if path is None:
        return {}
    try:
        data = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f'cannot read the settings in {path}: {error}') from error
    if isinstance(data, dict) and {'format', 'config', 'contract'} <= set(data):
        return PolicyConfig.from_dict(data['config']).to_dict()
    if not isinstance(data, dict):
        raise ConfigError(f'{path} holds {type(data).__name__}, valid: name: value')
    return data


def _reading(field: dataclasses.Field[Any]) -> dict[str, Any]:
    """Arguments of `add_argument` for a value like the field's default."""
    if isinstance(field.default, bool):
        return {'action': argparse.BooleanOptionalAction}
    if isinstance(field.default, tuple):
        return {'type': int, 'nargs': '+', 'metavar': 'N'}
    if field.name in _CHOICES:
        return {'choices': _CHOICES[field.name]}
    return {'type': type(field.default), 'metavar': 'X'}


def _plain(default: Any) -> str:
    return ' '.join(map(str, default)) if isinstance(default, tuple) else str(default)


def _descriptions() -> dict[str, str]:
    """What the class says of each of its attributes."""
    text = inspect.getdoc(PolicyConfig) or ''
    attributes = inspect.cleandoc(text.partition('Attributes:\n')[2])
    entries = re.split(r'\n(?=\w)', attributes)
    pairs = (entry.partition(': ') for entry in entries)
    return {name: ' '.join(words.split()) for name, _, words in pairs}
