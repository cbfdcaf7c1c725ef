# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`make bench`: measure what this machine can do, into out/bench/*.json."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile

from dp_bringup.processes import ChildProcess
from dp_bringup.ros_domain import private_environment
from dp_bringup.stacks import dds_environment
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json

TRAFFIC = (sys.executable, '-m', 'dp_bringup.image_traffic')


def image_transport(seconds: float, extra: dict[str, str], folder: Path) -> dict[str, float]:
    """Send two cameras from one process to another; return what arrived."""
    environment = {k: v for k, v in os.environ.items() if k not in dds_environment()}
    environment |= private_environment({}) | extra
    answer = folder / 'received.json'
    sending = (*TRAFFIC, 'send', str(seconds))
    sender = ChildProcess('sender', sending, folder / 'sender.log', environment)
    try:
        receiving = (*TRAFFIC, 'receive', str(seconds), str(answer))
        subprocess.run(receiving, env=environment, check=True, timeout=seconds + 60.0)
    finally:
        sender.stop()
    return json.loads(answer.read_text(encoding='utf-8'))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog='python -m dp_bringup.bench', description=__doc__)
    parser.add_argument('--output', type=Path, default=Path('out/bench'))
    parser.add_argument('--seconds', type=float, default=10.0, help='of each case; default: 10')
    options = parser.parse_args(arguments)
    result = {'command': ' '.join(['dp_bringup.bench', *sys.argv[1:]]), 'machine': machine()}
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
    return 0


if __name__ == '__main__':
    sys.exit(main())
