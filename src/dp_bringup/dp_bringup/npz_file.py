# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The arrays of an .npz file, or which file lacks what."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
import zipfile
import zlib

from dp_core.errors import DatasetError
import numpy as np
from numpy.typing import NDArray


def load_arrays(path: Path, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Read these arrays.

    Raises:
        DatasetError: the file cannot be read, or has not all of them.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = sorted(set(names) - set(file.files))
            if missing:
                raise DatasetError(f'{path} lacks {missing}; it holds {sorted(file.files)}')
            return {name: file[name] for name in names}
    except (OSError, EOFError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(f'cannot read {path}: {error}') from error  # TypeError: one bare array
