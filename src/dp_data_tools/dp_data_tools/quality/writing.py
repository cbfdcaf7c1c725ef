# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Files that a person asked for, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from dp_core.errors import DatasetError


def save_text(path: Path, text: str) -> None:
    """Write a text file."""
    save_bytes(path, text.encode())


def save_bytes(path: Path, data: bytes) -> None:
    """Write a file in one rename.

    Raises:
        DatasetError: it cannot be written; says why.
    """
    partial = path.with_name(path.name + '.partial')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise DatasetError(f'cannot write {path}: {error.strerror}') from error
