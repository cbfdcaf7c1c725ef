# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A force sensor at 250 Hz: each row holds the instants before its tick, as on the robot."""

from dataclasses import replace

from bag_samples import contract
from bag_samples import header
from bag_samples import MS
from bag_samples import recording
from bag_samples import STORE
from bag_samples import T0
from bag_samples import write_bag
from conversion import run
from dp_core.contract import Stream
from dp_core.decode import decode
from dp_core.replay_buffer import load_dataset
from dp_core.sync import Synchronizer
from dp_data_tools.axes import stream_axes
from dp_data_tools.bag_reader import BagReader
import numpy as np

WRENCH = 'geometry_msgs/msg/WrenchStamped'
STREAM = Stream('wrench', 'wrench', '/wrench', samples=5, sample_dt_s=0.01)


def wrench(ms, force):
    vector = STORE.types['geometry_msgs/msg/Vector3']
    both = STORE.types['geometry_msgs/msg/Wrench'](vector(force, 0.0, -1.0), vector(0.5, 0.0, 0.0))
    return STORE.types[WRENCH](header(ms), both)


def test_rows_hold_the_force_before_their_tick(tmp_path):
    """The force is the time since the beginning [ms]."""
    forces = [('/wrench', WRENCH, ms, wrench(ms, float(ms))) for ms in range(0, 3000, 4)]
    bag = write_bag(tmp_path / 'bag', sorted([*recording(3.0), *forces], key=lambda e: e[2]))
    what = contract()
    what = replace(what, observations=(*what.observations, STREAM))
    assert run(tmp_path, bag, what) == 0
    rows = load_dataset(tmp_path / 'out')[1].data['wrench']  # (N, 5 * 6)
    samples = rows.reshape(len(rows), 5, 6)
    ticks = samples[:, -1, 0].astype(np.float64)
    np.testing.assert_allclose(np.diff(ticks), 100.0, atol=0.01)
    for k in range(5):
        np.testing.assert_allclose(samples[:, k, 0], ticks - 10.0 * (4 - k), atol=0.01)
    assert (samples[:, :, 1:] == [0.0, -1.0, 0.5, 0.0, 0.0]).all()
    _require_live_windows_in(bag, what, rows, ticks)


def _require_live_windows_in(bag, what, rows, ticks):
    """Two rows are, bit for bit, the window that the robot makes at that time."""
    compared = 0
    only = replace(what, observations=(STREAM,))
    synchronizer = Synchronizer(only)
    with BagReader(bag) as reader:
        for _, now_ns, message in reader.messages(['/wrench']):
            event_ns, value = decode(STREAM, message)
            synchronizer.push('wrench', event_ns, value, now_ns)
            for row in np.flatnonzero(np.abs(ticks * MS - (event_ns - T0)) < MS):
                if row:  # the first has no tick before
                    window = synchronizer.window_at(event_ns, now_ns).low_dim['wrench']
                    assert np.array_equal(window, rows[row - 1 : row + 1])
                    compared += 1
    assert compared > 5


def test_every_number_has_a_name():
    names = stream_axes(STREAM)
    assert len(names) == STREAM.dim
    assert names[:7] == ('fx@-40ms', 'fy@-40ms', 'fz@-40ms', 'tx@-40ms', 'ty@-40ms', 'tz@-40ms',
                         'fx@-30ms')  # fmt: skip
    assert stream_axes(Stream('w', 'wrench', 'w')) == ('fx', 'fy', 'fz', 'tx', 'ty', 'tz')
