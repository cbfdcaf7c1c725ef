# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Measure the conversion of a large bag; the figures go to `data.json` in the output folder.

The bag has two raw 640 x 480 cameras at 30 Hz, joint states at 500 Hz and commands at 50 Hz. It
becomes a dataset at 10 Hz with pictures of 96 x 96. In turns, with a warm cache: the file is read
and nothing else; rosbags reads every message of it; `dp_data_tools convert` works; and the obvious
loop works, which reads and decodes every message with rosbags and `dp_core.decode`.
"""

import argparse
import json
from pathlib import Path
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from dp_core.contract import Contract
from dp_core.decode import decode
from dp_core.replay_buffer import load_dataset
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
from dp_data_tools.convert import convert
from dp_data_tools.idle import IdleRules
from dp_data_tools.plan import Plan
from dp_data_tools.topics import action_sources
import numpy as np
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.typesys import get_typestore
from rosbags.typesys import Stores
import yaml

GIB = 2**30
T0_NS = 1_700_000_000_000_000_000
JOINTS = [f'joint_{i}' for i in range(1, 7)]
CAMERAS = ('front', 'back')
STATE, COMMAND = '/joint_states', '/joint_commands'
STORE = get_typestore(Stores.ROS2_HUMBLE)
JOINT_STATE, IMAGE = 'sensor_msgs/msg/JointState', 'sensor_msgs/msg/Image'
HEIGHT, WIDTH, PICTURE_HZ, STATE_HZ, COMMAND_HZ, DT_S = 480, 640, 30, 500, 50, 0.1
MEASURES = ('plain_read', 'rosbags_read', 'convert', 'obvious_loop')


def contract():
    """Two cameras and six joints at 10 Hz."""
    cameras = [
        {'name': name, 'kind': 'image', 'topic': f'{name}/image_raw', 'size': [96, 96]}
        for name in CAMERAS
    ]
    arm = {'name': 'arm', 'kind': 'joint_state', 'topic': STATE, 'joints': JOINTS}
    group = {'name': 'arm', 'kind': 'joint_position', 'dims': JOINTS, 'joints': JOINTS}
    return Contract.from_dict(
        {
            'name': 'bench',
            'dt_s': DT_S,
            'n_obs_steps': 2,
            'horizon': 16,
            'n_action_steps': 8,
            'observations': [*cameras, arm],
            'actions': [{**group, 'controller': 'joint_trajectory_controller'}],
        }
    )


def header(stamp_ns):
    """Header with a stamp."""
    time_type = STORE.types['builtin_interfaces/msg/Time']
    return STORE.types['std_msgs/msg/Header'](time_type(*divmod(stamp_ns, 10**9)), 'camera')


def write_bag(folder, seconds):
    """Write the bag: smooth pictures with some noise, joints on slow sines."""
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (16, HEIGHT, WIDTH, 3), np.uint8)
    empty = np.zeros(0)
    events = [(t, c) for c in CAMERAS for t in range(round(seconds * PICTURE_HZ))]
    times = [(round(t / PICTURE_HZ * 1e9), name, t) for t, name in events]
    times += [(round(t / STATE_HZ * 1e9), STATE, t) for t in range(round(seconds * STATE_HZ))]
    times += [
        (round(t / COMMAND_HZ * 1e9), COMMAND, t) for t in range(round(seconds * COMMAND_HZ))
    ]
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        topics = {
            c: writer.add_connection(f'/{c}/image_raw', IMAGE, typestore=STORE) for c in CAMERAS
        }
        for topic in (STATE, COMMAND):
            topics[topic] = writer.add_connection(topic, JOINT_STATE, typestore=STORE)
        for after_ns, topic, number in sorted(times):
            stamp = T0_NS + after_ns
            if topic in CAMERAS:
                pixels = pictures[number % len(pictures)].ravel()
                message = STORE.types[IMAGE](
                    header(stamp), HEIGHT, WIDTH, 'rgb8', 0, 3 * WIDTH, pixels
                )
                kind = IMAGE
            else:
                position = np.sin(after_ns * 1e-9 + np.arange(6.0))
                message = STORE.types[JOINT_STATE](header(stamp), JOINTS, position, empty, empty)
                kind = JOINT_STATE
            writer.write(topics[topic], stamp + 2_000_000, STORE.serialize_cdr(message, kind))


def plain_read(bag, _):
    """Read the bytes."""
    for path in bag.glob('*.mcap'):
        with path.open('rb', buffering=0) as file:
            block = bytearray(1 << 20)
            while file.readinto(block):
                pass


def rosbags_read(bag, _):
    """Read every message with rosbags, not deserialised."""
    with AnyReader([bag]) as reader:
        for _ in reader.messages():
            pass


def run_convert(bag, output):
    """What `dp_data_tools convert` does."""
    what = contract()
    sources = action_sources(what, {'command': [COMMAND]})
    report = convert([bag], Plan(what, sources, IdleRules()), output, workers=2)
    if report.failures:
        raise SystemExit(report.failures)


def obvious_loop(bag, output):
    """Read, deserialise and decode every message, then choose."""
    what = contract()
    streams = {f'/{s.topic.lstrip("/")}': s for s in what.observations}
    streams[COMMAND] = action_sources(what, {'command': [COMMAND]})[0].stream
    stamps, values = {t: [] for t in streams}, {t: [] for t in streams}
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


def measure(name, bag, output):
    """Run one measure in a process of its own: seconds, CPU seconds and peak memory [MiB]."""
    command = [
        sys.executable,
        __file__,
        '--only',
        name,
        '--bag',
        str(bag),
        '--output',
        str(output),
    ]
    shutil.rmtree(output, ignore_errors=True)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def run_one(name, bag, output):
    """Do the work of `measure` and print what it took."""
    work = {'convert': run_convert}.get(name, globals().get(name))
    begun, cpu_begun = time.perf_counter(), time.process_time()
    work(bag, output)
    seconds, cpu_s = time.perf_counter() - begun, time.process_time() - cpu_begun
    status = Path('/proc/self/status').read_text()  # ru_maxrss would count the parent as well
    figures = {
        'seconds': round(seconds, 3),
        'cpu_seconds': round(cpu_s, 3),
        'peak_mib': round(int(re.search(r'VmHWM:\s+(\d+) kB', status).group(1)) / 1024, 1),
    }
    sys.stdout.write(json.dumps(figures) + '\n')


def figures_of(bag, folder, rounds, recorded_s):
    """Medians over the rounds; every measure has its turn in each."""
    taken = {name: [] for name in MEASURES}
    for _ in range(rounds):
        for name in MEASURES:
            taken[name].append(measure(name, bag, folder / name))
            sys.stderr.write(f'{name} {taken[name][-1]}\n')
    size = sum(path.stat().st_size for path in bag.glob('*.mcap'))
    found = {}
    for name, runs in taken.items():
        seconds = statistics.median(run['seconds'] for run in runs)
        cpu_s = statistics.median(run['cpu_seconds'] for run in runs)
        found[name] = {
            'seconds': seconds,
            'all_seconds': [run['seconds'] for run in runs],
            'cpu_seconds': cpu_s,
            'peak_mib': max(run['peak_mib'] for run in runs),
            'times_real_time': round(recorded_s / seconds, 1),
            'times_real_time_per_core': round(recorded_s / cpu_s, 1),
            'mib_per_s': round(size / 2**20 / seconds),
        }
    return found, size


def same_pictures(folder):
    """Whether both datasets show the same pictures in their common rows."""
    ours, theirs = (load_dataset(folder / name)[1].data for name in ('convert', 'obvious_loop'))
    rows = min(len(ours['action']), len(theirs['action']))
    return all(np.array_equal(ours[c][:rows], theirs[c][:rows]) for c in CAMERAS)


def main():
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--output', type=Path, default=Path('out/bench'))
    parser.add_argument('--gib', type=float, default=5.0, help='size of the bag (default 5)')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--only', choices=MEASURES, help=argparse.SUPPRESS)
    parser.add_argument('--bag', type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        run_one(options.only, options.bag, options.output)
        return
    # It loads PyTorch, whose memory is not that of a conversion.
    from dp_core.evaluation.report import machine
    from dp_core.evaluation.report import write_json

    seconds = round(options.gib * GIB / (2 * PICTURE_HZ * HEIGHT * WIDTH * 3), 1)
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.output, prefix='.data_') as name:
        folder = Path(name)
        sys.stderr.write(f'writing a bag of {seconds} s\n')
        write_bag(folder / 'bag', seconds)
        found, size = figures_of(folder / 'bag', folder, options.rounds, seconds)
        same = same_pictures(folder)
        episodes = yaml.safe_load((folder / 'convert' / 'episodes.yaml').read_text())
    ours, loop, plain = found['convert'], found['obvious_loop'], found['plain_read']
    path = options.output / 'data.json'
    known = json.loads(path.read_text()) if path.exists() else {}
    known['conversion'] = {
        'command': f'python tools/bench_data.py --gib {options.gib} --rounds {options.rounds}',
        'machine': machine(),
        'bag': {
            'seconds': seconds,
            'gib': round(size / GIB, 2),
            'cameras': f'{len(CAMERAS)} x {WIDTH} x {HEIGHT} rgb8 at {PICTURE_HZ} Hz',
            'joint_states_hz': STATE_HZ,
            'commands_hz': COMMAND_HZ,
        },
        'dataset': {'hz': 1 / DT_S, 'pixel': 96, 'frames': episodes[0]['frames']},
        **found,
        'times_real_time': ours['times_real_time'],
        'of_plain_read': round(plain['seconds'] / ours['seconds'], 3),
        'times_obvious_loop': round(loop['seconds'] / ours['seconds'], 2),
        'times_obvious_loop_per_core': round(loop['cpu_seconds'] / ours['cpu_seconds'], 2),
        'peak_mib': ours['peak_mib'],
        'same_pictures_as_the_loop': same,
    }
    write_json(path, known)
    sys.stdout.write(json.dumps(known['conversion'], indent=2) + '\n')


if __name__ == '__main__':
    main()
