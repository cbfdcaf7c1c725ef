# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Task and success of a recording: the recorder writes them into `metadata.yaml` of the bag."""

from __future__ import annotations

import os
from pathlib import Path

from dp_data_tools.bag_files import METADATA
from dp_data_tools.recording.bag_metadata import read_metadata
from dp_data_tools.recording.episodes import SUCCESS
from dp_data_tools.recording.episodes import UNMARKED
import yaml

OUTCOMES = (SUCCESS, UNMARKED)


def outcome_of(bag: Path) -> str | None:
    """Outcome that is stored with a bag; None where there is none, as in bags of `ros2 bag`."""
    return _stored(bag, 'outcome')


def task_of(bag: Path) -> str:
    """Task that is stored with a bag, or ''."""
    return _stored(bag, 'task') or ''


def why_not(bag: Path, wanted: str) -> str | None:
    """Why a bag is not among those of an outcome; None where it is, or where there is no bag."""
    if not os.path.exists(bag):  # or nobody may look
        return None
    outcome = outcome_of(bag)
    if outcome is None:
        return f'no outcome is stored in its {METADATA}, --outcome asks for {wanted!r}'
    return None if outcome == wanted else f'its outcome is {outcome!r}, not {wanted!r}'


def _stored(bag: Path, key: str) -> str | None:
    try:
        custom = read_metadata(bag if bag.is_dir() else bag.parent).get('custom_data')
    except (OSError, UnicodeDecodeError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return None
    found = custom.get(key) if isinstance(custom, dict) else None
    return found if isinstance(found, str) else None
