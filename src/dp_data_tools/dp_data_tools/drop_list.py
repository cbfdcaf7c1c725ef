# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Episodes that are not to be taken, with reasons; `dp_data_tools check` writes such a file.

    drop:
    - {bag: take_07, episode: 0, reason: the wrist camera is frozen for 2.1 s}

``bag`` is the name of the bag and ``episode`` its number there, both as in `episodes.yaml`.
Without ``episode`` the whole bag is dropped. Where bags of one name lie in several folders, the
folder belongs to the name: ``monday/take_07``.
"""

from __future__ import annotations

from collections.abc import Sequence
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


class Drops:
    """The entries of a drop list, and which of them were of use."""

    def __init__(self, drops: tuple[Drop, ...], bags: Sequence[Path]) -> None:
        """Look up the entries among the bags.

        Raises:
            DatasetError: the name of an entry belongs to several bags.
        """
        self._drops = drops
        self._used: set[Drop] = set()
        for drop in drops:
            found = [str(bag) for bag in bags if _fits(drop, bag)]
            if len(found) > 1:
                raise DatasetError(
                    f'drop list: bag {drop.bag!r} may be any of {found}; write its folder as '
                    'well, such as monday/take_07'
                )

    def reason(self, bag: Path, episode: int | None) -> str | None:
        """Why an episode is dropped, or with None the whole bag; None when it is not."""
        named = [drop for drop in self._drops if _fits(drop, bag)]
        found = [drop for drop in named if drop.episode in (-1, episode)]
        if not found:
            return None
        # Of a bag that is dropped as a whole nobody asks for the episodes.
        self._used.update(named if episode is None else found)
        return f'drop list: {found[0].reason or "no reason given"}'

    @property
    def unused(self) -> tuple[Drop, ...]:
        """Entries that named nothing."""
        return tuple(drop for drop in self._drops if drop not in self._used)


def _fits(drop: Drop, bag: Path) -> bool:
    parts = Path(drop.bag).parts
    return bag.resolve().parts[-len(parts) :] == parts


def _drop(entry: Any, path: Path) -> Drop:
    fits = isinstance(entry, dict) and isinstance(entry.get('bag'), str)
    number = entry.get('episode', -1) if fits else None
    if not fits or isinstance(number, bool) or not isinstance(number, int) or number < -1:
        raise DatasetError(
            f'drop list {path}: entry {entry!r}, valid: {{bag: name, episode: 0, reason: words}}'
        )
    return Drop(entry['bag'], number, str(entry.get('reason') or ''))
