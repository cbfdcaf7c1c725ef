# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A row of a dataset is what the robot sees at that time, by the same code."""

from bag_samples import contract
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
        assert np.allclose(window.low_dim['arm'], data['arm'][i - 1 : i + 1], atol=1e-7)
        compared += 1
    assert compared >= 25
