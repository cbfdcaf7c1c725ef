# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_data_tools stats`: what is in a dataset, as JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from dp_data_tools.quality.dataset import open_dataset
from dp_data_tools.quality.statistics import statistics_of
from dp_data_tools.quality.writing import save_text

EXAMPLE = """\
examples:
  dp_data_tools stats datasets/demo
  dp_data_tools stats datasets/demo --output stats.json
  dp_data_tools stats datasets/demo | python3 -m json.tool | less
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument('dataset', type=Path, help='dataset folder')
    parser.add_argument('--output', type=Path, metavar='FILE', help='write it to a file')


def run(options: argparse.Namespace) -> int:
    """Print or write the figures."""
    with open_dataset(options.dataset) as folder:
        text = json.dumps(statistics_of(folder), indent=1)
    if options.output:
        save_text(options.output, text + '\n')
    else:
        print(text)
    return 0
