# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The policy node under the load of a real robot: latency, jitter, losses, processor, memory.

Two 640 x 480 cameras at 30 Hz in one process, joint states at 500 Hz and a controller in another
feed the shipped camera policy while a goal runs. Used by `dp_bringup.bench`.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
import sys
import time
from typing import Any

from dp_bringup.node_bench.cameras import CAMERAS
from dp_bringup.node_bench.cameras import RATE_HZ
from dp_bringup.node_bench.cameras import topic
from dp_bringup.node_bench.report import chunk_parts
from dp_bringup.node_bench.report import latency_figures
from dp_bringup.node_bench.report import spread_ms
from dp_bringup.node_bench.report import stream_figures
from dp_bringup.node_bench.robot import JOINT_HZ
from dp_bringup.node_bench.robot import JOINT_TOPIC
from dp_bringup.node_bench.robot import POSE_EVERY
from dp_bringup.node_bench.robot import POSE_TOPIC
from dp_bringup.process_usage import UsageRecord
from dp_bringup.processes import ChildProcess
from dp_bringup.ros_domain import private_environment
from dp_bringup.run_local import command
from dp_bringup.run_local import StackError
from dp_bringup.run_local import write_parameters
from dp_bringup.share import share
from dp_bringup.stacks import dds_environment
from dp_bringup.stacks import Ur5Pusht
import numpy as np
from numpy.typing import NDArray

WHAT = (
    'two 640x480 rgb8 cameras at 30 Hz each, joint states at 500 Hz, tool pose at 125 Hz, and a '
    'controller of 500 Hz, in one process, the cameras in another; the node runs the camera policy'
)
# What shall hold: at most so much.
TARGETS = {
    'late ticks': 0,
    'lost images': 0,
    'lost joint states': 0,
    'p95 of all but network and replanning [ms]': 10.0,
}
START_S = 120.0  # longest wait for the node to be ready [s]
SAMPLE_S = 0.5
SETTLE_NS = 2_000_000_000  # what the start of a goal disturbs does not count [ns]
MB = 1e6


def _module(name: str, file: Path) -> list[str]:
    return [sys.executable, '-m', f'dp_bringup.{name}', str(file)]


def commands(folder: Path) -> dict[str, list[str]]:
    """Return the command line of each process by name."""
    node = next(spec for spec in Ur5Pusht(policy='camera').nodes() if spec.name == 'policy_node')
    mute = {'program_running_topics': ('',), 'speed_scaling_topics': ('',)}  # of this robot
    node = dataclasses.replace(node, parameters={**node.parameters, **mute})
    parameters = write_parameters(node, folder / 'policy_node.yaml')
    controllers = share() / 'config' / 'ur5e_pusht' / 'controllers.yaml'
    ros = ['--ros-args', '--params-file', str(controllers)]
    return {
        'robot': _module('node_bench.robot', folder / 'robot.npz') + ros,
        'cameras': _module('node_bench.cameras', folder / 'cameras.npz'),
        'policy_node': _module('node_bench.probe', folder / 'policy_node.npz')
        + command(node, Path(), parameters)[1:],
    }


def measure(seconds: float, folder: Path) -> dict[str, Any]:
    """Run one goal of so many seconds under load and return the figures.

    Args:
        seconds: length of the goal.
        folder: for logs and records.

    Raises:
        StackError: a process has ended, or the goal ended before its time.
    """
    environment = {**os.environ, **dds_environment(), 'OMP_NUM_THREADS': '1'}
    environment |= private_environment()
    children: dict[str, ChildProcess] = {}
    try:
        for name, words in commands(folder).items():
            children[name] = ChildProcess(name, words, folder / f'{name}.log', environment)
        usage = UsageRecord({name: child.pid for name, child in children.items()})
        goal = ['-m', 'dp_policy_node.execute', '--timeout', f'{seconds}']
        words = [sys.executable, *goal, '--wait-server', f'{START_S}']
        children['goal'] = ChildProcess('goal', words, folder / 'goal.log', environment)
        while children['goal'].exit_code is None:
            usage.sample()
            time.sleep(SAMPLE_S)
        usage.sample()
        answer = children['goal'].last_lines(2)
        if 'TIMEOUT' not in answer:
            node = children['policy_node'].last_lines()
            raise StackError(f'the goal did not run for {seconds} s: {answer}\n{node}')
    finally:
        for name in reversed(children):
            children[name].stop()
    result = figures(folder, usage)
    return {'targets': judge(result), **result}


def judge(result: dict[str, Any]) -> dict[str, Any]:
    """Compare figures with `TARGETS`."""
    lost = {name: stream['lost'] for name, stream in result['streams'].items()}
    own = result['latency_ms']['all_but_network_and_replanning']
    measured = (
        result['controller']['late_ticks'],
        sum(lost[topic(name)] for name in CAMERAS),
        lost[JOINT_TOPIC],
        own['p95'],
    )
    return {
        name: {'at_most': limit, 'measured': value, 'met': value <= limit}
        for (name, limit), value in zip(TARGETS.items(), measured)
    }


def figures(folder: Path, usage: UsageRecord) -> dict[str, Any]:
    """Summarize what the processes have written to ``folder``."""
    noted = {name: dict(np.load(folder / f'{name}.npz')) for name in commands(folder)}
    node, robot, cameras = noted['policy_node'], noted['robot'], noted['cameras']
    chunks = node['chunks'][1:]  # nobody waited for the first
    window = (int(node['chunks'][0, 0]) + SETTLE_NS, int(chunks[-1, -1]))
    periods_ns = {topic(name): 1e9 / RATE_HZ for name in CAMERAS}
    periods_ns |= {JOINT_TOPIC: 1e9 / JOINT_HZ, POSE_TOPIC: POSE_EVERY * 1e9 / JOINT_HZ}
    published = cameras | robot
    parts = chunk_parts(
        chunks, node['network'], [node[topic(name)] for name in CAMERAS], robot['arrivals']
    )
    late, accepted, rejected = robot['counters'].tolist()
    return {
        'seconds': round((window[1] - window[0]) * 1e-9, 1),
        'latency_ms': latency_figures(parts, chunks, node['network']),
        'streams': {
            name: stream_figures(published[name], node[name], period_ns, window)
            for name, period_ns in periods_ns.items()
        },
        'controller': {
            'late_ticks': late,
            'chunks_sent': len(node['chunks']),
            'chunks_expired': len(node.get('expired', ())),
            'trajectories_accepted': accepted,  # the brake at the end is one of them
            'trajectories_rejected': rejected,
        },
        'processes': {
            name: {
                'cpu_cores': round(usage.cpu_share(name, *window), 3),
                'rss_mb': round(usage.largest_rss(name) / MB, 1),
            }
            for name in noted
        },
        'other_processes_cpu_cores': round(usage.foreign_share(*window), 3),
        'policy_node_threads_cpu_cores': _threads(node['threads'], usage, window),
        'network_alone_ms': spread_ms(_warm_up_ns(node['network'], int(node['chunks'][0, 0]))),
    }


def _threads(
    threads: NDArray[np.str_], usage: UsageRecord, window: tuple[int, int]
) -> dict[str, float]:
    shares = {name: usage.thread_share(int(number), *window) for name, number in threads}
    shares['others'] = usage.cpu_share('policy_node', *window) - sum(shares.values())
    return {name: round(share, 3) for name, share in shares.items()}


def _warm_up_ns(network: NDArray[np.int64], first_ns: int) -> NDArray[np.int64]:
    """Time of the policy before anything else ran; without the first."""
    return network[network[:, 0] < first_ns, 1][1:]
