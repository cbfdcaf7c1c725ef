# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Many messages read at once give what one after another gives, and the same errors."""

from dataclasses import replace

from bag_samples import contract
from bag_samples import header
from bag_samples import IMAGE
from bag_samples import JOINT_STATE
from bag_samples import joints
from bag_samples import MS
from bag_samples import picture
from bag_samples import recording
from bag_samples import STORE
from bag_samples import T0
from bag_samples import write_bag
from conversion import content
from dp_core.decode import decode_value
from dp_core.decode import event_time_ns
from dp_core.decode import is_other_device
from dp_core.errors import DatasetError
from dp_core.errors import ObservationError
from dp_data_tools import convert_bag
from dp_data_tools.alike import samples_alike
from dp_data_tools.idle import IdleRules
from dp_data_tools.plan import Plan
from dp_data_tools.raw_message import Fronts
from dp_data_tools.raw_message import RawMessage
from dp_data_tools.topics import action_sources
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import numpy as np
import pytest

ARM, FRONT = contract().observations


def raw(message, kind=JOINT_STATE, cut=None, **options):
    return RawMessage('/t', T0, bytes(STORE.serialize_cdr(message, kind, **options))[:cut])


def carefully(stream, message):
    """Sample of one message by itself; None where it is refused, or of another device."""
    try:
        front = Fronts().read(message, joints=stream.kind == 'joint_state')
        if is_other_device(stream, front):
            return None
        event_ns = event_time_ns(stream, front)
        return event_ns, message if stream.kind == 'image' else decode_value(stream, front)
    except (ObservationError, DatasetError):
        return None


@st.composite
def joint_states(draw):
    """A joint state that is most often as it should be."""
    usual = st.booleans() | st.just(True)
    names = ('b', 'a')
    if not draw(usual):
        names = draw(st.sampled_from([('a', 'b'), ('a', 'x', 'b'), ('a', 'a'), ('c', 'd'), ()]))
    count = len(names) if draw(usual) else draw(st.integers(0, 3))
    odd = st.sampled_from([np.nan, np.inf, -np.inf, 1e300, 1e-300, -0.0])
    numbers = [draw(st.floats(-4, 4) if draw(usual) else odd) for _ in range(count)]
    message = joints(draw(st.integers(-9, 9)), (0.0, 0.0))
    message.name, message.position = list(names), np.array(numbers)
    if not draw(usual):
        message.header.frame_id = draw(st.sampled_from(['', 'elsewhere']))
    if not draw(usual):
        message.header.stamp.sec = draw(st.sampled_from([0, -1, -(2**31), 2**31 - 1]))
        message.header.stamp.nanosec = draw(st.sampled_from([0, 1, 10**9 - 1, 2**32 - 1]))
    cut = None if draw(usual) else draw(st.integers(0, 120))
    return raw(message, cut=cut, little_endian=draw(usual))


@pytest.mark.filterwarnings('ignore:overflow encountered in cast')
@settings(max_examples=50)
@given(st.lists(joint_states(), min_size=1, max_size=9), st.sampled_from(['', 'world']))
def test_joint_states_are_as_by_careful_reading_or_left_to_it(messages, frame):
    stream = replace(ARM, latency_s=0.013, frame=frame)
    found = samples_alike(stream, messages, Fronts())
    known = [carefully(stream, message) for message in messages]
    for sample, wanted in zip(found, known, strict=True):
        if sample is not None:
            assert sample[0] == wanted[0]
            assert (sample[1].dtype, sample[1].tobytes()) == (np.float32, wanted[1].tobytes())
    if known[0] is not None:  # then nothing but what is odd is left to careful reading
        same = [good and front_of(m) == front_of(messages[0]) for m, good in zip(messages, known)]
        assert [sample is not None for sample in found] == [bool(good) for good in same]


def front_of(message):
    """What must be equal in messages that look alike, without stamp and positions."""
    front = Fronts().read(message, joints=True)
    return message.head[:2], front.header.frame_id, front.name


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(-9, 9), st.booleans()), min_size=1))
def test_pictures_stand_for_themselves(pictures):
    messages = []
    for ms, other in pictures:
        message = picture(ms, 7)
        message.header.frame_id = 'other' if other else 'camera'
        messages.append(raw(message, IMAGE))
    found = samples_alike(FRONT, messages, Fronts())
    for (ms, other), message, sample in zip(pictures, messages, found, strict=True):
        assert (sample is None) == (other != pictures[0][1])
        if sample is not None:
            assert (sample[0], sample[1][()]) == (T0 + ms * MS, message)


def test_a_message_of_which_only_the_beginning_was_read_is_left_to_careful_reading(tmp_path):
    whole = raw(joints(5, (1.0, 2.0)))
    (tmp_path / 'file').write_bytes(whole.head)
    with open(tmp_path / 'file', 'rb') as file:
        part = RawMessage('/t', T0, whole.head[:60], file.fileno(), 0, len(whole.head))
        assert samples_alike(ARM, [part], Fronts()) == [None]
        first, second = samples_alike(ARM, [part, whole], Fronts())
    assert first is None
    assert (second[0], second[1].tolist()) == (T0 + 5 * MS, [1.0, 2.0])


def turned(message):
    message.name.reverse()
    message.position = message.position[::-1].copy()


def not_a_number(message):
    message.position[1] = np.nan


def unstamped(message):
    message.header = header(-T0 / MS)


def earlier(message):
    message.header.stamp.nanosec = max(0, message.header.stamp.nanosec - 30 * MS)


def of_another_device(message):
    message.name[:] = ['c', 'd']


def shorter(message):
    message.position = message.position[:1]


def as_it_is(message):
    pass


ODD = [as_it_is, turned, not_a_number, unstamped, earlier, of_another_device, shorter]


@pytest.mark.parametrize('odd', ODD)
def test_a_bag_becomes_the_same_however_many_are_read_at_once(tmp_path, monkeypatch, odd):
    entries = recording(1.2)
    for number, (_, kind, _, message) in enumerate(entries):
        if kind == JOINT_STATE and number > 90 and number % 7 < 3:
            odd(message)
    bag = write_bag(tmp_path / 'bag', entries)
    plan = Plan(contract(), action_sources(contract(), {'command': ['/commands']}), IdleRules())

    def made(name, at_once):
        monkeypatch.setattr(convert_bag, '_BLOCK_MESSAGES', at_once)
        facts = convert_bag.convert_bag(bag, plan, tmp_path / name)
        return facts, content(tmp_path / name)

    many, some = made('many', 512), made('some', 5)
    monkeypatch.setattr(
        convert_bag, 'samples_alike', lambda s, messages, f: [None] * len(messages)
    )
    alone = made('alone', 512)
    assert many == some == alone
    assert bool(many[0]['failures']) == (odd in (not_a_number, unstamped, shorter))
