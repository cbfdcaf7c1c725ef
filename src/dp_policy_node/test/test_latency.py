# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_policy_node.latency import LatencyRecord
from dp_policy_node.latency import MARGIN_S
import pytest


def test_before_the_first_chunk_only_the_warm_up_is_known():
    record = LatencyRecord([0.1, 0.1])
    assert record.percentile(95) == 0.0
    assert record.expected_s() == pytest.approx(0.1 + MARGIN_S)


def test_ten_predictions_outweigh_the_warm_up():
    record = LatencyRecord([1.0])
    for _ in range(10):
        record.add(0.02)
    assert record.percentile(50) == pytest.approx(0.02)
    assert record.expected_s() == pytest.approx(0.02 + MARGIN_S)


def test_only_the_last_hundred_count():
    record = LatencyRecord([])
    for time_s in [9.0] * 50 + [0.01] * 100:
        record.add(time_s)
    assert record.percentile(100) == pytest.approx(0.01)


def test_one_slow_prediction_does_not_make_every_observation_older():
    record = LatencyRecord([])
    for time_s in [0.05] * 19 + [0.5]:
        record.add(time_s)
    assert record.expected_s() == pytest.approx(0.05 + MARGIN_S)
    assert record.worst_s() == pytest.approx(0.0725 + MARGIN_S)  # 5 % of the way up to 0.5
