# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_data_tools view`: one episode as film strip and plots, or as a Rerun recording."""

from __future__ import annotations

import argparse
from pathlib import Path

from dp_core.errors import DatasetError
from dp_data_tools.dataset_folder import is_dataset
from dp_data_tools.quality.dataset import open_dataset
from dp_data_tools.quality.rerun_log import save_rerun
from dp_data_tools.quality.scan import scan_bag
from dp_data_tools.quality.view import page_of
from dp_data_tools.quality.view import picture_of
from dp_data_tools.quality.writing import save_bytes
from dp_data_tools.quality.writing import save_text

EXAMPLE = """\
examples:
  dp_data_tools view datasets/demo --episode 3 --output episode.png
  dp_data_tools view take_07 --output take_07.html
  dp_data_tools view datasets/demo --episode 3 --rerun episode.rrd    # then: rerun episode.rrd
"""
SUFFIXES = ('.png', '.html')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument('path', type=Path, metavar='DATASET|BAG', help='dataset folder or bag')
    parser.add_argument('--episode', type=int, default=0, metavar='N', help='default: 0')
    parser.add_argument('--output', type=Path, metavar='FILE', help='.png or .html')
    parser.add_argument(
        '--rerun', type=Path, metavar='FILE.rrd', help='Rerun recording (needs rerun-sdk)'
    )


def run(options: argparse.Namespace) -> int:
    """Write what was asked for."""
    if not (options.output or options.rerun):
        raise DatasetError('nothing to write: give --output FILE.png, FILE.html or --rerun FILE')
    if options.output and options.output.suffix not in SUFFIXES:
        raise DatasetError(f'--output is {options.output}, valid: files ending in {SUFFIXES}')
    frames = {}
    if is_dataset(options.path):
        with open_dataset(options.path) as folder:
            if not 0 <= options.episode < len(folder.ends):
                last = len(folder.ends) - 1
                raise DatasetError(f'--episode is {options.episode}, valid: 0 to {last}')
            episode = folder.episode(options.episode)
            if options.rerun:
                frames = {
                    p.name: (p.times_s, folder.rows(p.name, options.episode))
                    for p in episode.pictures
                }
    else:
        if options.episode:
            raise DatasetError(f'--episode is {options.episode}, valid for a bag: 0')
        if options.rerun:
            raise DatasetError(
                f'--rerun takes datasets, and {options.path} is a bag: Rerun opens mcap by itself'
            )
        episode = scan_bag(options.path)
    if options.rerun:
        save_rerun(options.rerun, episode, frames)
    if options.output and options.output.suffix == '.png':
        save_bytes(options.output, picture_of(episode))
    elif options.output:
        save_text(options.output, page_of(episode))
    for path in filter(None, (options.output, options.rerun)):
        print(path)
    return 0
