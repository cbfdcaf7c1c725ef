# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which number of the state an action asks for, and the lag between them under noise."""

import dataclasses

from dp_data_tools.quality.episode import Pair
from dp_data_tools.quality.episode import RADIAN
from dp_data_tools.quality.episode import Track
from dp_data_tools.quality.following import following_error
from dp_data_tools.quality.lag import Lag
from dp_data_tools.quality.lag import lags_of
from dp_data_tools.quality.lag import typical_s
from dp_data_tools.quality.pairs import agreed
from dp_data_tools.quality.pairs import pair_by_names
from dp_data_tools.quality.pairs import pair_vectors
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import numpy as np
import pytest
from quality_samples import changed
from quality_samples import episode
from quality_samples import motion
from quality_samples import PAIRS

TIMES_S = np.arange(200) / 20


def track(name, values, dims=None, unit=RADIAN):
    dims = dims or tuple(map(str, range(values.shape[1])))
    return Track(name, dims, TIMES_S, values, unit)


def test_names_are_paired_in_any_order_and_others_left_alone():
    action = track('action', motion(TIMES_S), ('a', 'b'))
    arm = track('arm', motion(TIMES_S)[:, ::-1], ('b', 'a'))
    grip = track('grip', motion(TIMES_S), ('x', 'y'))
    assert pair_by_names([action], [grip, arm]) == (
        Pair('action', 'a', 'arm', 'a'),
        Pair('action', 'b', 'arm', 'b'),
    )
    assert pair_by_names([action], [grip]) == ()
    metres = dataclasses.replace(arm, unit='m')
    assert pair_by_names([action], [metres]) == ()


def test_episodes_pair_an_action_as_most_of_them_do():
    block = track('block', np.zeros((200, 2)), ('a', 'b'))
    plain = [episode(k) for k in range(3)]
    plain = [dataclasses.replace(e, states=(*e.states, block)) for e in plain]
    odd = tuple(Pair('action', joint, 'block', joint) for joint in 'ab')
    mistaken = dataclasses.replace(plain[0], pairs=odd)
    without = dataclasses.replace(plain[1], states=(block,), pairs=odd)
    found = agreed([mistaken, *plain, without])
    assert [e.pairs for e in found] == [PAIRS, PAIRS, PAIRS, PAIRS, ()]


def test_vectors_are_paired_by_their_motion():
    action = track('action', motion(TIMES_S), unit='')
    mine = track('mine', motion(TIMES_S - 0.1) + 3.0, unit='')
    other = track('other', motion(TIMES_S, 9), unit='')
    long = track('long', np.zeros((200, 16)), unit='')
    assert pair_vectors([action], [other, long, mine]) == (
        Pair('action', '0', 'mine', '0'),
        Pair('action', '1', 'mine', '1'),
    )
    assert pair_vectors([action], [long]) == ()
    assert pair_vectors([action], [track('still', np.zeros((200, 2)), unit='')]) == ()


@given(st.floats(-0.3, 0.8), st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_the_lag_is_found_in_noise(lag_s, seed):
    noise = np.random.default_rng(seed)
    made = changed(
        episode(seed, 20.0, 25.0, lag_s), 'arm', lambda v: v + noise.normal(0, 0.01, v.shape)
    )
    lags = lags_of([made])
    assert typical_s(lags) == pytest.approx(lag_s, abs=0.01)
    for lag in lags:
        times_s, error = following_error(made, lag, None)
        assert len(times_s) == len(error) > 400
        assert error.std() == pytest.approx(0.01, rel=0.3)


def test_numbers_that_do_not_follow_tell_no_lag_but_why():
    made = changed(episode(), 'arm', lambda values: motion(np.arange(1000) / 50, 77))
    lags = lags_of([made])
    assert all(lag.delay is None or lag.delay.explained < 0.9 for lag in lags)
    assert typical_s([Lag(lag.pair, None, 'noise') for lag in lags]) is None
    assert lags_of([]) == []


def test_without_a_lag_only_commands_at_rest_are_compared():
    def stairs(values):
        values[:] = (np.arange(len(values)) // 250 * 0.3)[:, None]

    made = changed(changed(episode(), 'action', stairs), 'arm', lambda v: stairs(v) or v + 0.1)
    times_s, error = following_error(made, Lag(made.pairs[0], None), None)
    assert error == pytest.approx(0.1)
    for step_s in (5.0, 10.0, 15.0):
        assert not ((times_s >= step_s) & (times_s < step_s + 0.49)).any()


def test_a_missing_track_has_no_error():
    made = dataclasses.replace(episode(), actions=())
    times_s, error = following_error(made, Lag(made.pairs[0], None), 0.1)
    assert len(times_s) == len(error) == 0
