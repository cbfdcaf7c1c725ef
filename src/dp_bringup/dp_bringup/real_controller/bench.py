# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Policy and real joint_trajectory_controller, for minutes.

`python -m dp_bringup.real_controller.bench` runs the stack ur5_pusht with
`controller:=ros2_control`, goal after goal, and records what the controller tells of itself at
every tick. It writes real_jtc.json (messages sent, accepted and rejected; seams and smoothness of
the reference; lateness, ticks, scores) and real_jtc_trace.npz (what they were computed from).
Needs ros2_control and ros2_controllers; where they are missing, it says how to install them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import os
from pathlib import Path
import shlex
import sys
import time
from typing import Any
import xml.etree.ElementTree as ElementTree

from ament_index_python.packages import get_package_share_directory
from dp_bringup.demo import ending
from dp_bringup.demo import Progress
from dp_bringup.demo_client import DemoClient
from dp_bringup.demo_client import goal_message
from dp_bringup.demo_client import InterruptedRunError
from dp_bringup.real_controller.report import Recording
from dp_bringup.real_controller.report import report
from dp_bringup.ros_domain import private_environment
from dp_bringup.run_local import Interrupt
from dp_bringup.run_local import LocalStack
from dp_bringup.stacks import dds_environment
from dp_bringup.stacks import NodeSpec
from dp_bringup.stacks import ROS2_CONTROL
from dp_bringup.stacks import SEAMS
from dp_bringup.stacks import Ur5Pusht
from dp_core.errors import ConfigError
from dp_core.errors import DpError
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json
from dp_core.evaluation.statistics import bootstrap_mean_interval
import numpy as np
import rclpy
from rclpy.signals import SignalHandlerOptions

PERIOD_S = 0.002  # of the controller, as in controllers.yaml [s]
SHORTEST_GOAL_S = 10.0  # none is begun with less time left [s]


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(
        prog='real_controller_bench',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add('--minutes', type=float, default=10.0, metavar='M', help='how long; default: 10')
    add('--seed', type=int, default=2000, metavar='N', help='of the first start; default: 2000')
    add('--policy', default='state', help='state, camera or a checkpoint folder; default: state')
    add('--seam', default='fade', help=f'how chunks are joined: {", ".join(SEAMS)}; default: fade')
    add('--output', type=Path, default=Path('out/bench'), help='folder; default: out/bench')
    return result


def run(options: argparse.Namespace, interrupt: Interrupt) -> dict[str, Any]:
    """Run goals until the time is over; return the figures."""
    stack = Ur5Pusht(policy=options.policy, seam=options.seam, controller='ros2_control')
    nodes = stack.nodes()
    from dp_bringup.real_controller.recorder import ControllerRecorder  # needs control_msgs

    logs = options.output / 'real_jtc_logs'
    load = round(os.getloadavg()[0], 2)  # what else runs on this machine
    with LocalStack(nodes, logs, dict(os.environ), interrupt) as processes:

        def check() -> None:
            if interrupt:
                raise InterruptedRunError('interrupted')
            processes.check()

        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        client, recorder = DemoClient(check), ControllerRecorder()
        try:
            records, seconds = stream(options, client, recorder)
        finally:
            client.close()
            recorder.close()
            rclpy.try_shutdown()
    scores = [record.score for record in records]
    arrays = recorder.arrays()
    np.savez_compressed(options.output / 'real_jtc_trace.npz', **arrays)
    recording = Recording.of(arrays, PERIOD_S, controller_errors(logs, nodes))
    return {
        'duration_s': round(seconds, 1),
        'goals': len(records),
        'chunks': sum(len(record.chunks) for record in records),
        **report(recording),
        'outcomes': [record.outcome for record in records],
        'scores': [round(score, 6) for score in scores],
        'score_mean': float(np.mean(scores)),
        'score_ci95': list(bootstrap_mean_interval(scores)),
        'protocol': {
            'policy': options.policy,
            'seam': options.seam,
            'seeds': [record.seed for record in records],
            'controller_versions': {name: version(name) for name in ROS2_CONTROL},
            'hardware': 'mock_components/GenericSystem, position command, followed by MuJoCo',
            'command': options.command,
            'load_average_before': load,
            'machine': machine(),
        },
    }


def stream(
    options: argparse.Namespace, client: DemoClient, recorder: Any
) -> tuple[list[Any], float]:
    """Run goal after goal; return their records and the time they took [s]."""
    client.wait_until_ready()
    recorder.start()
    begin_s, seed, records = time.monotonic(), options.seed, []
    end_s = begin_s + 60.0 * options.minutes
    while not records or time.monotonic() < end_s - SHORTEST_GOAL_S:
        client.reset(seed)
        limit_s = max(SHORTEST_GOAL_S, min(60.0, end_s - time.monotonic()))
        progress = Progress(f'{(time.monotonic() - begin_s) / 60:4.1f} min  seed {seed}')
        record = client.run_goal(seed, goal_message(limit_s, options.seam), lambda message: None)
        progress.show(ending(record), is_last=True)
        records.append(record)
        seed += 1
    return records, time.monotonic() - begin_s


def controller_errors(logs: Path, nodes: Sequence[NodeSpec]) -> tuple[str, ...]:
    """Return the lines in which the controller refused something."""
    (manager,) = (spec for spec in nodes if spec.executable == 'ros2_control_node')
    text = (logs / f'{manager.name}.log').read_text(encoding='utf-8', errors='replace')
    words = ('[ERROR]', '[FATAL]')
    return tuple(line for line in text.splitlines() if line.startswith(words))


def version(package: str) -> str:
    """Return the version of an installed package."""
    manifest = Path(get_package_share_directory(package)) / 'package.xml'
    return ElementTree.parse(manifest).findtext('version', default='')


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    with Interrupt() as interrupt:
        options = parser().parse_args(words)
        options.command = shlex.join(['python', '-m', 'dp_bringup.real_controller.bench', *words])
        own = {k: v for k, v in dds_environment().items() if k not in os.environ}
        os.environ.update(own | private_environment())
        try:
            if not 0.1 <= options.minutes <= 600.0:
                raise ConfigError(f'--minutes is {options.minutes}, valid: 0.1 to 600')
            options.output.mkdir(parents=True, exist_ok=True)
            figures = run(options, interrupt)
        except DpError as error:
            print(f'real_controller_bench: {error}', file=sys.stderr)
            return 1
    path = options.output / 'real_jtc.json'
    write_json(path, figures)
    sent = figures['messages']
    print(
        f'{sent["sent"]} messages in {figures["duration_s"]:.0f} s: {sent["rejected"]} rejected, '
        f'{figures["lateness"]["late_ticks"]} late ticks, score {figures["score_mean"]:.3f}; '
        f'written to {path}'
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
