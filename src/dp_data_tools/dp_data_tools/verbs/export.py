# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_data_tools export`: a dataset in the other format."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys

from dp_core.contract import Contract
from dp_data_tools.dataset_folder import Dataset
from dp_data_tools.dataset_folder import open_dataset
from dp_data_tools.export import export
from dp_data_tools.export import Form
from dp_data_tools.export import FORMATS
from dp_data_tools.lerobot.codecs import DEFAULT
from dp_data_tools.lerobot.codecs import PICTURES
from tqdm import tqdm

EXAMPLE = """\
examples:
  dp_data_tools export datasets/demo --format lerobot --output lerobot/demo
  dp_data_tools export datasets/demo --format lerobot --pictures av1 --output lerobot/demo
  dp_data_tools export lerobot/demo --format zarr --output datasets/demo
  dp_data_tools export pusht --format zarr --contract contract.yaml --without-images --output d

A LeRobot dataset that was made here carries its contract. For another give one: its streams are
found by name (observation.images.<camera>, and the names of the numbers of observation.state and
action), in whatever order. Without a contract all its features are taken as they are. Numbers are
the same bit for bit in both formats; pictures with --pictures lossless or png.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    add = parser.add_argument
    add('dataset', type=Path, metavar='DATASET', help='dataset folder, ours or LeRobot v3.0')
    add('--format', choices=FORMATS, required=True, help='what to make of it')
    add('--output', type=Path, required=True, help='new folder')
    add('--contract', type=Path, help='what to take of a LeRobot dataset')
    add('--without-images', action='store_true', help='take its numbers alone')
    add_form(parser)


def add_form(parser: argparse.ArgumentParser) -> None:
    """Declare how a dataset is written, whatever it is made of."""
    add = parser.add_argument
    add(
        '--pictures',
        choices=PICTURES,
        default=DEFAULT,
        help='LeRobot: as video (lossless; h264; av1, as LeRobot does by itself), or as png in '
        'the rows (default: lossless)',
    )
    add('--task', default='', metavar='TEXT', help='LeRobot: what the episodes are about')
    add('--zip', action='store_true', help='zarr: store the arrays in one zip file')


def run(options: argparse.Namespace) -> int:
    """Write the dataset, and say what it holds."""
    contract = Contract.load(options.contract) if options.contract else None
    with open_dataset(options.dataset, contract, options.without_images) as dataset:
        rows = len(dataset.buffer)
        with tqdm(total=rows, unit='row', disable=None, leave=False, file=sys.stderr) as bar:
            form = Form((options.format,), options.pictures, options.task, options.zip)
            export(dataset, options.output, form, bar.update)
        episodes = len(dataset.buffer.episode_ends)
        streams = ', '.join(s.name for s in dataset.contract.observations)
        left = _left_out(dataset, options.format)
    print(f'{options.output}: {episodes} episodes, {rows} frames of {streams} and action')
    if left:
        print(f'left out, because the contract does not name it: {", ".join(left)}')
    return 0


def _left_out(dataset: Dataset, kind: str) -> list[str]:
    """What the source has and the output has not."""
    if kind == 'zarr':
        return list(dataset.left_out)
    taken = {'action', *(s.name for s in dataset.contract.observations)}
    return [*dataset.left_out, *(name for name in dataset.buffer.data if name not in taken)]
