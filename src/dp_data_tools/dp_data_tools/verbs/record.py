# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_data_tools record`: the node episode_recorder, one bag for every episode."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys

from dp_core.contract import Contract
from dp_core.errors import RecordingError
from dp_data_tools import __version__
from dp_data_tools.recording.episode_folder import unfinished
from dp_data_tools.recording.inputs import parse_buttons
from dp_data_tools.recording.recorder import RecorderSettings
from dp_data_tools.recording.storage import STORAGES
from dp_data_tools.recording.wanted import wanted_topics
import yaml

EXAMPLE = """\
example:
  dp_data_tools record demos --contract contract.yaml --action-topic /joint_commands
  ros2 service call /episode_recorder/start std_srvs/srv/Trigger        # or the key s
  ros2 service call /episode_recorder/mark_success std_srvs/srv/Trigger # m
  ros2 service call /episode_recorder/stop std_srvs/srv/Trigger         # e
  dp_data_tools convert demos/episode_* --contract contract.yaml --action-topic /joint_commands \\
      --output datasets/demo

Every episode becomes a bag demos/episode_000000, ... with the contract inside. While it is
recorded it is hidden as demos/.episode_000000.part; what a killed recorder leaves there becomes a
bag by `dp_data_tools recover demos`. discard (the key d) deletes the running episode, or else the
one kept last. Ctrl-C keeps the running one (--at-end discard: deletes it).
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument('output', type=Path, metavar='FOLDER', help='of the episodes')
    parser.add_argument('--contract', type=Path, required=True, help='contract.yaml')
    parser.add_argument(
        '--action-topic',
        action='append',
        default=[],
        metavar='[GROUP=]TOPIC',
        help='commands of the person who demonstrates, as for convert',
    )
    parser.add_argument(
        '--topic', action='append', default=[], metavar='TOPIC', help='record this one as well'
    )
    parser.add_argument(
        '--compressed',
        action='store_true',
        help='record TOPIC/compressed of the cameras, not their raw images',
    )
    parser.add_argument('--storage', choices=list(STORAGES), default='mcap', help='default: mcap')
    parser.add_argument('--task', default='', help='task of the contract that is shown')
    parser.add_argument('--operator', default='', help='who demonstrates; kept in the bags')
    parser.add_argument(
        '--allow-missing',
        action='store_true',
        help='begin an episode even if nobody publishes a topic of the contract',
    )
    parser.add_argument(
        '--queue-mib',
        type=int,
        default=256,
        help='memory for messages that wait for the disk (default: 256 MiB)',
    )
    parser.add_argument(
        '--min-free-mib',
        type=int,
        default=1024,
        help='with less room on the disk no episode begins (default: 1024 MiB)',
    )
    parser.add_argument('--joy-topic', default='', help='sensor_msgs/Joy whose buttons count')
    parser.add_argument(
        '--joy-buttons',
        default='start=7,stop=6,discard=1,mark_success=0',
        metavar='COMMAND=NUMBER,...',
        help='default: start=7,stop=6,discard=1,mark_success=0; start and stop may share one',
    )
    parser.add_argument(
        '--at-end',
        choices=['stop', 'discard'],
        default='stop',
        help='what Ctrl-C, SIGTERM and q do to the running episode; default: stop, it is kept',
    )
    parser.add_argument(
        '--ros-args', nargs=argparse.REMAINDER, default=[], help='all that follows is for ROS'
    )


def run(options: argparse.Namespace) -> int:
    """Record until told to end."""
    contract = Contract.load(options.contract)
    wanted = wanted_topics(
        contract, options.action_topic, options.topic, compressed=options.compressed
    )
    settings = RecorderSettings(
        options.output,
        options.storage,
        options.queue_mib << 20,
        options.min_free_mib << 20,
        options.allow_missing,
    )
    left = unfinished(options.output)
    if left:
        print(
            f'{len(left)} unfinished episodes in {options.output}: being recorded, or to be '
            f'recovered by `dp_data_tools recover {options.output}`',
            file=sys.stderr,
        )
    buttons = parse_buttons(options.joy_buttons)
    facts = _facts(options, contract)
    try:
        from dp_data_tools.ros.record import record  # the only verb that needs ROS
    except ImportError as error:
        raise RecordingError(
            f'recording needs ROS 2: {error}; source a distribution, or record there and '
            'convert here'
        ) from error
    joy, at_end = options.joy_topic, options.at_end
    return record(settings, wanted, facts, joy, buttons, at_end, options.ros_args)


def _facts(options: argparse.Namespace, contract: Contract) -> dict[str, str]:
    """What every bag of this run keeps beside its messages."""
    task = options.task or (contract.tasks[0] if len(contract.tasks) == 1 else '')
    if options.task and options.task not in contract.tasks:
        raise RecordingError(
            f'task is {options.task!r}, valid: those of the contract, {list(contract.tasks)}'
        )
    return {
        'recorder': f'dp_data_tools {__version__}',
        'contract': yaml.safe_dump(contract.to_dict(), sort_keys=False, default_flow_style=None),
        'task': task,
        'operator': options.operator,
        'action_topics': ' '.join(options.action_topic),
    }
