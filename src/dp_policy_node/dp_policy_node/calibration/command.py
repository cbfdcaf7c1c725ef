# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Measure how late arm and cameras are, by a small motion; writes the contract."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import dataclasses
import json
from pathlib import Path
import threading

from dp_core.calibration.contract_edit import edit_text
from dp_core.calibration.contract_edit import read_contract
from dp_core.calibration.excitation import Excitation
from dp_core.calibration.excitation import MAX_AMPLITUDE
from dp_core.calibration.findings import Finding
from dp_core.calibration.findings import latencies
from dp_core.errors import DpError
from dp_policy_node import parameters
from dp_policy_node.calibration.session import groups_of
from dp_policy_node.calibration.session import Plan
from dp_policy_node.calibration.session import Session
from dp_policy_node.calibration.swing import MotionInterruptedError
from dp_policy_node.command_node import fail
from dp_policy_node.command_node import may_move
from dp_policy_node.command_node import read_config
from dp_policy_node.command_node import run_with_node
from dp_policy_node.settings import Settings
import rclpy
from rclpy.node import Node

NAME = 'calibrate_latency'
EXIT_SUCCESS, EXIT_FAILED, EXIT_REFUSED, EXIT_INTERRUPTED = 0, 1, 2, 130


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(
        prog=NAME,
        description=__doc__,
        epilog=f'Exit code: {EXIT_SUCCESS} measured, {EXIT_FAILED} not measured, {EXIT_REFUSED} '
        f'not begun, {EXIT_INTERRUPTED} interrupted. Nothing is written unless all that was asked '
        'for was measured.',
    )
    add = result.add_argument
    add('contract', type=Path, help='contract.yaml, or the folder of a policy')
    add('--output', type=Path, metavar='FILE', help='write the contract with latencies there')
    add('--in-place', action='store_true', help='write the latencies into the file itself')
    add('--json', type=Path, metavar='FILE', help='write all figures there')
    add('--yes', action='store_true', help='move without asking')
    add('--config', type=Path, metavar='FILE', help="the policy node's file, for its signals")
    add('--node', default='policy_node', help='name of the policy node, which must run no goal')
    add('--group', action='append', default=[], metavar='NAME', help='arm to move; default: all')
    add('--joint', default='', help='joint that swings; default: the first of each arm')
    add('--no-motion', action='store_true', help='move nothing; needs --lamp')
    add('--lamp', default='', metavar='TOPIC', help='std_msgs/Bool that switches a lamp in view')
    add('--skip', action='append', default=[], metavar='NAME', help='stream to leave alone')
    add(
        '--amplitude',
        type=float,
        default=MAX_AMPLITUDE,
        metavar='RAD',
        help=f'how far the joint swings [rad]; default and most: {MAX_AMPLITUDE}',
    )
    add('--duration', type=float, default=8.0, metavar='S', help='of the motion [s]; default: 8')
    add('--timeout', type=float, default=10.0, metavar='S', help='longest wait [s]; default: 10')
    add('--joint-states', default='joint_states', metavar='TOPIC', help='topic of joint states')
    add('--robot-description', default='robot_description', metavar='TOPIC', help='topic')
    return result


def make_plan(options: argparse.Namespace, text: str, source: str) -> Plan:
    """Return what is to be measured; raises DpError when it cannot be."""
    contract = read_contract(text, source)
    return Plan(
        contract=contract,
        groups=() if options.no_motion else groups_of(contract, options.group),
        joint=options.joint,
        skip=tuple(options.skip),
        excitation=Excitation(options.amplitude, options.duration),
        lamp_topic=options.lamp,
        joint_states_topic=options.joint_states,
        robot_description_topic=options.robot_description,
        timeout_s=options.timeout,
    )


def question(plan: Plan) -> str:
    """Return what is about to move, for the person who stands beside it."""
    motion = plan.excitation
    lines = [
        f'{plan.joint_of(group)} of {group.name!r} will swing by up to {motion.peak():.3f} rad '
        f'about where it stands, for {motion.duration_s:g} s at up to {motion.max_velocity:g} '
        f'rad/s, through {group.controller}.'
        for group in plan.groups
    ]
    lines.append('Keep clear, with a hand at the emergency stop. Ctrl-C stops it softly.')
    return '\n'.join(lines)


def table(findings: Sequence[Finding]) -> str:
    """Return the findings for a person."""
    rows = [('', 'latency', '+-', 'explained', 'samples', '')]
    for each in findings:
        name = f'{each.name or "(no stream)"} ({each.kind})'
        if each.latency_s is None:
            rows.append((name, '-', '-', '-', '-', each.words()))
            continue
        numbers = (f'{each.latency_s * 1e3:.1f} ms', f'{each.uncertainty_s * 1e3:.1f} ms')
        rows.append((name, *numbers, f'{each.explained:.0%}', f'{each.samples}', each.words()))
    widths = [max(len(row[k]) for row in rows) for k in range(5)]
    return '\n'.join(
        '  '.join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:5], widths[1:]))])
        + f'  {row[5]}'.rstrip()
        for row in rows
    )


def missing(findings: Sequence[Finding]) -> list[str]:
    """Devices and cameras that could not be measured; a pose need not be one of the arm."""
    return [f.name for f in findings if f.latency_s is None and f.kind in ('device', 'image')]


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all; line ends stay as they are."""
    partial = path.with_name(path.name + '.partial')
    partial.write_text(text, encoding='utf-8', newline='')
    partial.replace(path)


def calibrate(
    options: argparse.Namespace, node: Node, settings: Settings, stop: threading.Event
) -> int:
    """Check, ask, measure, show and write; return the exit code."""
    path = options.contract / 'policy.yaml' if options.contract.is_dir() else options.contract
    try:
        with path.open(encoding='utf-8', newline='') as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        return fail(NAME, f'cannot read {path}: {error}', EXIT_REFUSED)
    try:
        plan = make_plan(options, text, str(path))
        session = Session(node, plan, settings, stop, options.node)
    except DpError as error:
        return fail(NAME, str(error), EXIT_REFUSED)
    try:
        if plan.groups and not may_move(question(plan), NAME, yes=options.yes):
            return fail(NAME, 'not moved', EXIT_REFUSED)
        findings = session.run(lambda line: print(line, flush=True))
        print(table(findings), flush=True)
        new = edit_text(text, latencies(findings), str(path))
    except DpError as error:
        return fail(NAME, str(error), EXIT_FAILED)
    finally:
        session.close()
    if options.json is not None:
        document = {'contract': str(path), 'findings': [dataclasses.asdict(f) for f in findings]}
        write(options.json, json.dumps(document, indent=1) + '\n')
    if missing(findings):
        return fail(
            NAME,
            f'nothing written: {missing(findings)} could not be measured; '
            'leave streams out with --skip',
            EXIT_FAILED,
        )
    target = path if options.in_place else options.output
    if target is None:
        print('nothing written; --output FILE or --in-place writes the latencies')
    else:
        write(target, new)
        print(f'written: {target}')
    return EXIT_SUCCESS


def run(words: Sequence[str], stop: threading.Event) -> int:
    """Run the command with the words of its command line until done, or until ``stop``."""
    result = parser()
    options = result.parse_args(rclpy.utilities.remove_ros_args(args=list(words)))
    if options.in_place and options.output is not None:
        result.error('--in-place and --output exclude each other')

    def work(node: Node) -> int:
        parameters.declare(node)
        return calibrate(options, node, parameters.read(node), stop)

    try:
        overrides = []
        if options.config is not None:
            overrides = read_config(options.config, words, options.node)
        return run_with_node(NAME, words, work, parameter_overrides=overrides)
    except DpError as error:
        return fail(NAME, str(error), EXIT_REFUSED)
    except MotionInterruptedError:
        return fail(NAME, 'interrupted; nothing written', EXIT_INTERRUPTED)
