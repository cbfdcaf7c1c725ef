# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stamps of topics, made without bags: gaps, jitter, rates, skew, drift and jumps of any size."""

from dataclasses import replace

from bag_samples import contract
from bag_samples import MS
from bag_samples import T0
from dp_data_tools.quality.clocks import check_clocks
from dp_data_tools.quality.clocks import quickest_s
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import Stamps
from dp_data_tools.quality.joints import check_contract
from dp_data_tools.quality.joints import check_joint_names
from dp_data_tools.quality.thresholds import Thresholds
from dp_data_tools.quality.timing import check_rates
from dp_data_tools.quality.timing import check_timing
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

LIMITS = Thresholds()


def stamps(header_ms, way_ms=5.0, topic='/arm', **fields):
    """Messages stamped at times after T0 and recorded ``way_ms`` later."""
    header_ns = T0 + np.round(np.asarray(header_ms) * MS).astype(np.int64)
    way_ns = np.round(np.broadcast_to(way_ms, header_ns.shape) * MS).astype(np.int64)
    recorded_ns = header_ns + way_ns
    order = np.argsort(recorded_ns, kind='stable')
    return Stamps(
        topic, 'sensor_msgs/msg/JointState', recorded_ns[order], header_ns[order], **fields
    )


def bag(*topics, name='bag'):
    begin = min(s.recorded_ns[0] for s in topics)
    end = max(s.recorded_ns[-1] for s in topics)
    return Episode(name, 0, name, (end - begin) * 1e-9, stamps=topics)


def even(count=300, period_ms=20.0):
    return period_ms * np.arange(count)


def timing(*topics):
    return list(check_timing(bag(*topics), LIMITS))


def clocks(*topics):
    return list(check_clocks(bag(*topics), LIMITS))


@given(st.floats(1.0, 100.0), st.integers(20, 400), st.floats(-5.0, 100.0))
def test_even_messages_of_any_rate_are_silent(period_ms, count, way_ms):
    topic = stamps(even(count, period_ms), way_ms)
    assert not timing(topic)
    assert not clocks(topic)


@given(st.integers(1, 60), st.integers(50, 150))
def test_a_gap_is_found_from_the_tenth_of_a_second_on(lost, at):
    kept = np.delete(even(), slice(at, at + lost))
    found = timing(stamps(kept))
    length_ms = 20.0 * (lost + 1)
    if length_ms <= 100.0:
        assert not found
        return
    assert [f.check for f in found] == ['gap']
    assert found[0].value == pytest.approx(length_ms)
    assert found[0].time_s == pytest.approx(0.02 * (at - 1))
    assert found[0].spans == ((found[0].time_s, pytest.approx(0.02 * (at + lost))),)
    assert f'about {lost} messages lost' in found[0].message
    if length_ms != 500.0:  # where rounding decides
        assert (found[0].severity == 'error') == (length_ms > 500.0)


def test_a_slow_topic_may_be_silent_for_two_periods():
    slow = even(40, 200.0)
    assert not timing(stamps(np.delete(slow, 20)))
    found = timing(stamps(np.delete(slow, [20, 21])))
    assert (found[0].value, found[0].threshold) == (pytest.approx(600), pytest.approx(500))


def test_several_gaps_are_one_finding():
    found = timing(stamps(np.delete(even(), [*range(50, 60), *range(100, 120)])))
    assert found[0].message == '2 gaps of up to 420 ms at 50.0 Hz, about 30 messages lost'
    assert len(found[0].spans) == 2


def test_a_handful_of_messages_has_no_rate():
    assert not timing(stamps([0, 10, 5000, 9000]))


@given(st.floats(0.0, 0.9).filter(lambda part: abs(part - 0.3) > 1e-6))
def test_jitter_is_half_the_range_of_periods(part):
    shift = 20.0 * part * (np.arange(300) % 3 == 2)  # periods of 20, 20 (1 + part), 20 (1 - part)
    found = timing(stamps(even() + shift))
    assert bool(found) == (part > LIMITS.jitter)
    for finding in found:
        assert (finding.check, finding.value) == ('jitter', pytest.approx(100 * part))


def test_starts_late_and_ends_early():
    camera = stamps(even(100) + 2000, topic='/camera')
    found = timing(stamps(even()), camera)
    assert [(f.check, round(f.value, 2)) for f in found] == [
        ('starts_late', 2.0),
        ('ends_early', 2.0),
    ]
    assert found[0].spans[0] == pytest.approx((0.0, 2.0))
    assert found[1].spans[0] == pytest.approx((3.98, 5.98))


def test_messages_without_header_are_judged_by_their_recording():
    made = stamps(np.delete(even(), slice(50, 70)))
    bare = Stamps('/note', 'std_msgs/msg/String', made.recorded_ns, None)
    assert [f.check for f in timing(bare)] == ['gap']
    assert not clocks(bare)
    assert quickest_s(bare)[0].size == 0


def test_damage_is_told():
    damaged = Episode('bag', 0, 'bag', 1.0, damage='the end is missing')
    found = list(check_timing(damaged, LIMITS))
    assert found[0].message == 'cannot be checked to its end: the end is missing'


def test_rates_are_compared_with_the_median_of_all_bags():
    bags = [bag(stamps(even(200, p)), name=f'b{p}') for p in (20.0, 20.0, 20.0, 26.0, 23.0)]
    found = list(check_rates(bags, LIMITS))
    assert [(f.source, f.message) for f in found] == [
        ('b26.0', '38.5 Hz, in the other bags 50.0 Hz')
    ]
    assert not list(check_rates(bags[3:4], LIMITS))


def events(times_ms):
    """Messages that come when something happens."""
    return replace(stamps(times_ms, topic='/rosout'), msgtype='rcl_interfaces/msg/Log')


def test_what_comes_with_events_is_no_error():
    bags = [bag(stamps(even()), events(even(30, 200.0)), name=f'b{k}') for k in range(3)]
    few = bag(stamps(even()), events(even(9, 600.0)), name='few')
    none = bag(stamps(even()), name='none')
    found = list(check_rates([*bags, few, none], LIMITS))
    assert [(f.source, f.check, f.severity) for f in found] == [
        ('none', 'missing_topic', 'warning')
    ]
    silent = np.concatenate([even(20, 100.0), 5000 + even(20, 100.0)])
    found = timing(events(silent)) + timing(stamps(silent))
    assert [(f.check, f.severity) for f in found] == [('gap', 'warning'), ('gap', 'error')]


def test_a_stream_that_dies_at_once_is_missed_and_a_short_bag_is_not():
    camera = {'topic': '/camera'}
    bags = [bag(stamps(even()), stamps(even(180, 33.0), **camera)) for k in range(3)]
    dead = bag(stamps(even()), stamps(even(3, 33.0), **camera), name='dead')
    short = bag(stamps(even(12)), stamps(even(7, 33.0), **camera), name='short')
    found = list(check_rates([*bags, dead, short], LIMITS))
    assert [(f.source, f.severity, f.message) for f in found] == [
        ('dead', 'error', 'only 3 messages; 3 of 5 bags have 30.3 Hz')
    ]


def test_a_topic_that_most_bags_lack_is_not_missed():
    both = bag(stamps(even()), stamps(even(), topic='/extra'), name='both')
    one = [bag(stamps(even()), name=f'b{k}') for k in range(3)]
    assert not list(check_rates([both, *one], LIMITS))
    found = list(check_rates([both, both, *one[:1]], LIMITS))
    assert [(f.check, f.source, f.subject) for f in found] == [('missing_topic', 'b0', '/extra')]


@given(st.floats(-500.0, 500.0))
def test_the_offset_of_a_clock_has_its_sign(way_ms):
    found = clocks(stamps(even(), way_ms))
    expected = 'error' if way_ms < -5.001 else 'warning' if way_ms > 100.001 else ''
    assert ''.join(f.severity.value for f in found) == expected
    for finding in found:
        assert finding.check == 'clock_offset'
        assert finding.value == pytest.approx(way_ms, abs=0.001)


def test_a_busy_network_is_no_drift_and_no_offset():
    late = np.random.default_rng(0).exponential(40.0, 3000)
    arrival = np.maximum.accumulate(even(3000) + 2.0 + late)
    assert not clocks(stamps(even(3000), arrival - even(3000)))


def test_a_computer_that_gets_busy_is_no_drift():
    way = np.where(np.arange(300) < 200, 20.0, 3.0)  # 17 ms less in the last two seconds
    assert not clocks(stamps(even(), way))


def test_one_message_that_is_ahead_is_not_a_clock():
    way = np.full(300, 5.0)
    way[100] = -8.0
    assert not clocks(stamps(even(), way))


@pytest.mark.parametrize('ppm', [-400.0, -150.0, 50.0, 150.0, 1000.0])
def test_drift_is_found_under_the_delays_of_a_network(ppm):
    late = np.minimum(np.random.default_rng(1).exponential(3.0, 6000), 15.0)
    times_ms = even(6000)  # two minutes
    found = clocks(stamps(times_ms, 60 + times_ms * ppm * 1e-6 + late))
    drifts = [f for f in found if f.check == 'clock_drift']
    assert len(drifts) == (abs(ppm) > LIMITS.drift_ppm)
    for finding in drifts:
        assert finding.value == pytest.approx(ppm, rel=0.1)
        assert f'{finding.value * 0.06:+.2f} ms a minute' in finding.message


def test_simulation_time_is_another_clock_not_a_wrong_one():
    made = stamps(even())
    sim = Stamps('/arm', made.msgtype, made.recorded_ns, made.header_ns - T0 + 1)
    assert [(f.check, f.severity) for f in clocks(sim)] == [('clock_other', 'warning')]


def test_stamps_that_repeat_go_back_or_jump():
    twice = even()
    twice[100] = twice[99]
    found = clocks(stamps(twice, 5.0 + 20.0 * (np.arange(300) == 100)))
    assert found[0].message == '1 stamps are those of the message before'
    back = even()
    way = np.full(300, 5.0)
    back[150:] -= 3600e3
    way[150:] += 3600e3
    found = {f.check: f for f in clocks(stamps(back, way))}
    assert found['clock_jump'].value == pytest.approx(3600e3 - 20)
    assert found['clock_jump'].time_s == pytest.approx(3.0)


def test_zero_stamps_are_counted_and_end_the_checks_of_that_clock():
    made = stamps(even())
    made.header_ns[7:10] = 0
    assert [(f.check, f.value) for f in clocks(made)] == [('zero_stamp', 3.0)]


def test_stamps_that_nobody_reads_are_no_error():
    kind = {'msgtype': 'geometry_msgs/msg/TwistStamped'}
    bare, ahead = stamps(even()), stamps(even(), -80.0)
    bare.header_ns[7:10] = 0
    found = clocks(bare, ahead) + clocks(replace(bare, **kind), replace(ahead, **kind))
    assert [(f.check, f.severity) for f in found] == [
        ('zero_stamp', 'error'),
        ('clock_offset', 'error'),
        ('zero_stamp', 'warning'),
        ('clock_offset', 'warning'),
    ]


def test_names_in_another_order_on_another_topic_are_worth_a_word():
    state = stamps(even(), names=((0, ('a', 'b')),))
    command = stamps(even(), topic='/command', names=((0, ('b', 'a')),))
    found = list(check_joint_names(bag(state, command)))
    assert [(f.check, f.severity, f.subject) for f in found] == [
        ('joint_order', 'info', '/command')
    ]
    assert found[0].message == 'the order of the joints is [b, a], on /arm it is [a, b]'
    assert not list(check_joint_names(bag(state, stamps(even(), topic='/other'))))


def test_a_camera_slower_than_the_policy_is_refused():
    arm = stamps(even(), topic='/joint_states', names=((0, ('a', 'b')),))
    slow = stamps(even(40, 150.0), topic='/front/image_raw')
    camera = Stamps(slow.topic, 'sensor_msgs/msg/Image', slow.recorded_ns, slow.header_ns)
    found = list(check_contract(bag(arm, camera), contract()))
    assert [(f.check, f.severity, f.message) for f in found] == [
        ('slow', 'error', '6.7 Hz; the policy steps at 10.0 Hz')
    ]


def test_joints_of_two_devices_on_one_topic_satisfy_the_contract():
    arm = stamps(even(), topic='/joint_states', names=((0, ('a',)),))
    hand = stamps(even(), topic='/joint_states[b]', names=((0, ('b',)),))
    assert not list(check_contract(bag(arm, hand), contract(camera=False)))
    found = list(check_contract(bag(arm), contract(camera=False)))
    assert found[0].message == "joints ['b'] are missing; the messages have ['a']"
