# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Windows on the policy's time grid: numbers by hand, and axioms over random streams."""

from dp_core.contract import ActionGroup
from dp_core.contract import Contract
from dp_core.contract import Stream
from dp_core.errors import NotReadyError
from dp_core.errors import ObservationError
from dp_core.sync import Synchronizer
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import numpy as np
import pytest

MS = 1_000_000
T0 = 1_700_000_000_000 * MS


def camera(name, max_age_s=0.3):
    return Stream(name, 'image', name, size=(8, 8), max_age_s=max_age_s)


def vector(name, max_age_s=0.2):
    return Stream(name, 'vector', length=1, max_age_s=max_age_s)


def synchronizer(*streams, n_obs_steps=2, dt_s=0.1):
    group = ActionGroup('arm', 'vector', ('x',))
    return Synchronizer(Contract('demo', dt_s, n_obs_steps, 16, 8, streams, (group,)))


def number(value):
    return np.array([value], dtype=np.float32)


def picture(value):
    return np.full((8, 8, 3), value, dtype=np.uint8)


def feed(sync, name, samples, make=number):
    """Push samples given as {milliseconds: value}."""
    for ms, value in samples.items():
        sync.push(name, T0 + ms * MS, make(value))


def values(window, name):
    """First number of every tick of a stream."""
    stack = window.low_dim[name] if name in window.low_dim else window.images[name]
    return stack.reshape(len(stack), -1)[:, 0].tolist()


def test_numbers_are_interpolated_at_the_ticks():
    sync = synchronizer(vector('s'), n_obs_steps=3)
    feed(sync, 's', {0: 0.0, 80: 8.0, 120: 16.0, 230: 5.0})
    window = sync.window(T0 + 230 * MS)
    assert window.t_obs_ns == T0 + 230 * MS
    # Ticks at 30, 130 and 230 ms: 3/8 of the way to 8; 10/110 of the way from 16 to 5; exactly 5.
    assert values(window, 's') == [3.0, 15.0, 5.0]
    assert window.low_dim['s'].dtype == np.float32


def test_pictures_are_the_newest_at_or_before_the_tick():
    sync = synchronizer(camera('c'))
    feed(sync, 'c', {0: 10, 33: 20, 66: 30, 99: 40, 100: 50, 133: 60}, picture)
    assert values(sync.window_at(T0 + 133 * MS), 'c') == [20, 60]
    assert values(sync.window_at(T0 + 125 * MS), 'c') == [10, 50]
    window = sync.window(T0 + 140 * MS)
    assert (window.t_obs_ns, values(window, 'c')) == (T0 + 133 * MS, [20, 60])


@pytest.mark.parametrize('jitter', [-2, 0, 5])
def test_jitter_of_a_camera_does_not_choose_the_picture_before(jitter):
    sync = synchronizer(camera('c'))
    feed(sync, 'c', {0: 10, 33: 20, 67: 30, 100: 40, 133 + jitter: 50}, picture)
    assert values(sync.window_at(T0 + 233 * MS), 'c') == [50, 50]
    feed(sync, 'c', {167: 60, 200: 70, 233: 80}, picture)
    assert values(sync.window_at(T0 + 233 * MS), 'c') == [50, 80]


def test_jitter_is_not_allowed_beyond_the_newest_tick():
    sync = synchronizer(camera('c'))
    feed(sync, 'c', {0: 10, 100: 20, 103: 30}, picture)
    assert values(sync.window_at(T0 + 100 * MS), 'c') == [10, 20]


def test_without_cameras_t_obs_is_what_all_streams_cover():
    sync = synchronizer(vector('a'), vector('b'))
    feed(sync, 'a', {0: 0.0, 100: 1.0, 200: 2.0})
    feed(sync, 'b', {0: 0.0, 150: 15.0})
    window = sync.window(T0 + 200 * MS)
    assert window.t_obs_ns == T0 + 150 * MS
    assert values(window, 'a') == [0.5, 1.5]
    assert values(window, 'b') == [5.0, 15.0]


def test_with_two_cameras_a_window_lies_on_a_picture_of_the_first_that_the_other_reaches():
    sync = synchronizer(camera('front'), camera('wrist'), vector('s'))
    feed(sync, 's', {ms: ms / 10 for ms in range(0, 301, 10)})
    feed(sync, 'front', {0: 1, 100: 2, 200: 3, 250: 4}, picture)
    feed(sync, 'wrist', {20: 11, 120: 12, 140: 13, 220: 14}, picture)
    window = sync.window(T0 + 300 * MS)
    assert window.t_obs_ns == T0 + 200 * MS  # of 250 ms it is not known yet what wrist will show
    assert values(window, 'front') == [2, 3]
    with pytest.raises(NotReadyError, match="'wrist'"):
        sync.window_at(T0 + 110 * MS)  # its older tick lies before wrist's first picture
    assert values(window, 'wrist') == [11, 13]  # at or before 100 and 200 ms
    assert values(window, 's') == [10.0, 20.0]


@pytest.mark.parametrize('late_ms', [1, 4, 16])
def test_a_second_camera_is_seen_as_late_in_every_tick(late_ms):
    """Wrist comes after front: each tick shows its picture before that, as a dataset's row."""
    sync = synchronizer(camera('front'), camera('wrist'))
    for k in range(7):
        feed(sync, 'front', {100 * k // 3: k}, picture)
        feed(sync, 'wrist', {100 * k // 3 + late_ms: 100 + k}, picture)
    window = sync.window(T0 + 220 * MS)
    assert window.t_obs_ns == T0 + 200 * MS
    assert (values(window, 'front'), values(window, 'wrist')) == ([3, 6], [102, 105])


def test_no_line_is_drawn_through_a_joint_that_its_driver_wraps_around():
    sync = synchronizer(Stream('arm', 'joint_state', 'j', joints=('a', 'b')), n_obs_steps=1)
    for ms, angle in ((0, 3.13), (8, 3.14), (16, -3.14)):
        sync.push('arm', T0 + ms * MS, np.array([0.0, angle], dtype=np.float32))
    assert sync.window_at(T0 + 4 * MS).low_dim['arm'][0, 1] == pytest.approx(3.135)
    with pytest.raises(NotReadyError, match=r"'arm' turns by 6.28 rad between two samples"):
        sync.window_at(T0 + 12 * MS)


def test_a_number_that_is_newest_stands_for_a_later_picture():
    sync = synchronizer(camera('c'), vector('s'))
    feed(sync, 'c', {0: 1, 100: 2}, picture)
    feed(sync, 's', {0: 0.0, 90: 9.0})
    assert values(sync.window(T0 + 100 * MS), 's') == [0.0, 9.0]


def test_a_silent_stream_is_named():
    sync = synchronizer(camera('front'), vector('s'))
    with pytest.raises(NotReadyError, match=r"no sample yet of \['front', 's'\]"):
        sync.window(T0)
    feed(sync, 's', {0: 0.0})
    with pytest.raises(NotReadyError, match=r"no sample yet of \['front'\]"):
        sync.window(T0)


def test_history_must_reach_back_to_the_oldest_tick():
    sync = synchronizer(vector('s'))
    feed(sync, 's', {0: 0.0, 90: 9.0})
    with pytest.raises(NotReadyError, match="'s' has no sample at or before the tick yet"):
        sync.window(T0 + 90 * MS)
    feed(sync, 's', {100: 10.0})
    assert values(sync.window(T0 + 100 * MS), 's') == [0.0, 10.0]


def test_a_stream_that_stopped_is_named_with_its_age():
    sync = synchronizer(camera('c'), vector('s'))
    feed(sync, 's', dict.fromkeys(range(0, 401, 10), 0.0))
    feed(sync, 'c', {0: 1, 100: 2}, picture)
    assert sync.window(T0 + 400 * MS).t_obs_ns == T0 + 100 * MS  # 0.3 s is still allowed
    with pytest.raises(NotReadyError, match=r"'c' is 0.301 s old, allowed are 0.3 s"):
        sync.window(T0 + 401 * MS)


def test_no_line_is_drawn_across_a_gap():
    sync = synchronizer(vector('s', max_age_s=0.2))
    feed(sync, 's', {0: 0.0, 100: 1.0, 500: 5.0, 600: 6.0})
    with pytest.raises(NotReadyError, match=r"'s' has a gap: .* 0.350 s .* allowed are 0.2 s"):
        sync.window_at(T0 + 250 * MS)
    with pytest.raises(NotReadyError, match='0.300 s'):
        sync.window_at(T0 + 400 * MS)
    assert values(sync.window_at(T0 + 600 * MS), 's') == [5.0, 6.0]


def test_a_late_picture_of_the_past_is_too_old_for_its_tick():
    sync = synchronizer(camera('c', max_age_s=0.05))
    feed(sync, 'c', {0: 1, 40: 2, 150: 3}, picture)
    with pytest.raises(NotReadyError, match="'c' has a gap"):
        sync.window_at(T0 + 149 * MS)


def test_reordered_and_repeated_messages_add_nothing():
    sync = synchronizer(vector('s'))
    feed(sync, 's', {0: 0.0, 100: 1.0})
    for ms in (100, 50, 0):
        sync.push('s', T0 + ms * MS, number(99.0))
    assert values(sync.window(T0 + 100 * MS), 's') == [0.0, 1.0]


def test_a_repeated_stamp_does_not_keep_a_dead_stream_alive():
    sync = synchronizer(vector('s'))
    feed(sync, 's', {0: 0.0, 100: 1.0})
    for now in range(100, 400, 10):
        sync.push('s', T0 + 100 * MS, number(1.0), T0 + now * MS)
    with pytest.raises(NotReadyError, match='0.300 s old'):
        sync.window(T0 + 400 * MS)


def test_a_stamp_of_the_future_is_refused():
    sync = synchronizer(vector('s'))
    sync.push('s', T0 + 5 * MS, number(0.0), now_ns=T0)  # two clocks may differ by 5 ms
    with pytest.raises(ObservationError, match="'s' is stamped 3600.000 s in the future; synch"):
        sync.push('s', T0 + 3_600_000 * MS, number(1.0), now_ns=T0)
    assert sync.newest_ns('s') == T0 + 5 * MS


def test_clear_forgets_everything():
    sync = synchronizer(vector('s'))
    feed(sync, 's', {0: 0.0, 100: 1.0})
    sync.clear()
    assert sync.newest_ns('s') is None
    with pytest.raises(NotReadyError, match='no sample yet'):
        sync.window(T0 + 100 * MS)
    feed(sync, 's', {-500: 7.0, -400: 8.0})  # after a clock jumped back
    assert values(sync.window(T0 - 400 * MS), 's') == [7.0, 8.0]


def test_history_does_not_grow_without_bound():
    sync = synchronizer(vector('s'))
    feed(sync, 's', dict.fromkeys(range(0, 60000, 8), 0.0))
    with pytest.raises(NotReadyError):
        sync.window_at(T0 + 50_000 * MS)


gaps_ms = st.lists(st.integers(1, 90), min_size=30, max_size=60)


def stamps_of(gaps):
    return [int(ms) for ms in np.cumsum(gaps)]


@settings(deadline=None, max_examples=60)
@given(images=gaps_ms, numbers=gaps_ms, when=st.integers(500, 2000), ahead=st.integers(0, 500))
def test_a_window_uses_nothing_after_now_and_nothing_too_old(images, numbers, when, ahead):
    """Values are stamps, so each window tells what it was made of; future ones are pushed too."""
    sync = synchronizer(camera('c', 0.1), vector('s', 0.1))
    pictures = [ms for ms in stamps_of(images) if ms <= when + ahead]
    samples = [ms for ms in stamps_of(numbers) if ms <= when + ahead]
    for index, ms in enumerate(pictures):
        sync.push('c', T0 + ms * MS, picture(index))
    for ms in samples:
        sync.push('s', T0 + ms * MS, number(ms))
    try:
        window = sync.window(T0 + when * MS)
    except NotReadyError:
        return
    t_obs = (window.t_obs_ns - T0) / MS
    assert t_obs <= when + 5  # the tolerance between two clocks
    assert t_obs in pictures
    for tick, index in zip((t_obs - 100, t_obs), values(window, 'c')):
        latest = min(tick + 5, t_obs)  # the jitter of a camera's clock
        assert pictures[int(index)] == max(ms for ms in pictures if ms <= latest)
        assert tick - pictures[int(index)] <= 100
    known = [ms for ms in samples if ms <= when + 5]
    for tick, value in zip((t_obs - 100, t_obs), values(window, 's')):
        assert value <= when + 5
        assert value == pytest.approx(min(tick, known[-1]), abs=0.01)  # interpolated stamps
        assert tick - max(ms for ms in known if ms <= tick) <= 100


@settings(deadline=None, max_examples=40)
@given(images=gaps_ms, others=gaps_ms, numbers=gaps_ms)
def test_conversion_sees_the_same_windows_as_the_robot(images, others, numbers):
    """Live: samples arrive one by one. Offline: the same samples, asked for the same t_obs."""
    arrivals = sorted(
        [(ms, 'c', picture(i % 256)) for i, ms in enumerate(stamps_of(images))]
        + [(ms, 'd', picture(i % 256)) for i, ms in enumerate(stamps_of(others))]
        + [(ms, 's', number(i * i)) for i, ms in enumerate(stamps_of(numbers))],
        key=lambda arrival: arrival[0],
    )
    live = synchronizer(camera('c'), camera('d'), vector('s'))
    offline = synchronizer(camera('c'), camera('d'), vector('s'))
    offline_row = synchronizer(camera('c'), camera('d'), vector('s'), n_obs_steps=1)
    windows = []
    for ms, name, value in arrivals:
        live.push(name, T0 + ms * MS, value, now_ns=T0 + ms * MS)
        try:
            window = live.window(T0 + ms * MS)
        except NotReadyError:
            continue
        if live.newest_ns('s') >= window.t_obs_ns:  # nothing newer may come between
            windows.append(window)
    arrivals.reverse()
    for window in windows:
        # Conversion asks when later samples are known as well; they must change nothing.
        while arrivals and T0 + arrivals[-1][0] * MS <= window.t_obs_ns + 90 * MS:
            ms, name, value = arrivals.pop()
            offline.push(name, T0 + ms * MS, value)
            offline_row.push(name, T0 + ms * MS, value)
        again = offline.window_at(window.t_obs_ns)
        assert values(again, 'c') == values(window, 'c')
        assert values(again, 'd') == values(window, 'd')
        row = offline_row.window_at(window.t_obs_ns)  # the newest tick alone, as in a dataset
        assert values(row, 'd') == values(window, 'd')[-1:]
        assert values(again, 's') == values(window, 's')


def test_a_clock_that_went_back_hides_nothing_that_comes_after():
    """A simulation is begun anew: what is stamped by its old time would stay newest for ever."""
    sync = synchronizer(camera('c'), vector('s'))
    for began_ms in (95_000, 0):
        for ms in range(began_ms, began_ms + 500, 50):
            now_ns = T0 + ms * MS
            sync.push('c', now_ns, picture(ms % 200), now_ns)
            sync.push('s', now_ns, number(ms), now_ns)
    window = sync.window(now_ns)
    assert window.t_obs_ns == T0 + 450 * MS
    assert values(window, 's') == [350.0, 450.0] and values(window, 'c') == [150, 50]
