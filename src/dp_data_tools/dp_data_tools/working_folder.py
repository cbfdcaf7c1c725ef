# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The hidden folder beside an output in which it is made; the last thing is its renaming."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import fcntl
import os
from pathlib import Path

from dp_core.errors import DatasetError


@contextmanager
def working_folder(output: Path, ending: str) -> Iterator[Path]:
    """Folder ``.<output>.<ending>`` that nobody else uses; it is removed when it is left empty.

    Raises:
        DatasetError: ``output`` exists, cannot be made, or is being made by somebody else.
    """
    if output.exists() or output.is_symlink():
        raise DatasetError(f'{output} exists already; choose another name or remove it')
    work = output.absolute().parent / f'.{output.name}.{ending}'
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = os.open(work, os.O_RDONLY)
    except OSError as error:
        raise DatasetError(f'cannot write in {work.parent}: {error.strerror}') from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise DatasetError(f'another conversion is writing {output}') from error
    try:
        yield work
    finally:
        os.close(lock)
        if work.exists() and not any(work.iterdir()):
            work.rmdir()
