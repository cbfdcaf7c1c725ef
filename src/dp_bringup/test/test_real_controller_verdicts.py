# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_bringup.real_controller.trace import Trace
from dp_bringup.real_controller.verdicts import late_ticks
from dp_bringup.real_controller.verdicts import SentMessage
from dp_bringup.real_controller.verdicts import verdicts
import numpy as np

START_NS = 1_800_000_000_000_000_000
MS = 1_000_000


def trace(n, take_overs):
    """Return n ticks at 500 Hz; trajectories begin at the ticks `take_overs`, as without stamp."""
    stamps = START_NS + 2 * MS * np.arange(n)
    starts = np.full(n, START_NS - 1000 * MS)
    for tick in take_overs:
        starts[tick:] = stamps[tick]
    return Trace(stamps, starts, np.zeros((n, 1)), np.zeros((n, 1)))


def sent(*milliseconds, last_ms=100):
    return [SentMessage(START_NS + int(at * MS), 0, last_ms * MS) for at in milliseconds]


def test_each_message_takes_over_at_the_next_tick():
    found = verdicts(trace(500, [6, 206]), sent(11, 411))
    assert found.effects == (6, 206)
    assert (found.accepted, found.refused, found.overtaken, found.strangers) == (2, 0, 0, 0)


def test_a_message_without_effect_is_refused():
    found = verdicts(trace(500, [6]), sent(11, 411))
    assert found.effects == (6, None)
    assert (found.accepted, found.refused) == (1, 1)


def test_of_two_messages_within_a_tick_the_first_is_overtaken():
    found = verdicts(trace(500, [6]), sent(10.2, 11.5))
    assert found.effects == (None, 6)
    assert (found.refused, found.overtaken) == (0, 1)


def test_two_messages_in_neighbouring_ticks_both_take_over():
    assert verdicts(trace(500, [6, 7]), sent(11, 13)).effects == (6, 7)


def test_a_take_over_that_nobody_sent_is_a_stranger():
    found = verdicts(trace(500, [6, 100, 206]), sent(11, 411))
    assert found.effects == (6, 206)
    assert found.strangers == 1


def test_a_stamp_in_the_future_is_the_start():
    stamp_ns = START_NS + 50 * MS
    part = trace(500, [])
    part.starts_ns[6:] = stamp_ns  # taken at once, begins later
    found = verdicts(part, [SentMessage(START_NS + 11 * MS, stamp_ns, 100 * MS)])
    assert found.effects == (6,)


def test_ticks_past_the_last_point_are_late_during_a_goal_only():
    part = trace(500, [6, 106])
    messages = sent(11, 211)  # in effect at 12 ms and 212 ms, each runs out 100 ms later
    effects = verdicts(part, messages).effects
    goal = (START_NS, START_NS + 300 * MS)
    late = late_ticks(part, messages, effects, [goal])
    # 112 ms is the last point itself; 114 to 210 ms is past it, then the second one goes on.
    assert late.tolist() == list(range(57, 106))
    later = (START_NS + 205 * MS, START_NS + 320 * MS)
    assert late_ticks(part, messages, effects, [later]).tolist() == [157, 158, 159]
    assert late_ticks(part, messages, effects, []).tolist() == []
