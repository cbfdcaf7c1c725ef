# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What is compared with a conversion, each in a process of its own; prints what it took.

It must not load PyTorch, whose memory is not that of a conversion.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import re
import sys
import time

from dp_core.decode import decode
from dp_core.errors import DatasetError
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
from dp_data_tools.bench.sample_bag import COMMAND
from dp_data_tools.bench.sample_bag import contract
from dp_data_tools.bench.sample_bag import DT_S
from dp_data_tools.bench.sample_bag import T0_NS
from dp_data_tools.convert import convert
from dp_data_tools.idle import IdleRules
from dp_data_tools.plan import Plan
from dp_data_tools.topics import action_sources
import numpy as np
from rosbags.highlevel import AnyReader


def plain_read(bag: Path, output: Path) -> None:
    """Read the bytes of the bag, nothing else."""
    for path in sorted(bag.glob('*.mcap')):
        with path.open('rb', buffering=0) as file:
            block = bytearray(1 << 20)
            while file.readinto(block):
                pass


def rosbags_read(bag: Path, output: Path) -> None:
    """Read every message with rosbags, not deserialised."""
    with AnyReader([bag]) as reader:
        for _ in reader.messages():
            pass


def run_convert(bag: Path, output: Path) -> None:
    """Do what `dp_data_tools convert` does."""
    what = contract()
    sources = action_sources(what, {'command': [COMMAND]})
    report = convert([bag], Plan(what, sources, IdleRules(), reader='rosbags'), output, workers=2)
    if report.failures:
        raise DatasetError(str(report.failures))


def obvious_loop(bag: Path, output: Path) -> None:
    """Read, deserialise and decode every message, then choose: one process."""
    what = contract()
    streams = {f'/{s.topic.lstrip("/")}': s for s in what.observations}
    streams[COMMAND] = action_sources(what, {'command': [COMMAND]})[0].stream
    stamps: dict[str, list[int]] = {topic: [] for topic in streams}
    values: dict[str, list[np.ndarray]] = {topic: [] for topic in streams}
    with AnyReader([bag]) as reader:
        chosen = [c for c in reader.connections if c.topic in streams]
        for connection, _, raw in reader.messages(chosen):
            message = reader.deserialize(raw, connection.msgtype)
            stamp, value = decode(streams[connection.topic], message)
            stamps[connection.topic].append(stamp)
            values[connection.topic].append(value)
    first = '/front/image_raw'
    grid = np.arange(stamps[first][0], stamps[first][-1], round(DT_S * 1e9))
    at = np.array(stamps[first])
    ticks = at[np.abs(at[:, None] - grid).argmin(axis=0)]
    data = {}
    for topic, stream in streams.items():
        rows = np.stack(values[topic])
        known = np.array(stamps[topic])
        name = 'action' if topic == COMMAND else stream.name
        if stream.kind == 'image':
            data[name] = rows[np.searchsorted(known, ticks, side='right') - 1]
        else:
            columns = [np.interp(ticks - T0_NS, known - T0_NS, column) for column in rows.T]
            data[name] = np.stack(columns, axis=1).astype(np.float32)
    ends = np.array([len(ticks)])
    save_dataset(output, what, ReplayBuffer(data, ends, np.zeros(1, np.bool_)))


WORKS = {
    'plain_read': plain_read,
    'rosbags_read': rosbags_read,
    'convert': run_convert,
    'obvious_loop': obvious_loop,
}


def main() -> None:
    """Do one of WORKS."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work', choices=list(WORKS))
    parser.add_argument('bag', type=Path)
    parser.add_argument('output', type=Path)
    options = parser.parse_args()
    begun_s, cpu_begun_s = time.perf_counter(), time.process_time()
    WORKS[options.work](options.bag, options.output)
    seconds, cpu_s = time.perf_counter() - begun_s, time.process_time() - cpu_begun_s
    status = Path('/proc/self/status').read_text()  # ru_maxrss would count the parent's as well
    peak_kib = [int(number) for number in re.findall(r'VmHWM:\s+(\d+) kB', status)][0]
    figures = {
        'seconds': round(seconds, 3),
        'cpu_s': round(cpu_s, 3),
        'peak_mib': round(peak_kib / 1024, 1),
    }
    sys.stdout.write(json.dumps(figures) + '\n')


if __name__ == '__main__':
    main()
