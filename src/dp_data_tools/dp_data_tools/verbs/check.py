# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_data_tools check`: what is wrong with recordings or datasets."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import shutil
import sys
from typing import Any

from dp_core.contract import Contract
from dp_core.errors import DpError
from dp_data_tools.quality.drop_list import drop_list
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.examine import examine
from dp_data_tools.quality.finding import count
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import Severity
from dp_data_tools.quality.report import report
from dp_data_tools.quality.sources import read_bags
from dp_data_tools.quality.sources import read_dataset
from dp_data_tools.quality.sources import read_urdf
from dp_data_tools.quality.sources import require_joints
from dp_data_tools.quality.sources import tell_apart
from dp_data_tools.quality.sources import with_limits
from dp_data_tools.quality.table import summary
from dp_data_tools.quality.table import table
from dp_data_tools.quality.thresholds import Thresholds
from dp_data_tools.quality.writing import save_text
from tqdm import tqdm
import yaml

Set = tuple[str, list[Episode]]
EXAMPLE = """\
examples:
  dp_data_tools check takes/                      # all bags of a folder
  dp_data_tools check datasets/demo --html report.html
  dp_data_tools check takes/ --contract contract.yaml --urdf robot.urdf --drop-list drop.yaml
  dp_data_tools convert takes/ --drop drop.yaml ...

Commands are told by a word in the names of their topics (command, leader, target, ...) or by
--action-topic; what the contract observes is none. With a contract only its topics and those of
--action-topic can be errors.
Exit status: 0 no errors, 1 errors (with --strict also warnings), 2 wrong usage.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        'paths',
        type=Path,
        nargs='+',
        metavar='DATASET|BAG',
        help='datasets, bags, folders of bags',
    )
    parser.add_argument(
        '--contract',
        type=Path,
        help='what the bags must hold; other topics, but those of --action-topic, are no errors',
    )
    parser.add_argument(
        '--action-topic',
        action='append',
        default=[],
        metavar='TOPIC',
        help='topic of commands in bags; otherwise told by a word of its name',
    )
    parser.add_argument(
        '--split-markers',
        action='append',
        default=[],
        metavar='TOPIC',
        help='says where episodes begin and end in a bag of several, as for `convert`',
    )
    parser.add_argument('--urdf', type=Path, help='robot description, for limits of joints')
    parser.add_argument('--strict', action='store_true', help='warnings count as errors do')
    parser.add_argument(
        '--threshold',
        action='append',
        default=[],
        metavar='NAME=VALUE',
        help='change from what value on a check speaks, such as gap_s=0.2',
    )
    parser.add_argument('--html', type=Path, metavar='FILE', help='write a report with plots')
    parser.add_argument(
        '--plots', type=int, default=12, metavar='N', help='episodes drawn in it (default: 12)'
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the findings')
    parser.add_argument(
        '--drop-list', type=Path, metavar='FILE', help='write the episodes to leave out'
    )


def run(options: argparse.Namespace) -> int:
    """Check, and show what was found."""
    try:
        bags, datasets = tell_apart(options.paths)
        limits = Thresholds.from_texts(options.threshold)
        contract = Contract.load(options.contract) if options.contract else None
        urdf = read_urdf(options.urdf) if options.urdf else ''
    except DpError as error:
        print(f'dp_data_tools check: {error}', file=sys.stderr)
        return 2
    sets: list[Set] = []
    markers = ['/' + topic.lstrip('/') for topic in options.split_markers]
    if bags:
        name = str(bags[0]) if len(bags) == 1 else f'{len(bags)} bags'
        with tqdm(total=len(bags), unit='bag', disable=None, leave=False) as bar:
            taken = read_bags(bags, options.action_topic, bar.update, markers, contract)
            sets.append((name, taken))
    sets += [(str(path), read_dataset(path, lambda: None)) for path in datasets]
    try:
        sets = _limited(sets, urdf) if urdf else sets
    except DpError as error:
        print(f'dp_data_tools check: {options.urdf}: {error}', file=sys.stderr)
        return 2
    findings = []
    shown = []
    for name, episodes in sets:
        found = examine(episodes, name, limits, contract, options.action_topic)
        findings += found
        shown.append((name, episodes, found))
        if found:
            width = shutil.get_terminal_size().columns
            print(table(found, width, sys.stdout.isatty()))
        print(f'{name}: {summary(len(episodes), found)}')
    every = [episode for _, episodes in sets for episode in episodes]
    _write(options, every, findings)
    if options.html:
        save_text(options.html, report(shown, options.plots))
        print(f'{options.html}: open it in a browser')
    counted = count(findings, Severity.ERROR)
    counted += count(findings, Severity.WARNING) if options.strict else 0
    return 1 if counted else 0


def _write(options: argparse.Namespace, episodes: list[Episode], findings: list[Finding]) -> None:
    """Write the files that were asked for."""
    if options.json:
        data = {
            'episodes': len(episodes),
            'counts': {s.value: count(findings, s) for s in Severity},
            'findings': [finding.to_dict() for finding in findings],
        }
        save_text(options.json, json.dumps(data, indent=1) + '\n')
    if options.drop_list:
        drop: dict[str, Any] = {'drop': drop_list(episodes, findings, options.strict)}
        save_text(options.drop_list, yaml.safe_dump(drop, sort_keys=False, width=99))
        print(f'{options.drop_list}: {len(drop["drop"])} of {len(episodes)} episodes to leave out')


def _limited(sets: list[Set], urdf: str) -> list[Set]:
    """The same with the limits of the robot."""
    require_joints([episode for _, episodes in sets for episode in episodes], urdf)
    return [(name, [with_limits(e, urdf) for e in episodes]) for name, episodes in sets]
