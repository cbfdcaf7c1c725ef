# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What one hears of latched topics who comes late."""

from dp_data_tools.recording.bag_metadata import RecordedTopic
from dp_data_tools.recording.latched import Latched
from dp_data_tools.recording.latched import MOST
import pytest


def latched(*depths, name='/tf_static'):
    """A topic of one publisher for each depth."""
    return RecordedTopic(name, 'a/msg/B', offered_qos=tuple({'depth': d} for d in depths))


def heard(kept, topic, *words):
    """What is kept of a topic once it has said these words."""
    kept.expect(topic)
    for word in words:
        kept.take(topic.name, word.encode())
    return ''.join(data.decode() for name, data in kept.messages() if name == topic.name)


@pytest.mark.parametrize(
    ('depths', 'words', 'told'),
    [
        ((1,), 'abc', 'c'),
        ((3,), 'abcd', 'bcd'),
        ((0,), 'abc', 'c'),  # a middleware that does not tell
        ((), 'abc', 'c'),
        ((5,), 'abac', 'bac'),  # what is said again is kept once, in its new place
    ],
)
def test_as_many_are_kept_as_a_publisher_keeps(depths, words, told):
    assert heard(Latched(), latched(*depths), *words) == told


def test_of_several_publishers_one_that_speaks_often_does_not_hide_the_others():
    assert heard(Latched(), latched(1, 1), *'abcdbd') == 'acbd'
    words = [f'{k:03d}' for k in range(2 * MOST)]
    assert heard(Latched(), latched(1, 1), *words) == ''.join(words[-MOST:])


def test_no_topic_keeps_more_than_a_hundred():
    words = [f'{k:03d}' for k in range(3 * MOST)]
    assert heard(Latched(), latched(1000), *words) == ''.join(words[-MOST:])


def test_a_publisher_is_heard_before_it_is_known():
    kept = Latched()
    assert heard(kept, latched(1), 'a', 'b') == 'b'
    assert heard(kept, latched(1, 1)) == 'ab'


def test_topics_keep_their_own_and_others_nothing():
    kept = Latched()
    assert heard(kept, latched(1), 'a') == 'a'
    assert heard(kept, latched(1, name='/map'), 'b') == 'b'
    kept.take('/joint_states', b'c')
    assert kept.messages() == [('/tf_static', b'a'), ('/map', b'b')]
