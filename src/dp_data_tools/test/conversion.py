# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Runs `dp_data_tools convert` as a person does."""

import errno
import os
from pathlib import Path

from bag_samples import contract
from dp_data_tools.cli import main

COMMANDS = ('--action-topic', '/commands')
STATES = ('--action-state', '/joint_states')


def run(tmp_path, bags, what=None, output='out', action=COMMANDS, workers=1, options=()):
    """Run `dp_data_tools convert` and return its exit status."""
    (what or contract()).save(tmp_path / 'contract.yaml')
    bags = [str(bag) for bag in (bags if isinstance(bags, list) else [bags])]
    files = ['--contract', str(tmp_path / 'contract.yaml'), '--output', str(tmp_path / output)]
    return main(['convert', *bags, *files, *action, '--workers', str(workers), *options])


def forbid(monkeypatch, folder):
    """Nobody may read a folder; root may, in truth."""
    real = Path.iterdir

    def iterdir(path):
        if path == folder:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path)

    monkeypatch.setattr(Path, 'iterdir', iterdir)


def content(folder):
    """Relative path -> bytes of every file below a folder."""
    files = (path for path in sorted(folder.rglob('*')) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
