# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.errors import ConfigError
from dp_core.evaluation.statistics import bootstrap_mean_interval
from dp_core.evaluation.statistics import paired_difference
from dp_core.evaluation.statistics import wilson_interval
import numpy as np
import pytest


def test_wilson_interval_of_published_numbers():
    assert wilson_interval(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson_interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson_interval(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_bootstrap_interval_agrees_with_the_normal_one():
    values = np.random.default_rng(1).normal(0.5, 0.1, 400).tolist()
    low, high = bootstrap_mean_interval(values)
    half = 1.96 * np.std(values) / 20
    assert low == pytest.approx(np.mean(values) - half, abs=1e-3)
    assert high == pytest.approx(np.mean(values) + half, abs=1e-3)


def test_bootstrap_interval_is_repeatable_and_closes_on_equal_values():
    assert bootstrap_mean_interval([0.7, 0.7]) == pytest.approx((0.7, 0.7))
    assert bootstrap_mean_interval([0.1, 0.9]) == bootstrap_mean_interval([0.1, 0.9])


def test_what_all_episodes_gain_needs_no_interval():
    gained = paired_difference([0.2, 0.9, 0.5], [0.1, 0.8, 0.4])
    assert gained['mean'] == pytest.approx(0.1)
    assert gained['ci95'] == pytest.approx([0.1, 0.1])


def test_intervals_of_nothing_are_refused():
    with pytest.raises(ConfigError, match='got none'):
        bootstrap_mean_interval([])
    with pytest.raises(ConfigError, match='3 successes of 2'):
        wilson_interval(3, 2)
