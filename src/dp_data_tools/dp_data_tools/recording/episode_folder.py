# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Names and states of episode folders: what is being recorded cannot be taken for an episode.

    demos/.episode_000012.part/   being recorded, or left by a recorder that was killed
    demos/episode_000012/         whole: the last thing that happens to a folder is its renaming

`episode.yaml` lies in a folder from its beginning, so that what a killed recorder leaves still
says which contract, task and version it belongs to. A recorder that lives locks its folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
import fcntl
import os
from pathlib import Path
import re
import shutil
from typing import Any

from dp_core.errors import RecordingError
from dp_data_tools.recording.bag_metadata import read_metadata
from dp_data_tools.recording.bag_metadata import write_metadata
from dp_data_tools.recording.bag_metadata import write_safely
import yaml

FACTS_FILE = 'episode.yaml'
_NAME = re.compile(r'episode_(\d{6,})')
_PART = re.compile(r'\.(episode_\d{6,})\.part')


class EpisodeFolder:
    """The folder of an episode that is being recorded."""

    def __init__(self, root: Path, facts: Mapping[str, str]) -> None:
        """Make the next free folder below ``root``, and write there what is known.

        Raises:
            RecordingError: it cannot be made.
        """
        try:
            root.mkdir(parents=True, exist_ok=True)
            self.name, self.part = _make_next(root)
            self.path = root / self.name
            self._lock: int | None = _lock(self.part)
            write_facts(self.part, facts)
        except OSError as error:
            raise RecordingError(f'cannot begin an episode in {root}: {error}') from error

    def note(self, facts: Mapping[str, str]) -> None:
        """Write what is known by now.

        Raises:
            RecordingError: it cannot be written.
        """
        try:
            write_facts(self.part, facts)
        except OSError as error:
            raise RecordingError(f'cannot write in {self.part}: {error}') from error

    def keep(self) -> Path:
        """Give the folder its name; its content must be whole and on the disk."""
        try:
            sync(self.part)
            self.part.rename(self.path)
            sync(self.path.parent)
        except OSError as error:
            raise RecordingError(f'cannot rename {self.part} to {self.name}: {error}') from error
        finally:
            self.leave()
        return self.path

    def drop(self) -> None:
        """Delete the folder.

        Raises:
            RecordingError: it cannot be deleted.
        """
        self.leave()
        delete(self.part)

    def leave(self) -> None:
        """Leave the folder as it is, unfinished."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def delete(folder: Path) -> None:
    """Delete an episode.

    Raises:
        RecordingError: it cannot be deleted.
    """
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise RecordingError(f'cannot delete {folder}: {error}') from error


def mark(folder: Path, outcome: str) -> None:
    """Write the outcome of a whole episode.

    Raises:
        RecordingError: it cannot be read or written.
    """
    try:
        information = read_metadata(folder)
        facts = dict(information['custom_data']) | {'outcome': outcome}
        write_metadata(folder, information | {'custom_data': facts})
        write_facts(folder, facts)
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise RecordingError(f'cannot mark {folder}: {error}') from error


def free_bytes(folder: Path) -> int:
    """Room on the disk of a folder, which need not be there yet [bytes]."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def unfinished(root: Path) -> list[Path]:
    """Folders below ``root`` that are being recorded or were left by a killed recorder."""
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if path.is_dir() and _PART.fullmatch(path.name))


def final_name(part: Path) -> str | None:
    """Name that an unfinished folder would get; None for any other folder."""
    match = _PART.fullmatch(part.name)
    return match.group(1) if match else None


def write_facts(folder: Path, facts: Mapping[str, str]) -> None:
    """Write what is known of an episode."""
    text = yaml.safe_dump(dict(facts), sort_keys=False, allow_unicode=True)
    write_safely(folder / FACTS_FILE, text)


def read_facts(folder: Path) -> dict[str, str]:
    """Return what is known of an episode; {} where nothing is or it cannot be read."""
    try:
        found: Any = yaml.safe_load((folder / FACTS_FILE).read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(key): str(value) for key, value in found.items()}


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold an unfinished folder against recorders and other recoveries.

    Raises:
        RecordingError: somebody else holds it.
    """
    try:
        lock = _lock(folder)
    except BlockingIOError as error:
        raise RecordingError(f'{folder} is being recorded') from error
    try:
        yield
    finally:
        os.close(lock)


def sync(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _lock(folder: Path) -> int:
    """Return a descriptor that holds the lock of a folder until it is closed."""
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        raise
    return number


def _make_next(root: Path) -> tuple[str, Path]:
    names = (_PART.sub(r'\1', path.name) for path in root.iterdir())
    taken = [int(match.group(1)) for name in names if (match := _NAME.fullmatch(name))]
    number = max(taken, default=-1) + 1
    while True:
        name = f'episode_{number:06d}'
        part = root / f'.{name}.part'
        try:
            part.mkdir()
            return name, part
        except FileExistsError:  # another recorder on the same folder was faster
            number += 1
