# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Rest is found, trimmed and split, in numbers a person can count."""

from dp_core.errors import ConfigError
from dp_data_tools.idle import IdleRules
from dp_data_tools.idle import long_rests
from dp_data_tools.idle import moving_rows
from dp_data_tools.idle import runs_of
from dp_data_tools.idle import worthy_rows
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

DT = 0.1


def moves(text):
    """Rows that move are drawn as #."""
    return np.array([letter == '#' for letter in text])


def test_a_row_moves_when_it_differs_from_a_neighbour():
    numbers = np.array([[0, 5], [0, 5], [0, 5.1], [0, 5.1], [0, 5.1]])
    assert moving_rows(numbers, DT, 0.5).tolist() == [False, True, True, False, False]
    assert not moving_rows(numbers, DT, 1.5).any()  # 0.1 in 0.1 s is 1 a second
    assert moving_rows(numbers, DT, 0.0).all()


def test_runs():
    assert runs_of(moves('.##..#')) == [(1, 3), (5, 6)]
    assert runs_of(moves('')) == runs_of(moves('...')) == []


def test_rest_before_and_after_is_cut_and_some_is_kept():
    rules = IdleRules(0.01, keep_s=0.2)
    assert worthy_rows(moves('.....###..##....'), DT, rules) == [(3, 14)]
    assert worthy_rows(moves('#..'), DT, rules) == [(0, 3)]
    assert worthy_rows(moves('....'), DT, rules) == []


def test_a_longer_rest_than_split_ends_an_episode():
    rules = IdleRules(0.01, keep_s=0.1, split_s=0.3)
    assert worthy_rows(moves('##...##....##'), DT, rules) == [(0, 8), (10, 13)]


def test_rest_of_a_second_within_is_told():
    assert long_rests(moves('##' + '.' * 10 + '#' + '.' * 9 + '#'), DT) == [(2, 12)]


@given(st.text('#.', max_size=60), st.integers(0, 5), st.integers(0, 20))
def test_every_motion_is_in_exactly_one_episode(text, keep, split):
    mask = moves(text)
    rules = IdleRules(0.01, keep * DT, max(split, 2 * keep) * DT)
    rows = [row for first, end in worthy_rows(mask, DT, rules) for row in range(first, end)]
    assert len(rows) == len(set(rows))
    assert set(np.flatnonzero(mask)) <= set(rows)


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'speed': -1.0}, 'speed is -1.0, valid: 0 or more'),
        ({'keep_s': float('nan')}, 'keep_s is nan'),
        ({'keep_s': 1.0, 'split_s': 1.5}, r'split_s is 1.5, valid: at least twice keep_s \(1.0\)'),
    ],
)
def test_rules_that_make_no_sense_are_refused(values, words):
    with pytest.raises(ConfigError, match=words):
        IdleRules(**values)
