# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_data_tools <verb>`: looks at recordings and makes datasets of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
import sys

from dp_core.contract import Contract
from dp_core.errors import DpError
from dp_data_tools.bag_reader import BagReader
from dp_data_tools.convert import convert
from dp_data_tools.resample import Episode
from dp_data_tools.topics import action_sources

EXAMPLE = """\
examples:
  ros2 bag record -o take_01 /joint_states /joint_commands /front_camera/image_raw/compressed
  dp_data_tools info take_01
  dp_data_tools convert take_* --contract contract.yaml --action-topic /joint_commands \\
      --output datasets/demo
  dp_train ...            # on datasets/demo

A bag is one episode. Its rows are dt apart, each on a picture of the contract's first camera; with
no camera, exactly dt apart. The action of a row is the command in force then (--action-topic), or
the state that was reached action_offset_s later (--action-state). Stamps are those of the message
headers. A gap, a NaN or a missing joint ends the conversion with a message: nothing is made up.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return 0, or 1 after an error message."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except DpError as error:
        print(f'dp_data_tools {options.verb}: {error}', file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='dp_data_tools',
        description='From rosbag2 recordings to training datasets; needs no ROS.',
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest='verb', required=True, metavar='VERB')
    info = verbs.add_parser('info', help='show the topics of a bag')
    info.add_argument('bag', type=Path, help='folder of a rosbag2 recording')
    info.set_defaults(run=_info)
    make = verbs.add_parser(
        'convert',
        help='make a dataset of bags',
        description='Make a dataset of bags, one episode each; all or nothing.',
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    make.add_argument('bags', type=Path, nargs='+', metavar='BAG', help='rosbag2 recordings')
    make.add_argument('--contract', type=Path, required=True, help='contract.yaml')
    make.add_argument('--output', type=Path, required=True, help='new folder for the dataset')
    make.add_argument(
        '--action-topic',
        action='append',
        default=[],
        metavar='[GROUP=]TOPIC',
        help='commands: the action of a row is the command at its time',
    )
    make.add_argument(
        '--action-state',
        action='append',
        default=[],
        metavar='[GROUP=]TOPIC',
        help='states: the action of a row is the state action_offset_s after its time',
    )
    make.add_argument('--zip', action='store_true', help='store the arrays in one zip file')
    make.set_defaults(run=_convert)
    return parser


def _info(options: argparse.Namespace) -> int:
    with BagReader(options.bag) as reader:
        topics = list(reader.topics.values())
        total = sum(topic.count for topic in topics)
        print(f'{options.bag}: {reader.duration_s:.3f} s, {total} messages')
        widths = [max((len(t.name) for t in topics), default=0)]
        widths += [max((len(t.msgtype) for t in topics), default=0)]
        for topic in topics:
            rate = topic.count / reader.duration_s if reader.duration_s else 0.0
            name, kind = topic.name.ljust(widths[0]), topic.msgtype.ljust(widths[1])
            print(f'  {name}  {kind}  {topic.count:7d}  {rate:7.1f} Hz')
    return 0


def _convert(options: argparse.Namespace) -> int:
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


if __name__ == '__main__':
    sys.exit(main())
