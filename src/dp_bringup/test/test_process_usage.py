# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import os
import threading
import time

from dp_bringup.process_usage import busy_s
from dp_bringup.process_usage import cpu_s
from dp_bringup.process_usage import TICKS_PER_S
from dp_bringup.process_usage import UsageRecord
import pytest


def test_processor_time_is_found_behind_any_name():
    text = '7 (a) b (c)) S 1 1 1 0 -1 0 0 0 0 0 150 50 9 9 20 0 1 0 0'
    assert cpu_s(text) == 200 / TICKS_PER_S


def test_idle_time_is_not_busy():
    assert busy_s('cpu  1 2 4 1000 500 8 16 32 64 0\ncpu0 ...') == 63 / TICKS_PER_S


def test_between_two_samples_use_is_a_line():
    record = UsageRecord({'me': os.getpid()})
    record._times_ns = [0, 10**9, 2 * 10**9]
    record._cpu_s['me'] = [5.0, 5.5, 5.5]
    assert record.cpu_share('me', 0, 10**9) == pytest.approx(0.5)
    assert record.cpu_share('me', 500_000_000, 1_500_000_000) == pytest.approx(0.25)


def test_this_process_and_its_threads_are_seen():
    record = UsageRecord({'me': os.getpid()})
    record.sample()
    end_s = time.monotonic() + 0.2
    while time.monotonic() < end_s:
        pass
    record.sample()
    begin_ns, end_ns = record._times_ns
    assert record.largest_rss('me') > 1_000_000
    share = record.thread_share(threading.get_native_id(), begin_ns, end_ns)
    assert 0.0 < share <= record.cpu_share('me', begin_ns, end_ns) + 0.1


def test_a_process_that_has_ended_is_told():
    with pytest.raises(OSError):
        UsageRecord({'nobody': 2**22 + 1}).sample()
