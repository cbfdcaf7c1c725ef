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


def live_windows(bag, what, first=False):
    """Windows that the robot would have made while the bag was recorded, by t_obs.

    Of those of one t_obs the last one, or the ``first``, which knows less.
    """
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
            if not (first and window.t_obs_ns in windows):
                windows[window.t_obs_ns] = window
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


@pytest.mark.parametrize(('latency_s', 'low', 'high'), [(0.0, 0.13, 0.16), (-0.115, 0.0, 0.033)])
def test_numbers_that_arrive_late_are_held_live_unless_dated_at_their_arrival(
    tmp_path, latency_s, low, high
):
    """As docs/latency.md says: states at 31 Hz that come 120 ms after their stamp."""
    seldom = recording(3.0, drop=lambda topic, ms: topic == '/joint_states' and ms % 32)
    entries = [(t, k, ms + 115 * (t == '/joint_states'), m) for t, k, ms, m in seldom]
    bag = write_bag(tmp_path / 'bag', sorted(entries, key=lambda entry: entry[2]))
    arm, front = contract().observations
    what = replace(contract(), observations=(replace(arm, latency_s=latency_s), front))
    assert run(tmp_path, bag, what) == 0
    data, windows = load_dataset(tmp_path / 'out')[1].data, live_windows(bag, what, first=True)
    live = {w.images['front'][-1].max(): w.low_dim['arm'][-1, 0] for w in windows.values()}
    rows = {picture.max(): row for picture, row in zip(data['front'], data['arm'][:, 0])}
    apart_s = [abs(live[number] - rows[number]) for number in live.keys() & rows.keys()]
    assert len(apart_s) > 25
    assert low < max(apart_s) < high  # joint a is the time


def episode_of(tmp_path):
    return yaml.safe_load((tmp_path / 'out' / 'episodes.yaml').read_text())[0]
