# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Episodes that are not to be taken, with reasons; `dp_data_tools check` writes such a file.

    drop:
    - {bag: take_07, episode: 0, reason: the wrist camera is frozen for 2.1 s}

``bag`` is the name of the bag and ``episode`` its number there, both as in `episodes.yaml`.
Without ``episode`` the whole bag is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dp_core.errors import DatasetError
import yaml


@dataclass(frozen=True)
class Drop:
    """One entry.

    Attributes:
        bag: name of its folder or file.
        episode: number within the bag; -1 for all of them.
        reason: for people.
    """

    bag: str
    episode: int = -1
    reason: str = ''


def load_drops(path: Path) -> tuple[Drop, ...]:
    """Read a drop list.

    Raises:
        DatasetError: it cannot be read, or an entry is malformed; the entry is shown.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DatasetError(f'cannot read drop list {path}: {error}') from error
    entries = content.get('drop') if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise DatasetError(f'drop list {path} has no list `drop`')
    return tuple(_drop(entry, path) for entry in entries)


def reason_to_drop(drops: tuple[Drop, ...], bag: str, episode: int) -> str | None:
    """Why an episode is dropped; None when it is not."""
    for drop in drops:
        if drop.bag == bag and drop.episode in (-1, episode):
            return drop.reason or 'no reason given'
    return None


def _drop(entry: Any, path: Path) -> Drop:
    fits = isinstance(entry, dict) and isinstance(entry.get('bag'), str)
    number = entry.get('episode', -1) if fits else None
    if not fits or isinstance(number, bool) or not isinstance(number, int) or number < -1:
        raise DatasetError(
            f'drop list {path}: entry {entry!r}, valid: {{bag: name, episode: 0, reason: words}}'
        )
    return Drop(entry['bag'], number, str(entry.get('reason') or ''))
