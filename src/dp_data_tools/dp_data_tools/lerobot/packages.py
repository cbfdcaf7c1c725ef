# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What LeRobot datasets need besides the rest of the suite: pyarrow and PyAV."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dp_core.errors import ConfigError


def package(module: str) -> Any:
    """Import ``pyarrow``, ``pyarrow.parquet`` or ``av``.

    Raises:
        ConfigError: it is not installed; names the package to install.
    """
    name = module.partition('.')[0]
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigError(
            f'LeRobot datasets need the package {name} ({error}); install it by '
            f'`pip install {name}`'
        ) from error
