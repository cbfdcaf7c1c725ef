# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`make bench`: measure what this machine can do, into out/bench/*.json."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from collections.abc import Sequence
import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile
from typing import Any

from dp_bringup.node_bench import bench as node_bench
from dp_bringup.processes import ChildProcess
from dp_bringup.ros_domain import private_environment
from dp_bringup.run_local import StackError
from dp_bringup.stacks import dds_environment
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json

TRAFFIC = (sys.executable, '-m', 'dp_bringup.image_traffic')


def image_transport(seconds: float, extra: dict[str, str], folder: Path) -> dict[str, float]:
    """Send two cameras from one process to another; return what arrived."""
    environment = {k: v for k, v in os.environ.items() if k not in dds_environment()}
    environment |= private_environment() | extra
    answer = folder / 'received.json'
    sending = (*TRAFFIC, 'send', str(seconds))
    sender = ChildProcess('sender', sending, folder / 'sender.log', environment)
    try:
        receiving = (*TRAFFIC, 'receive', str(seconds), str(answer))
        subprocess.run(receiving, env=environment, check=True, timeout=seconds + 60.0)
    finally:
        sender.stop()
    return json.loads(answer.read_text(encoding='utf-8'))


def bench_images(options: argparse.Namespace, circumstances: Mapping[str, Any]) -> None:
    """Write images.json."""
    result = dict(circumstances)
    result['what'] = 'two 640x480 rgb8 images at 30 Hz, joint states at 125 Hz, two processes'
    for name, extra in (('default', {}), ('config/fastdds.xml', dds_environment())):
        with tempfile.TemporaryDirectory() as folder:
            result[name] = case = image_transport(options.seconds, extra, Path(folder))
        print(
            f'images, {name}: {case["images_received"]} of {case["images_sent"]} arrived, '
            f'latency p50 {case["image_latency_p50_ms"]} ms, p99 {case["image_latency_p99_ms"]} ms'
        )
    write_json(options.output / 'images.json', result)
    print(f'written: {options.output / "images.json"}')


def bench_node(options: argparse.Namespace, circumstances: Mapping[str, Any]) -> None:
    """Write node.json."""
    with tempfile.TemporaryDirectory() as folder:
        measured = node_bench.measure(options.goal_seconds, Path(folder))
    result = {**circumstances, 'what': node_bench.WHAT, **measured}
    for name, target in measured['targets'].items():
        verdict = 'met' if target['met'] else 'MISSED'
        print(f'node, {name}: {target["measured"]}, target {target["at_most"]}: {verdict}')
    write_json(options.output / 'node.json', result)
    print(f'written: {options.output / "node.json"}')


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog='python -m dp_bringup.bench', description=__doc__)
    parser.add_argument('--output', type=Path, default=Path('out/bench'))
    parser.add_argument('--only', choices=list(BENCHES), help='default: all')
    parser.add_argument('--seconds', type=float, default=10.0, help='of images; default: 10')
    parser.add_argument('--goal-seconds', type=float, default=70.0, help='of node; default: 70')
    options = parser.parse_args(arguments)
    words = [
        'python',
        '-m',
        'dp_bringup.bench',
        *(sys.argv[1:] if arguments is None else arguments),
    ]
    circumstances = {'command': ' '.join(words), 'machine': machine()}
    for name in [options.only] if options.only else BENCHES:
        try:
            BENCHES[name](options, circumstances)
        except StackError as error:
            print(f'bench: {error}', file=sys.stderr)
            return 1
    return 0


BENCHES = {'images': bench_images, 'node': bench_node}

if __name__ == '__main__':
    sys.exit(main())
