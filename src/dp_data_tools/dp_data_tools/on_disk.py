# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Folders that are on the disk before they get their name: a power loss leaves no half of one."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def publish(folder: Path, name: Path) -> None:
    """Rename ``folder`` to ``name``; its content is on the disk before, its name afterwards.

    Raises:
        OSError: the disk fails, or there is such a folder.
    """
    for place, _, files in os.walk(folder):
        for file in files:
            _sync(Path(place, file))
        _sync(Path(place))
    os.rename(folder, name)
    _sync(name.absolute().parent)


def _sync(path: Path) -> None:
    """Put the content of a file, or the names in a folder, on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot be asked to, for folders
            raise
    finally:
        os.close(number)
