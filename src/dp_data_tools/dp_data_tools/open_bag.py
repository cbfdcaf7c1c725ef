# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which library reads a bag: rosbag2_py where it is installed, rosbags elsewhere."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from dp_core.errors import ConfigError
from dp_data_tools.bag_files import METADATA
from dp_data_tools.bag_reader import BagReader
from dp_data_tools.rosbag2_reader import Rosbag2Reader

READERS = ('auto', 'rosbags', 'rosbag2_py')


def open_bag(path: Path, reader: str = 'auto') -> BagReader:
    """Return what reads a bag; use it as a context manager.

    Raises:
        ConfigError: an unknown reader, or one that is not installed.
    """
    if reader not in READERS:
        raise ConfigError(f'reader is {reader!r}, valid: {list(READERS)}')
    installed = _has_rosbag2_py()
    if reader == 'rosbag2_py' and not installed:
        raise ConfigError("reader is 'rosbag2_py', which is not installed: source a ROS 2 distro")
    by_ros = reader == 'rosbag2_py' or (reader == 'auto' and installed and _is_plain(path))
    return Rosbag2Reader(path) if by_ros else BagReader(path)


def _has_rosbag2_py() -> bool:
    try:
        return find_spec('rosbag2_py') is not None
    except ValueError:  # somebody has hidden it
        return False


def _is_plain(path: Path) -> bool:
    """Whether rosbag2_py reads a bag as it is: it has metadata and is not compressed."""
    try:
        text = (path / METADATA).read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError):
        return False
    return not any(f'compression_mode: {mode}' in text.lower() for mode in ('file', 'message'))
