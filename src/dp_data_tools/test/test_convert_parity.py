# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A row of a dataset is what the robot sees at that time, by the same code."""

from dataclasses import replace

from bag_samples import contract
from bag_samples import image
from bag_samples import MS
from bag_samples import recording
from bag_samples import T0
from bag_samples import write_bag
from conversion import run
from dp_core.decode import decode
from dp_core.errors import NotReadyError
from dp_core.replay_buffer import load_dataset
from dp_core.sync import Synchronizer
from dp_data_tools.bag_reader import BagReader
import numpy as np
import pytest
import yaml


def live_windows(bag, what):
    """Windows that the robot would have made while the bag was recorded, by t_obs."""
    synchronizer, windows = Synchronizer(what), {}
    topics = {'/joint_states': 'arm', '/front/image_raw': 'front'}
    with BagReader(bag) as reader:
        for topic, now_ns, message in reader.messages(topics):
            name = topics[topic]
            event_ns, value = decode(what.stream(name), message)
            synchronizer.push(name, event_ns, value, now_ns)
            try:
                window = synchronizer.window(now_ns)
            except NotReadyError:
                continue
            windows[window.t_obs_ns] = window  # the last one knows the samples after t_obs
    return windows


def test_training_rows_are_what_the_robot_sees_live(tmp_path):
    bag = write_bag(tmp_path / 'bag', recording(delay=9.0))
    assert run(tmp_path, bag) == 0
    data = load_dataset(tmp_path / 'out')[1].data
    windows, compared = live_windows(bag, contract()), 0
    ticks = [T0 + round(100 * i * MS) for i in range(30)]
    for i, tick in enumerate(ticks):
        window = windows.get(tick)
        if i == 0 or window is None:
            continue
        assert np.array_equal(window.images['front'], data['front'][i - 1 : i + 1])
        assert np.array_equal(window.low_dim['arm'], data['arm'][i - 1 : i + 1])
        compared += 1
    assert compared >= 25


@pytest.mark.parametrize('seed', range(3))
def test_the_newest_row_is_bit_for_bit_the_same_with_jitter_latencies_and_depth(tmp_path, seed):
    generator = np.random.default_rng(seed)
    entries = []
    for topic, kind, ms, message in recording(3.0):
        late = generator.uniform(-3.0, 3.0) if topic == '/front/image_raw' else 0.0
        if topic == '/front/image_raw':
            pixels = generator.integers(300, 2000, (9, 12, 1), np.uint16)
            message = image(ms - 5 + late, pixels, '16UC1', padding=3)
        entries.append((topic, kind, ms + 4 + late, message))
    bag = write_bag(tmp_path / 'bag', sorted(entries, key=lambda entry: entry[2]))
    what = contract()
    arm, front = what.observations
    late_arm = replace(arm, latency_s=0.013)
    depth = replace(front, depth_m=(0.4, 1.6), latency_s=0.021)
    what = replace(what, observations=(late_arm, depth))
    assert run(tmp_path, bag, what) == 0
    data = load_dataset(tmp_path / 'out')[1].data
    first, last = (episode_of(tmp_path)[name] for name in ('first_ns', 'last_ns'))
    windows = {t: w for t, w in live_windows(bag, what).items() if first <= t <= last}
    rows = {picture.tobytes(): row for row, picture in enumerate(data['front'])}
    compared = 0
    for window in windows.values():
        row = rows.get(window.images['front'][-1].tobytes())
        if row is not None:
            assert np.array_equal(window.low_dim['arm'][-1], data['arm'][row])
            compared += 1
    assert compared >= 25


def episode_of(tmp_path):
    return yaml.safe_load((tmp_path / 'out' / 'episodes.yaml').read_text())[0]
