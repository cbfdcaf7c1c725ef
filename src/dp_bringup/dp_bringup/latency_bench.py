# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`make bench-latency`: inject latencies into the scene and let `calibrate_latency` find them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
import json
import os
from pathlib import Path
import sys
import tempfile
import time
from typing import Any

from dp_bringup.processes import ChildProcess
from dp_bringup.ros_domain import private_environment
from dp_bringup.run_local import StackError
from dp_bringup.share import share
from dp_bringup.stacks import dds_environment
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json

WHAT = (
    'calibrate_latency on the simulated UR5e over ROS: one camera of 96 x 96 at 30 Hz, joint '
    'states at 125 Hz, the shoulder pan joint swings by 0.05 rad for 8 s; error = found - injected'
)
TARGET_MS = 5.0
# Longest time for one calibration [s].
PATIENCE_S = 120.0
# Name in the findings -> what it is the latency of.
KINDS = {'device': 'command', 'image': 'camera', 'joint_state': 'joint_state'}


@dataclass(frozen=True)
class Case:
    """Latencies that the scene has [s], and whether a lamp is used to measure them."""

    command: float
    camera: float
    joint_state: float = 0.0
    lamp: bool = False


CASES = (
    Case(0.0, 0.0),
    Case(0.03, 0.05),
    Case(0.1, 0.12),
    Case(0.0, 0.12, 0.02, lamp=True),
    Case(0.03, 0.0, 0.04, lamp=True),
    Case(0.1, 0.05, 0.0, lamp=True),
)


def measure(case: Case, folder: Path) -> list[dict[str, Any]]:
    """Start a scene with latencies, calibrate it, and return the findings.

    Raises:
        StackError: the scene or the calibration failed; with what they said last.
    """
    environment = {**os.environ, **dds_environment(), 'OMP_NUM_THREADS': '1'}
    environment |= private_environment()
    config, answer = share() / 'config' / 'ur5e_pusht', folder / 'findings.json'
    scene = [sys.executable, '-m', 'dp_sim.sim_node', '--ros-args']
    scene += ['--params-file', str(config / 'controllers.yaml')]
    for name, value in (
        ('command_latency', case.command),
        ('front_camera_latency', case.camera),
        ('joint_state_latency', case.joint_state),
    ):
        scene += ['-p', f'{name}:={float(value)}']
    words = [sys.executable, '-m', 'dp_policy_node.calibrate_latency']
    words += [str(config / 'contract_camera.yaml'), '--yes', '--skip', 'wrist']
    words += ['--timeout', '60', '--json', str(answer), *(['--lamp', 'marker'] * case.lamp)]
    children = []
    try:
        for name, command in (('sim_node', scene), ('calibrate_latency', words)):
            children.append(ChildProcess(name, command, folder / f'{name}.log', environment))
        sim, tool = children
        end_s = time.monotonic() + PATIENCE_S
        while tool.exit_code is None and sim.exit_code is None and time.monotonic() < end_s:
            time.sleep(0.1)
        if tool.exit_code != 0 or sim.exit_code is not None:
            raise StackError(f'{case}: {tool.last_lines()}\n{sim.last_lines()}')
    finally:
        for child in reversed(children):
            child.stop()
    return list(json.loads(answer.read_text(encoding='utf-8'))['findings'])


def judge(case: Case, findings: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Compare findings with what was injected, in milliseconds."""
    result = {}
    for finding in findings:
        what = KINDS.get(finding['kind'])
        if what is not None and finding['latency_s'] is not None:
            injected, found = getattr(case, what), finding['latency_s']
            result[what] = {
                'injected_ms': round(1e3 * injected, 1),
                'found_ms': round(1e3 * found, 2),
                'error_ms': round(1e3 * (found - injected), 2),
                'uncertainty_ms': round(1e3 * finding['uncertainty_s'], 2),
            }
    return result


def summary(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the errors of each kind of latency over all runs."""
    result = {}
    for what in KINDS.values():
        errors = [run['found'][what]['error_ms'] for run in runs if what in run['found']]
        if errors:
            worst = max(abs(error) for error in errors)
            result[what] = {
                'runs': len(errors),
                'mean_error_ms': round(sum(errors) / len(errors), 2),
                'worst_error_ms': worst,
                'target_ms': TARGET_MS,
                'met': worst <= TARGET_MS,
            }
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write."""
    program = 'python -m dp_bringup.latency_bench'
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument('--output', type=Path, default=Path('out/bench/latency.json'))
    parser.add_argument('--repeats', type=int, default=3, help='of each case; default: 3')
    options = parser.parse_args(arguments)
    given = list(sys.argv[1:] if arguments is None else arguments)
    runs: list[dict[str, Any]] = []
    failures: list[str] = []
    for case in CASES * options.repeats:
        before = os.getloadavg()[0]
        try:
            with tempfile.TemporaryDirectory() as folder:
                found = judge(case, measure(case, Path(folder)))
        except StackError as error:
            print(f'latency_bench: {error}', file=sys.stderr)
            failures.append(str(error))
            continue
        runs.append({**asdict(case), 'load': round(before, 1), 'found': found})
        errors = ', '.join(f'{k} {v["error_ms"]:+.1f} ms' for k, v in found.items())
        print(f'{case}: {errors}', flush=True)
    result = {
        'what': WHAT,
        'command': ' '.join([program, *given]),
        'machine': machine(),
        'summary': summary(runs),
        'failures': failures,
        'runs': runs,
    }
    write_json(options.output, result)
    print(f'written: {options.output}')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
