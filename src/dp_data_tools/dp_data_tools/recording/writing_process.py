# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which process writes a file: what a recorder writes into a file that was replaced is lost."""

from __future__ import annotations

from collections.abc import Iterable
import os
from pathlib import Path

PROCESSES = Path('/proc')
_Identity = tuple[int, int]  # of a file, whatever it is called: its device and its number there


def writing_process(files: Iterable[Path]) -> int | None:
    """Return the number of another process that has one of the files open for writing.

    None where there is none, or where nobody can tell: processes that may not be looked at are
    passed over, and on systems without /proc all of them.

    Raises:
        OSError: a file is missing.
    """
    wanted = {_identity(file) for file in files}
    for process in PROCESSES.glob('[0-9]*'):
        if int(process.name) != os.getpid() and _writes(process, wanted):
            return int(process.name)
    return None


def _writes(process: Path, wanted: set[_Identity]) -> bool:
    try:
        numbers = os.listdir(process / 'fd')
    except OSError:  # it has ended, or is somebody else's
        return False
    return any(_is_written(process, number, wanted) for number in numbers)


def _is_written(process: Path, number: str, wanted: set[_Identity]) -> bool:
    """Say whether a file that a process has open is one of these, and open for writing."""
    try:
        if _identity(process / 'fd' / number) not in wanted:
            return False
        lines = (process / 'fdinfo' / number).read_text(encoding='utf-8').splitlines()
    except OSError:  # closed meanwhile
        return False
    flags = next((line.split()[1] for line in lines if line.startswith('flags:')), '0')
    return bool(int(flags, 8) & (os.O_WRONLY | os.O_RDWR))


def _identity(file: Path) -> _Identity:
    state = file.stat()
    return state.st_dev, state.st_ino
