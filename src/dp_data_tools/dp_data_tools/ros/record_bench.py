# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Section `record` of the bench: the recorder beside a synthetic robot; lost messages are counted.

Robot and recorder are processes of their own, as on a robot. Every message has a number, so what
lies between the first and the last one in the bag and is not there is lost, wherever that was.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import ExitStack
import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

from dp_core.contract import Contract
from dp_core.errors import RecordingError
from dp_data_tools.recording.audit import header_stamp_ns
from dp_data_tools.recording.bag_metadata import read_metadata
from dp_data_tools.ros.synthetic_robot import CAMERAS
from dp_data_tools.ros.synthetic_robot import IMAGE_HZ
from dp_data_tools.ros.synthetic_robot import JOINT_HZ
from dp_data_tools.ros.synthetic_robot import JOINTS
import numpy as np
import psutil
import rclpy
from rclpy.node import Node
from rosbags.highlevel import AnyReader
from std_srvs.srv import Trigger

PATIENCE_S = 30.0
ANSWER_S = 5.0
SAMPLE_S = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the section takes."""
    parser.add_argument(
        '--record-seconds', type=float, default=60.0, help='of the recording; default: 60'
    )


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Record once into each storage; return figures."""
    what = f'two raw 640x480 cameras at {IMAGE_HZ} Hz, joint states at {JOINT_HZ} Hz'
    figures: dict[str, Any] = {'what': what, 'seconds': options.record_seconds}
    for storage in ('mcap', 'sqlite3'):
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            figures[storage] = _measure(Path(folder), storage, options.record_seconds)
    lost = figures['mcap']['lost']
    figures['targets'] = {'lost messages (mcap)': {'at_most': 0, 'measured': lost}}
    figures['targets']['lost messages (mcap)']['met'] = lost == 0
    return figures


def _measure(folder: Path, storage: str, seconds: float) -> dict[str, Any]:
    contract = folder / 'contract.yaml'
    _contract().save(contract)
    command = ['dp_data_tools.cli', 'record', str(folder / 'demos'), '--storage', storage]
    with ExitStack() as stack:
        stack.enter_context(_process('dp_data_tools.ros.synthetic_robot'))
        recorder = stack.enter_context(_process(*command, '--contract', str(contract)))
        rclpy.init()
        stack.callback(rclpy.shutdown)
        node = rclpy.create_node('record_bench')
        _command(node, 'start')
        usage = _watch(recorder, seconds)
        _command(node, 'stop')
        node.destroy_node()
    bag = folder / 'demos' / 'episode_000000'
    size = sum(path.stat().st_size for path in bag.iterdir())
    return {
        **_count(bag),
        'mb_per_s': round(size / seconds / 1e6, 1),
        **usage,
        'most_queued_mb': round(
            int(read_metadata(bag)['custom_data']['most_queued_bytes']) / 1e6, 1
        ),
    }


@contextmanager
def _process(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python module as a process that ends with the block."""
    quiet = subprocess.DEVNULL
    command = [sys.executable, '-m', *words]
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _contract() -> Contract:
    cameras = [
        {'name': name, 'kind': 'image', 'topic': f'{name}/image_raw', 'size': [96, 96]}
        for name in CAMERAS
    ]
    joints = list(JOINTS)
    arm = {'name': 'arm', 'kind': 'joint_state', 'topic': 'joint_states', 'joints': joints}
    action = {'name': 'arm', 'kind': 'joint_position', 'dims': joints, 'joints': joints}
    return Contract.from_dict(
        {
            'name': 'record_bench',
            'dt_s': 0.1,
            'n_obs_steps': 2,
            'horizon': 16,
            'n_action_steps': 8,
            'observations': [*cameras, arm],
            'actions': [{**action, 'controller': 'joint_trajectory_controller'}],
        }
    )


def _command(node: Node, command: str) -> None:
    """Give the recorder a command; a start waits until it has found the topics."""
    client = node.create_client(Trigger, f'/episode_recorder/{command}')
    deadline = time.monotonic() + PATIENCE_S
    answer, unanswered = 'no answer', False
    while time.monotonic() < deadline:
        if client.wait_for_service(1.0):
            future = client.call_async(Trigger.Request())
            rclpy.spin_until_future_complete(node, future, timeout_sec=ANSWER_S)
            if not future.done():
                # A server that has not found the client yet does as asked, and its answer is lost.
                unanswered = True
                continue
            answer = future.result().message
            if future.result().success or (unanswered and 'is being recorded' in answer):
                return
        time.sleep(0.5)
    raise RecordingError(f'the recorder refuses {command}: {answer}')


def _watch(process: subprocess.Popen[bytes], seconds: float) -> dict[str, float]:
    """Let the recorder work; return what it used."""
    watched = psutil.Process(process.pid)
    before, start_s, memory = sum(watched.cpu_times()[:2]), time.monotonic(), 0
    idle = threading.Event()
    while time.monotonic() - start_s < seconds:
        idle.wait(min(SAMPLE_S, max(0.0, seconds - (time.monotonic() - start_s))))
        memory = max(memory, watched.memory_info().rss)
    cpu_s = sum(watched.cpu_times()[:2]) - before
    return {
        'cpu_percent_of_a_core': round(100.0 * cpu_s / (time.monotonic() - start_s), 1),
        'peak_memory_mb': round(memory / 1e6, 1),
        'load': round(os.getloadavg()[0], 1),
    }


def _count(bag: Path) -> dict[str, Any]:
    """Count messages, those missing between the first and last number, and delays."""
    numbers: dict[str, list[int]] = {}
    delays_ms = []
    with AnyReader([bag]) as reader:
        for connection, received_ns, raw in reader.messages():
            if connection.topic == '/joint_states':
                message: Any = reader.deserialize(raw, connection.msgtype)
                number = int(message.position[0])
            else:
                number = int(bytes(raw[16:40]).split(b'\0')[0])  # frame_id: no need of the pixels
            numbers.setdefault(connection.topic, []).append(number)
            delays_ms.append((received_ns - header_stamp_ns(raw)) * 1e-6)
    # The bag need not hold them in the order of their numbers.
    missing = {
        topic: max(found) - min(found) + 1 - len(set(found)) for topic, found in numbers.items()
    }
    return {
        'messages': {topic: len(found) for topic, found in numbers.items()},
        'lost_by_topic': missing,
        'lost': sum(missing.values()),
        'delay_p50_ms': round(float(np.percentile(delays_ms, 50)), 2),
        'delay_p99_ms': round(float(np.percentile(delays_ms, 99)), 2),
    }
