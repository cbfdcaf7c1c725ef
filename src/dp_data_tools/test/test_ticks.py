# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Ticks lie dt apart on average, and on pictures where there are some."""

from dp_core.errors import DatasetError
from dp_data_tools.ticks import GridTicks
from dp_data_tools.ticks import PictureTicks
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

MS = 1_000_000


def ticks(stamps_ms, dt_ms=100):
    """Ticks [ms] on pictures at ``stamps_ms``."""
    made = PictureTicks(dt_ms * MS, 'front')
    return [t / MS for stamp in stamps_ms for t in made.push(round(stamp * MS))]


def test_every_third_picture_of_a_30_hz_camera():
    stamps = [i * 1000 / 30 for i in range(10)]
    assert ticks(stamps) == pytest.approx([0, 100, 200, 300], abs=1e-5)


def test_the_drawing_of_a_25_hz_camera():
    # The grid lies between pictures: 80, 200, 280 or 320, 400.
    assert ticks(range(0, 441, 40)) == [0, 80, 200, 280, 400]


def test_jitter_takes_the_nearest_picture_not_the_one_before():
    assert ticks([0, 33, 67, 101, 134, 166, 199, 233, 266, 302]) == [0, 101, 199, 302]


def test_a_camera_a_little_slower_than_dt_uses_each_picture_once():
    stamps = [101.5 * i for i in range(60)]
    assert ticks(stamps) == stamps


def test_a_missing_picture_of_a_10_hz_camera_is_refused():
    with pytest.raises(
        DatasetError, match=r"'front' has no picture for 0.200 s after 0.200; .*every 0.1 s"
    ):
        ticks([0, 100, 200, 400, 500])


def test_a_gap_is_refused_wherever_it_lies_on_the_grid():
    """The grid is at 200 and 300 ms: pictures at 133 and 383 would be rows 0.25 s apart."""
    with pytest.raises(DatasetError, match=r"'front' has no picture for 0.250 s after 0.133"):
        ticks([0, 33, 67, 100, 133, 383, 416])


@given(st.lists(st.floats(20, 45), min_size=20, max_size=100))
def test_ticks_are_pictures_rise_and_keep_the_rate(gaps):
    stamps = [round(s, 3) for s in np.cumsum(gaps)]
    found = ticks(stamps)
    assert set(found) <= {round(s * MS) / MS for s in stamps}
    assert (np.diff(found) > 0).all()
    grid = found[0] + 100 * np.arange(len(found))
    assert np.abs(np.array(found) - grid).max() <= 45 / 2 + 1e-6


def test_the_grid_without_cameras():
    grid = GridTicks(100 * MS)
    assert grid.push(7 * MS) == [7 * MS]
    assert grid.push(106 * MS) == []
    assert grid.push(310 * MS) == [107 * MS, 207 * MS, 307 * MS]
