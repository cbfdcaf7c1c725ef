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
