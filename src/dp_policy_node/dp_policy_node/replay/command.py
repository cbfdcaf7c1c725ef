# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Drive a recorded episode again: its commands as one goal of each controller, open loop."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import json
import math
from pathlib import Path
import threading
from typing import Any

from dp_core.errors import DpError
from dp_core.motion import Trajectory
from dp_core.replay import ReplayPlan
from dp_core.replay_buffer import load_commands
from dp_policy_node import parameters
from dp_policy_node.command_node import fail
from dp_policy_node.command_node import may_move
from dp_policy_node.command_node import read_config
from dp_policy_node.command_node import run_with_node
from dp_policy_node.replay.session import INTERRUPTED
from dp_policy_node.replay.session import Report
from dp_policy_node.replay.session import result_words
from dp_policy_node.replay.session import Session
import numpy as np
import rclpy
from rclpy.node import Node

NAME = 'replay'
EXIT_SUCCESS, EXIT_FAILED, EXIT_REFUSED, EXIT_INTERRUPTED = 0, 1, 2, 130


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(
        prog=NAME,
        description=__doc__,
        epilog=f'Exit code: {EXIT_SUCCESS} driven, {EXIT_FAILED} begun and not finished, '
        f'{EXIT_REFUSED} not begun, {EXIT_INTERRUPTED} interrupted. Limits, tolerances, topics '
        'and signals are parameters, those of the policy node.',
    )
    add = result.add_argument
    add('dataset', type=Path, help='folder with contract.yaml and replay_buffer.zarr')
    add('--episode', type=int, default=0, metavar='N', help='which one; default: 0, the first')
    add(
        '--speed-scale',
        type=float,
        default=1.0,
        metavar='X',
        help='fraction of the recorded speed, in (0, 1]; default: 1',
    )
    add('--check', action='store_true', help='only tell what would be driven; send nothing')
    add('--yes', action='store_true', help='move without asking')
    add('--config', type=Path, metavar='FILE', help="the policy node's parameter file")
    add('--node', default='policy_node', help='name of the policy node, which must run no goal')
    add('--json', type=Path, metavar='FILE', help='write the report there')
    return result


def summary(plan: ReplayPlan, way: Trajectory | None, title: str) -> str:
    """Tell what would be driven, joint by joint."""
    motion = plan.trajectory
    curve = motion.curve()
    times_s = np.linspace(0.0, motion.times_s[-1], 10 * len(motion.times_s) + 1)
    position, speed, bend = (np.asarray(curve(times_s, order)) for order in range(3))
    start = plan.first if way is None else way.start_position
    rows = [('', 'now', 'first', 'least', 'most', 'rad/s', 'rad/s^2', 'off')]
    for j, joint in enumerate(motion.joint_names):
        numbers = (
            start[j], plan.first[j], position[:, j].min(), position[:, j].max(),
            np.abs(speed[:, j]).max(), np.abs(bend[:, j]).max(), plan.off_rad[j],
        )  # fmt: skip
        rows.append((joint, *(f'{number:.3f}' for number in numbers)))
    lines = [
        f'{title}: {len(plan.chunk.positions)} commands, {motion.times_s[-1]:.1f} s in '
        f'{len(motion.times_s)} points',
        _table(rows),
        'the arm is at the first command'
        if way is None
        else f'the way to the first command takes {way.times_s[-1]:.1f} s',
    ]
    return '\n'.join(lines)


def question(plan: ReplayPlan, controllers: Sequence[str]) -> str:
    """Return what a person who stands beside the arm must know."""
    seconds, through = f'{plan.trajectory.times_s[-1]:.1f} s', ', '.join(controllers)
    return (
        f'The arm will go to the first command and then drive for {seconds}, without looking, '
        f'through {through}.\nNo goal of a policy may run. Keep clear, with a hand at the '
        'emergency stop. Ctrl-C stops it softly;\n'
        'if this command is killed, the controllers drive on to the end.'
    )


def report_words(report: Report) -> str:
    """Return how it went, for a person."""
    rows = [('', 'largest error', 'rms')]
    for joint, most, rms in zip(report.error.joint_names, report.error.largest, report.error.rms):
        rows.append((joint, f'{most * 1e3:.2f} mrad', f'{rms * 1e3:.2f} mrad'))
    lines = [f'{name}: {words}' for name, words in result_words(report).items()]
    lines.append(f'{report.took_s:.1f} s, planned were {report.planned_s:.1f} s')
    if report.error.samples:
        lines += [f'{report.error.samples} samples of the controllers:', _table(rows)]
    return '\n'.join(lines)


def document(report: Report, title: str) -> dict[str, Any]:
    """Return the report as plain data; a number that is not known is None."""
    errors = zip(report.error.joint_names, report.error.largest, report.error.rms)
    return {
        'episode': title,
        'ended_early': report.why,
        'planned_s': report.planned_s,
        'took_s': report.took_s,
        'results': {
            name: {'error_code': code, 'error_string': said}
            for name, (code, said) in report.results.items()
        },
        'samples': report.error.samples,
        'tracking_error_rad': {
            joint: {'max': _known(most), 'rms': _known(rms)} for joint, most, rms in errors
        },
    }


def replay(options: argparse.Namespace, node: Node, stop: threading.Event) -> int:
    """Check, show, ask, drive and report; returns the exit code."""
    title = f'episode {options.episode} of {options.dataset} at {options.speed_scale:g} x'
    session = None
    try:
        contract, actions = load_commands(options.dataset, options.episode)
        parameters.declare(node)
        session = Session(node, contract, parameters.read(node), stop, options.node)
        plan, way = session.prepare(actions, options.speed_scale)
    except DpError as error:
        if session is not None:
            session.close()
        if stop.is_set():
            return fail(NAME, INTERRUPTED, EXIT_INTERRUPTED)
        return fail(NAME, str(error), EXIT_REFUSED)
    try:
        for note in session.guard.notes:
            node.get_logger().info(note)
        print(summary(plan, way, title), flush=True)
        if options.check:
            return EXIT_SUCCESS
        asked = question(plan, [group.controller for group in contract.actions])
        if not may_move(asked, NAME, yes=options.yes):
            return fail(NAME, 'not moved', EXIT_REFUSED)
        report = session.run(plan, lambda line: print(line, flush=True))
    except DpError as error:
        return fail(NAME, str(error), EXIT_FAILED)
    finally:
        session.close()
    print(report_words(report), flush=True)
    if options.json is not None:
        text = json.dumps(document(report, title), indent=1) + '\n'
        options.json.write_text(text, encoding='utf-8')
    if report.why:
        code = EXIT_INTERRUPTED if report.why == INTERRUPTED else EXIT_FAILED
        return fail(NAME, report.why, code)
    return EXIT_SUCCESS


def run(words: Sequence[str], stop: threading.Event) -> int:
    """Run the command with the words of its command line until done, or until ``stop``."""
    options = parser().parse_args(rclpy.utilities.remove_ros_args(args=list(words)))
    try:
        config = options.config
        overrides = read_config(config, words, options.node) if config is not None else []
    except DpError as error:
        return fail(NAME, str(error), EXIT_REFUSED)
    return run_with_node(
        NAME, words, lambda node: replay(options, node, stop), parameter_overrides=overrides
    )


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return '\n'.join(
        '  '.join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))])
        for row in rows
    )
