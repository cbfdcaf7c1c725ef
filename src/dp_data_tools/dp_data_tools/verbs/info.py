# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_data_tools info`: the topics of a bag."""

from __future__ import annotations

import argparse
from pathlib import Path

from dp_data_tools.bag_reader import BagReader

EXAMPLE = """\
example:
  dp_data_tools info take_01
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument('bag', type=Path, help='folder of a rosbag2 recording')


def run(options: argparse.Namespace) -> int:
    """List topics, types, counts and rates."""
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
