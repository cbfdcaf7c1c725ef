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
_COMPRESSED = tuple(f'{suffix}.zstd' for suffix in SUFFIXES)
METADATA = 'metadata.yaml'
_PART = re.compile(r'(.*)_(0|[1-9]\d*)')  # the files of a split bag: take_0.mcap, take_1.mcap


def find_bags(paths: Sequence[Path]) -> list[Path]:
    """Bags of the paths given, in their order; those of a folder by name.

    A folder with a metadata.yaml, or with the files of one recording, is a bag; so is one that
    cannot be read, for whoever reads it to tell. Other folders are searched; hidden ones are not.

    Raises:
        DatasetError: there is nothing, or a bag is given twice.
    """
    found: list[Path] = []
    for path in paths:
        inside = _bags_in(path) if os.path.isdir(path) else [path]
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
        ValueError: it is another file, or they are compressed.
    """
    if path.is_file() and not path.name.endswith((*SUFFIXES, *_COMPRESSED)):
        raise ValueError(
            f'files of rosbag2 are valid: {list(SUFFIXES)}; `rosbags-convert` makes such of a '
            'bag of ROS 1'
        )
    files = [path] if path.is_file() else _storages(path) if path.is_dir() else []
    if not files:
        raise FileNotFoundError(
            f'there is neither {METADATA} nor a file {list(SUFFIXES)}'
            if path.is_dir()
            else 'it does not exist'
        )
    # `ros2 bag reindex` is no help: it finds no compressed files (ros2/rosbag2 issue 990).
    if compressed := [file.name for file in files if file.suffix == '.zstd']:
        raise ValueError(
            f'{compressed} are compressed, which only a {METADATA} tells: name the folder that '
            'has it, or `unzstd` the files'
        )
    return files


def state_of(bag: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of change [ns] of every file of a bag: other values, another bag.

    Raises:
        OSError: its folder cannot be read.
    """
    files = sorted(bag.iterdir()) if bag.is_dir() else [bag]
    kinds = (*SUFFIXES, '.zstd')
    return [(f.name, *_look(f)) for f in files if f.suffix in kinds or f.name == METADATA]


def _look(file: Path) -> tuple[int, int]:
    """Size and time of change of a file [ns]; of a link that leads nowhere there is neither."""
    try:
        state = file.stat()
    except OSError:  # whoever reads the bag tells it
        return 0, 0
    return state.st_size, state.st_mtime_ns


def _bags_in(folder: Path, above: frozenset[str] = frozenset()) -> list[Path]:
    above |= {os.path.realpath(folder)}
    try:
        files = _storages(folder)
        folders = [f for f in folder.iterdir() if os.path.isdir(f) and not f.name.startswith('.')]
        if (folder / METADATA).exists():
            return [folder]
    except OSError:
        return [folder]
    folders = [f for f in folders if os.path.realpath(f) not in above]  # links lead in circles
    inside = [bag for place in folders for bag in _bags_in(place, above)]
    parts = [_PART.fullmatch(_stem(file)) for file in files]
    same = len({part.group(1) for part in parts if part}) == 1
    split = same and [int(part.group(2)) if part else -1 for part in parts] == [*range(len(parts))]
    # A single file beside other bags does not make their folder a bag: it is one itself.
    one = split if len(files) > 1 else len(files) == 1 and not inside
    return sorted([*([folder] if one else files), *inside])


def _storages(folder: Path) -> list[Path]:
    """Files of messages; of one that lies there plain and compressed, the plain one."""
    shown = [f for f in folder.iterdir() if not f.name.startswith('.') and not os.path.isdir(f)]
    names = {f.name for f in shown if f.name.endswith((*SUFFIXES, *_COMPRESSED))}
    plain = [name for name in names if name.removesuffix('.zstd') not in names - {name}]
    return sorted((folder / name for name in plain), key=_order)


def _stem(file: Path) -> str:
    return Path(file.name.removesuffix('.zstd')).stem


def _order(file: Path) -> tuple[str, int]:
    part = _PART.fullmatch(_stem(file))
    return (part.group(1), int(part.group(2))) if part else (_stem(file), -1)
