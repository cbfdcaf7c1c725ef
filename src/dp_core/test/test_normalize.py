# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.errors import CheckpointError
from dp_core.errors import DatasetError
from dp_core.normalize import MinMax
from dp_core.normalize import Normalizer
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
import numpy as np
import pytest


def limits(low, high) -> MinMax:
    return MinMax(np.array(low, np.float32), np.array(high, np.float32))


def test_limits_map_to_minus_one_and_one():
    pixels = limits([0.0, 100.0], [512.0, 300.0])
    unit = pixels.normalize(np.array([[0, 100], [256, 200], [512, 300]], np.float32))
    assert unit.tolist() == [[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]]


def test_constant_dimension_maps_to_zero_and_back_to_its_value():
    some = limits([5.0, 0.0], [5.0, 1.0])
    assert some.constant.tolist() == [True, False]
    assert some.normalize(np.array([9.0, 1.0], np.float32)).tolist() == [0.0, 1.0]
    assert some.unnormalize(np.array([0.7, -1.0], np.float32)).tolist() == [5.0, 0.0]


@given(arrays(np.float32, (6, 3), elements=st.floats(-1e3, 1e3, width=32)))
def test_round_trip_and_range(values):
    fitted = MinMax.fit(values, 'values')
    unit = fitted.normalize(values)
    assert np.abs(unit).max() <= 1.0 + 1e-5
    np.testing.assert_allclose(fitted.unnormalize(unit), values, atol=2e-3)


def test_nan_is_refused_with_the_frame():
    values = np.zeros((4, 2), np.float32)
    values[2, 1] = np.nan
    with pytest.raises(DatasetError, match='tool: 1 of 4 frames .* frame 2'):
        MinMax.fit(values, 'tool')


def test_arrays_round_trip():
    normalizer = Normalizer({'tool': limits([0], [1]), 'action': limits([-1, -1], [2, 2])})
    again = Normalizer.from_arrays(normalizer.to_arrays())
    assert sorted(again.ranges) == ['action', 'tool']
    assert again['action'].high.tolist() == [2.0, 2.0]


def test_incomplete_statistics_are_named():
    arrays_ = Normalizer({'tool': limits([0], [1])}).to_arrays()
    del arrays_['tool/high']
    with pytest.raises(CheckpointError, match='tool/high'):
        Normalizer.from_arrays(arrays_)
    with pytest.raises(CheckpointError, match="no statistics for 'front'"):
        Normalizer({'tool': limits([0], [1])})['front']


def test_bad_limits_are_refused():
    with pytest.raises(CheckpointError, match='out of order'):
        limits([1], [0])
    with pytest.raises(CheckpointError, match='NaN'):
        limits([np.nan], [0])


def test_constant_dimensions_are_listed():
    normalizer = Normalizer({'tool': limits([0, 1], [1, 1]), 'action': limits([0], [1])})
    assert normalizer.constant_dimensions() == {'tool': [1]}


def test_a_joint_that_is_held_is_constant_though_it_is_noisy():
    held = 0.5 + 1e-5 * np.linspace(-1.0, 1.0, 9)
    fitted = MinMax.fit(np.stack([held, 100 * held], axis=1).astype(np.float32), 'joints')
    assert fitted.constant.tolist() == [True, False]
    assert fitted.low[0] == fitted.high[0] == pytest.approx(0.5)
    assert fitted.normalize(np.float32([0.505, 50.001]))[0] == 0.0


def test_limits_of_older_checkpoints_mean_what_they_meant():
    older = limits([0.5, 0.5], [0.50005, 0.5000004])
    assert older.constant.tolist() == [False, True]
    assert older.normalize(np.float32([0.50005, 0.5])) == pytest.approx([1.0, 0.0], abs=2e-3)


def test_reach_tells_how_far_other_limits_lie_beyond():
    some = limits([0.0, 5.0, 5.0, 0.0], [2.0, 5.0, 5.0, 4e-5])
    other = limits([-1.0, 5.0, 4.0, -4e-5], [1.5, 5.00005, 5.0, 4e-5])
    assert some.reach(other).tolist() == [2.0, 0.0, np.inf, 0.0]


def test_all_samples_of_a_channel_have_the_same_limits():
    """Two channels, three samples: a force of 5 N is the same number whenever it was felt."""
    values = np.array([[0, 0, 5, 1, -1, 0], [1, 2, 0, 0, 0, -3]], np.float32)
    limits = MinMax.fit(values, 'wrench', channels=2)
    assert limits.low.tolist() == [-1, -3] * 3
    assert limits.high.tolist() == [5, 2] * 3
    steady = np.tile(np.array([2.0, -0.5], np.float32), 3)
    np.testing.assert_allclose(limits.normalize(steady), [0.0, 0.0] * 3, atol=1e-6)
