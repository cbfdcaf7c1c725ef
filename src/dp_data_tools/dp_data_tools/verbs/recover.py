# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_data_tools recover`: whole bags of what a killed recording left."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys

from dp_core.errors import RecordingError
from dp_data_tools.recording.recover import candidates
from dp_data_tools.recording.recover import recover

EXAMPLE = """\
example:
  dp_data_tools recover demos           # the unfinished episodes (.episode_*.part) in demos
  dp_data_tools recover take_07         # a bag of `ros2 bag record` without its metadata.yaml

Every whole message is kept; index, summary and metadata.yaml are written anew. It needs free space
for all that the largest mcap file holds, uncompressed. What cannot be recovered stays as it is.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        'folders', type=Path, nargs='+', metavar='FOLDER', help='of recordings, or a bag'
    )


def run(options: argparse.Namespace) -> int:
    """Recover, and say what there is of each bag; 1 where something cannot be recovered."""
    failures = 0
    for folder in options.folders:
        try:
            found = candidates(folder)
        except RecordingError as error:
            print(f'dp_data_tools recover: {error}', file=sys.stderr)
            failures += 1
            continue
        if not found:
            print(f'{folder}: no unfinished episodes')
        for part in found:
            try:
                bag = recover(part)
            except RecordingError as error:
                print(f'dp_data_tools recover: {error}', file=sys.stderr)
                failures += 1
                continue
            print(f'{bag.path}: {bag.messages} messages, {bag.duration_s:.3f} s')
            if bag.loss:
                print(f'  lost: {bag.loss}')
    return 1 if failures else 0
