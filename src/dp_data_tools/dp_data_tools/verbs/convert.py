# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_data_tools convert`: bags -> one dataset."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
import os
from pathlib import Path
import sys
import time

from dp_core.contract import Contract
from dp_data_tools.bag_files import find_bags
from dp_data_tools.convert import convert
from dp_data_tools.convert import Report
from dp_data_tools.drop_list import load_drops
from dp_data_tools.export import Form
from dp_data_tools.export import FORMATS
from dp_data_tools.idle import IdleRules
from dp_data_tools.open_bag import READERS
from dp_data_tools.outcome import OUTCOMES
from dp_data_tools.outcome import task_of
from dp_data_tools.plan import Plan
from dp_data_tools.topics import action_sources
from dp_data_tools.topics import KINDS
from dp_data_tools.verbs.export import add_form
from tqdm import tqdm

EXAMPLE = """\
examples:
  dp_data_tools convert take_* --contract contract.yaml --action-topic /joint_commands \\
      --output datasets/demo
  dp_data_tools convert recordings/ --contract contract.yaml --output datasets/demo \\
      --action-reference /joint_trajectory_controller/controller_state --split-pauses 3

A bag is one episode, unless --split-markers or --split-pauses cut it. Rows are dt apart, each on a
picture of the contract's first camera; with no camera, exactly dt apart. Stamps are those of the
message headers. A bag with a gap, a NaN or a missing joint is reported and left out: nothing is
made up. The others are converted, and the exit status is 1. A conversion that was killed goes on
where it was when the same command runs again.
"""
_ACTIONS = {
    'command': ('--action-topic', 'the action of a row is the command then, interpolated'),
    'reference': (
        '--action-reference',
        'the action is where the controller wanted the robot to be action_offset_s later '
        '(JointTrajectoryControllerState)',
    ),
    'state': ('--action-state', 'the action is the state reached action_offset_s later'),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    add = parser.add_argument
    add('bags', type=Path, nargs='+', metavar='BAG', help='rosbag2 recordings, or folders of them')
    add('--contract', type=Path, required=True, help='contract.yaml')
    add('--output', type=Path, required=True, help='new folder for the dataset')
    for kind, (option, words) in _ACTIONS.items():
        add(option, dest=kind, action='append', default=[], metavar='[GROUP=]TOPIC', help=words)
    add('--drop', type=Path, metavar='FILE', help='episodes not to take, as `check` lists them')
    add('--outcome', choices=OUTCOMES, help='only bags in which `record` has stored it')
    add(
        '--split-markers',
        action='append',
        default=[],
        metavar='TOPIC',
        help='a Bool, String or service event that says where episodes begin and end',
    )
    add(
        '--split-pauses',
        type=float,
        default=0.0,
        metavar='S',
        help='a rest or a silence of the actions longer than S seconds ends an episode',
    )
    add(
        '--idle-speed',
        type=float,
        default=0.01,
        metavar='V',
        help='rest: no action or joint is faster, in rad/s or m/s (default 0.01; 0: no rest)',
    )
    add(
        '--keep-idle',
        type=float,
        default=0.5,
        metavar='S',
        help='seconds of rest kept before the first and after the last motion (default 0.5)',
    )
    add('--workers', type=int, default=os.cpu_count() or 1, metavar='N', help='processes')
    add(
        '--ray',
        metavar='ADDRESS',
        help='a running Ray cluster does the work: host:port, or auto; needs the package ray',
    )
    add('--reader', choices=READERS, default='auto', help='library that reads bags')
    add(
        '--format',
        action='append',
        choices=[*FORMATS, 'both'],
        help='of the dataset (default: zarr); with both, one folder is both',
    )
    add_form(parser)


def run(options: argparse.Namespace) -> int:
    """Convert, and say what became of each bag."""
    contract = Contract.load(options.contract)
    sources = action_sources(contract, {kind: getattr(options, kind) for kind in KINDS})
    idle = IdleRules(options.idle_speed, options.keep_idle, options.split_pauses)
    markers = tuple('/' + topic.lstrip('/') for topic in options.split_markers)
    plan = Plan(contract, sources, idle, markers, options.reader)
    form = _form(options)
    form.require(contract, [task_of(bag) for bag in find_bags(options.bags)])
    drops = load_drops(options.drop) if options.drop else ()
    begun_s = time.monotonic()
    with tqdm(unit='B', unit_scale=True, desc='bags', disable=None, file=sys.stderr) as bar:
        report = convert(
            options.bags,
            plan,
            options.output,
            drops,
            max(1, options.workers),
            form,
            options.ray,
            on_start=lambda total: bar.reset(total),
            on_bytes=bar.update,
            outcome=options.outcome,
        )
    topics = {s.stream.name: '/' + s.stream.topic.lstrip('/') for s in sources}
    _tell(report, contract, topics, options.output, time.monotonic() - begun_s)
    return 1 if report.failures or not report.episodes else 0


def _form(options: argparse.Namespace) -> Form:
    chosen = options.format or ['zarr']
    formats = tuple(name for name in FORMATS if name in chosen or 'both' in chosen)
    return Form(formats, options.pictures, options.task, options.zip)


def _tell(
    report: Report, contract: Contract, topics: Mapping[str, str], output: Path, took_s: float
) -> None:
    """Print what became of each bag; ``topics`` are those of streams without names for people."""
    if report.found_again:
        print(f'{report.found_again} bags were finished by an earlier attempt and are used')
    if report.outdated:
        print(f'{report.outdated} bags of an earlier attempt were made anew: the contract, the ')
        print('  arguments, the bags or this program have changed since, or a file was cut off')
    for entry in report.episodes:
        name = f'{entry["bag"]}, episode {entry["episode"]}'
        before, after = entry['trimmed_s']
        cut = f', {before} s of rest before and {after} s after it cut' if before or after else ''
        print(f'{name}: {entry["frames"]} frames, {entry["frames"] * contract.dt_s:.1f} s{cut}')
        for start, end in entry['idle_s']:
            print(f'  at rest from {start} to {end} s')
        for stream, count in entry['reordered_messages'].items():
            print(f'  {topics.get(stream, stream)}: {count} messages out of order left out')
        for stream in entry['stopped_streams']:
            print(f'  {topics.get(stream, stream)}: stops early, and with it the episode')
        for stream in entry['other_devices']:
            place = topics.get(stream, stream)
            print(f'  {place}: joint states of another device on its topic left out')
    sizes = {str(entry['picture_sizes']) for entry in report.episodes}
    if len(sizes) > 1:
        print(f'pictures have other sizes in other bags: {sorted(sizes)}')
    for entry in report.left_out:
        print(f'{_place(entry)}: left out: {entry["reason"]}')
    for drop in report.unused_drops:
        number = '' if drop.episode < 0 else f', episode {drop.episode}'
        print(f'drop list: {drop.bag}{number} is not among these recordings')
    frames = sum(entry['frames'] for entry in report.episodes)
    if report.episodes:
        rate = report.recorded_s / max(took_s, 1e-9)
        print(
            f'{output}: {len(report.episodes)} episodes, {frames} frames; {took_s:.1f} s, '
            f'{rate:.1f} x as fast as recorded'
        )
    if report.failures:
        print(f'{len(report.failures)} failed:', file=sys.stderr)
    for entry in report.failures:
        print(f'{_place(entry)}: {entry["reason"]}', file=sys.stderr)
    if not report.episodes:
        print(f'{output}: nothing to write', file=sys.stderr)


def _place(entry: dict[str, object]) -> str:
    episode = entry['episode']
    return f'{entry["bag"]}' if episode is None else f'{entry["bag"]}, episode {episode}'
