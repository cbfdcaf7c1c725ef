# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_data_tools convert`: bags -> one dataset."""

from __future__ import annotations

import argparse
from pathlib import Path

from dp_core.contract import Contract
from dp_data_tools.convert import convert
from dp_data_tools.resample import Episode
from dp_data_tools.topics import action_sources

EXAMPLE = """\
example:
  dp_data_tools convert take_* --contract contract.yaml --action-topic /joint_commands \\
      --output datasets/demo

A bag is one episode. Its rows are dt apart, each on a picture of the contract's first camera; with
no camera, exactly dt apart. The action of a row is the command in force then (--action-topic), or
the state that was reached action_offset_s later (--action-state). Stamps are those of the message
headers. A gap, a NaN or a missing joint ends the conversion with a message: nothing is made up.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument('bags', type=Path, nargs='+', metavar='BAG', help='rosbag2 recordings')
    parser.add_argument('--contract', type=Path, required=True, help='contract.yaml')
    parser.add_argument('--output', type=Path, required=True, help='new folder for the dataset')
    parser.add_argument(
        '--action-topic',
        action='append',
        default=[],
        metavar='[GROUP=]TOPIC',
        help='commands: the action of a row is the command at its time',
    )
    parser.add_argument(
        '--action-state',
        action='append',
        default=[],
        metavar='[GROUP=]TOPIC',
        help='states: the action of a row is the state action_offset_s after its time',
    )
    parser.add_argument('--zip', action='store_true', help='store the arrays in one zip file')


def run(options: argparse.Namespace) -> int:
    """Convert, and say what became of each bag."""
    contract = Contract.load(options.contract)
    sources = action_sources(contract, options.action_topic, options.action_state)
    lengths = []

    def report(bag: Path, episode: Episode) -> None:
        lengths.append(len(episode.ticks_ns))
        print(f'{bag}: {lengths[-1]} frames, {lengths[-1] * contract.dt_s:.1f} s')
        for name, count in episode.reordered.items():
            print(f'  {name}: {count} messages out of order left out')
        for name in episode.stopped:
            print(f'  {name}: stops early, and with it the episode')

    convert(options.bags, contract, sources, options.output, report, options.zip)
    print(f'{options.output}: {len(lengths)} episodes, {sum(lengths)} frames')
    return 0
