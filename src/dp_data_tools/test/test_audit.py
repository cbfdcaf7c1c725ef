# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The audit counts what a person can count by hand."""

from bag_samples import JOINT_STATE
from bag_samples import joints
from bag_samples import MS
from bag_samples import STORE
from bag_samples import T0
from dp_data_tools.recording.audit import Audit
from dp_data_tools.recording.audit import header_stamp_ns
from dp_data_tools.recording.audit import table
from recording_samples import topic


def message(ms):
    return STORE.serialize_cdr(joints(ms, (0.0, 0.0)), JOINT_STATE)


def test_counts_rates_and_gaps_are_exact():
    audit = Audit(T0, {'/a': 0.05, '/b': 0.05})
    audit.expect('/a', has_header=True)
    for ms in (10, 20, 30, 130, 140):  # received 7 ms late, which is no gap
        audit.take('/a', T0 + (ms + 7) * MS, message(ms))
    a, b = audit.finish(T0 + 150 * MS)
    assert (a.topic, a.messages, a.rate_hz) == ('/a', 5, round(4 / 0.13, 3))
    assert (a.longest_gap_s, a.gap_at_s) == (0.1, 0.037)
    assert a.warnings == ('0.100 s without a message at 0.0 s, the contract allows 0.05 s',)
    assert (b.messages, b.warnings) == (0, ('no messages',))


def test_the_end_of_a_silent_topic_is_a_gap():
    audit = Audit(T0, {'/a': 0.2})
    audit.expect('/a', has_header=True)
    for ms in (0, 100):
        audit.take('/a', T0 + ms * MS, message(ms))
    assert audit.silent(T0 + 1050 * MS) == {}
    assert audit.silent(T0 + 1200 * MS) == {'/a': 1.1}
    (told,) = audit.finish(T0 + 1200 * MS)
    assert (told.longest_gap_s, told.gap_at_s) == (1.1, 0.1)


def test_bad_stamps_drops_and_losses_are_counted():
    audit = Audit(T0, {})
    audit.expect('/a', has_header=True)
    unstamped = bytearray(message(0))
    unstamped[4:12] = bytes(8)
    for ms, data in ((0, message(0)), (10, message(10)), (20, message(5)), (30, unstamped)):
        audit.take('/a', T0 + ms * MS, bytes(data))
    audit.drop('/a')
    audit.lose('/a', 3)
    assert (audit.messages, audit.missed) == (4, 4)
    (told,) = audit.finish(T0 + 30 * MS)
    assert (told.backward, told.unstamped, told.dropped, told.lost) == (1, 1, 1, 3)
    assert len(told.warnings) == 4
    assert '3 messages lost on the way' in table([told])


def test_topics_without_a_header_are_timed_by_reception():
    audit = Audit(T0, {})
    audit.expect('/flag', has_header=False)
    for ms in (0, 40):
        audit.take('/flag', T0 + ms * MS, b'\x00\x01\x00\x00\x01')
    (told,) = audit.finish(T0 + 40 * MS)
    assert (told.messages, told.longest_gap_s, told.unstamped) == (2, 0.04, 0)


def test_stamps_are_read_from_either_byte_order():
    stamp = (1_700_000_000).to_bytes(4, 'little') + (5).to_bytes(4, 'little')
    assert header_stamp_ns(b'\x00\x01\x00\x00' + stamp) == T0 + 5
    stamp = (1_700_000_000).to_bytes(4, 'big') + (5).to_bytes(4, 'big')
    assert header_stamp_ns(b'\x00\x00\x00\x00' + stamp) == T0 + 5
    assert header_stamp_ns(b'\x00\x01\x00\x00') == 0


def test_a_header_is_recognised_by_the_definition():
    assert topic('/j', JOINT_STATE).has_header
    assert not topic('/f', 'std_msgs/msg/Float64MultiArray').has_header
    assert not topic('/e', 'std_msgs/msg/Empty').has_header
