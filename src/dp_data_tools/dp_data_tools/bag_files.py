# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Where bags are: folders, folders of bags, single files; and whether a bag has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
import os
from pathlib import Path
import re

from dp_core.errors import DatasetError

SUFFIXES = ('.mcap', '.db3')
METADATA = 'metadata.yaml'
_PART = re.compile(r'(.*)_(0|[1-9]\d*)')  # the files of a split bag: take_0.mcap, take_1.mcap


def find_bags(paths: Sequence[Path]) -> list[Path]:
    """Bags of the paths given, in their order; those of a folder by name.

    A folder with a metadata.yaml, or with the files of one recording, is a bag. Any other folder
    is searched; hidden folders are not.

    Raises:
        DatasetError: there is nothing, or a bag is given twice.
    """
    found: list[Path] = []
    for path in paths:
        inside = _bags_in(path) if path.is_dir() else [path]
        if not inside:
            raise DatasetError(
                f'cannot read bag {path}: there is no rosbag2 recording in it; valid: folders '
                f'with metadata.yaml, and files {list(SUFFIXES)}'
            )
        found += inside
    places = [bag.resolve() for bag in found]
    doubled = sorted({str(bag) for bag in found if places.count(bag.resolve()) > 1})
    if doubled:
        raise DatasetError(f'bags {doubled} are given more than once')
    return found


def names_of(bags: Sequence[Path]) -> dict[Path, str]:
    """Name of each bag, with as many of its folders as tell it from the others."""
    parts = {bag: bag.resolve().parts for bag in bags}
    names: dict[Path, str] = {}
    length = 1
    while len(names) < len(parts):
        ends = Counter(place[-length:] for place in parts.values())
        for bag, place in parts.items():
            if bag not in names and (ends[place[-length:]] == 1 or length == len(place)):
                names[bag] = '/'.join(place[-length:])
        length += 1
    return names


def storage_files(path: Path) -> list[Path]:
    """Files of a bag without metadata.yaml, in the order of their numbers.

    Raises:
        FileNotFoundError: there are none.
        ValueError: it is another file.
    """
    if path.is_file() and path.suffix not in (*SUFFIXES, '.zstd'):
        raise ValueError(
            f'files of rosbag2 are valid: {list(SUFFIXES)}; `rosbags-convert` makes such of a '
            'bag of ROS 1'
        )
    if path.is_file():
        return [path]
    files = _storages(path) if path.is_dir() else []
    if not files:
        raise FileNotFoundError(
            f'there is neither {METADATA} nor a file {list(SUFFIXES)}'
            if path.is_dir()
            else 'it does not exist'
        )
    return files


def state_of(bag: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of change [ns] of every file of a bag: other values, another bag."""
    files = sorted(bag.iterdir()) if bag.is_dir() else [bag]
    kinds = (*SUFFIXES, '.zstd')
    states = [(f.name, f.stat()) for f in files if f.suffix in kinds or f.name == METADATA]
    return [(name, state.st_size, state.st_mtime_ns) for name, state in states]


def _bags_in(folder: Path) -> list[Path]:
    files = _storages(folder)
    parts = [_PART.fullmatch(file.stem) for file in files]
    same = len({part.group(1) for part in parts if part}) == 1
    split = same and [int(part.group(2)) if part else -1 for part in parts] == [*range(len(parts))]
    if (folder / METADATA).exists() or len(files) == 1 or split:
        return [folder]
    found = list(files)
    for entry in os.scandir(folder):
        if entry.is_dir() and not entry.name.startswith('.'):
            found += _bags_in(Path(entry.path))
    return sorted(found)


def _storages(folder: Path) -> list[Path]:
    files = [f for f in folder.iterdir() if f.suffix in SUFFIXES and not f.name.startswith('.')]
    return sorted(files, key=_order)


def _order(file: Path) -> tuple[str, int]:
    part = _PART.fullmatch(file.stem)
    return (part.group(1), int(part.group(2))) if part else (file.stem, -1)
