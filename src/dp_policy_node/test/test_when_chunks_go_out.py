# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A chunk goes out at the moment it was planned for: not early, not late."""

import threading
import time

from dp_core.errors import ExpiredError
import numpy as np
import pytest

pytest.importorskip('rclpy')

from doubles import MeasuredOutput
from doubles import onward
from doubles import pretend_clock
from doubles import SilentNode
from dp_policy_node import jtc_topic
from rclpy.serialization import serialize_message
import three_joints

MS = 1_000_000


@pytest.fixture
def node():
    return SilentNode()


@pytest.fixture
def output(node):
    return MeasuredOutput(node, three_joints.contract().actions)


@pytest.fixture
def now(output, monkeypatch):
    """The only clock there is, at 1000 ms."""
    return pretend_clock(monkeypatch, output)


@pytest.mark.parametrize(('planning_ms', 'out_ms'), [(0, 10), (3, 10), (12, 12), (15, 15)])
def test_a_chunk_goes_out_when_it_is_to_begin(output, now, planning_ms, out_ms):
    """It is planned for 10 ms later, and 1 ms on its way; only what takes longer comes late."""

    def plan(motion, begin_ns):
        now[0] += planning_ms * MS
        return onward(motion, begin_ns)

    sent = output.send(output.begin(np.zeros(3)), plan)
    assert sent.start_ns == 1_011 * MS
    assert output._sent[1] == (1_000 + out_ms) * MS


def test_a_plan_that_takes_long_is_made_anew_for_so_much_later(output, now):
    """The way of a minute takes 40 ms: planned again it begins 60 ms after that, on time."""

    def plan(motion, begin_ns):
        now[0] += 40 * MS
        return onward(motion, begin_ns)

    sent = output.send(output.begin(np.zeros(3)), plan)
    assert sent.start_ns == 1_101 * MS
    assert output._sent[1] == 1_100 * MS


def test_a_moving_arm_is_planned_for_no_later_than_it_is_known(output, now):
    """A plan that took 70 ms is made anew for 80 ms later, though it may take as long again."""
    epoch = output.begin(np.zeros(3))
    first = output.send(epoch, onward)
    now[0] = first.start_ns + 200 * MS
    took_ms = [70, 3]

    def plan(motion, begin_ns):
        now[0] += took_ms.pop(0) * MS
        return onward(motion, begin_ns)

    began_ns = now[0] + 70 * MS
    assert output.send(epoch, plan).start_ns == began_ns + 81 * MS


def test_a_brake_does_not_wait_for_a_chunk_that_waits_for_its_time(output, node):
    """The chunk is planned, and the lock is free: it sees the brake, and stays at home."""
    epoch = output.begin(np.zeros(3))
    output.send(epoch, onward)
    planned = threading.Event()

    def plan(motion, now_ns):
        planned.set()
        return onward(motion, now_ns)

    thread = threading.Thread(target=output.send, args=(epoch, plan))
    thread.start()
    planned.wait()
    assert output.brake(5.0) is not None
    thread.join()
    assert len(node.published) == 2


def test_a_plan_that_was_held_up_is_made_anew(output, node):
    waits_s = [0.02, 0.0, 0.0, 0.0]  # the machine may hold it up as well
    begins = []

    def held_up(motion, now_ns):
        begins.append(now_ns)
        time.sleep(waits_s.pop(0))
        return onward(motion, now_ns)

    sent = output.send(output.begin(np.zeros(3)), held_up)
    assert sent.start_ns == begins[-1] >= begins[0] + 20_000_000 and len(node.published) == 1
    assert output.end_ns == sent.end_ns


def test_a_message_that_was_held_up_while_it_was_made_is_not_sent(output, node, monkeypatch):
    waits_s = [0.02, 0.0, 0.0, 0.0]

    def held_up(message):
        time.sleep(waits_s.pop(0))
        return serialize_message(message)

    monkeypatch.setattr(jtc_topic, 'serialize_message', held_up)
    begin_ns = time.monotonic_ns()
    sent = output.send(output.begin(np.zeros(3)), onward)
    assert sent.start_ns >= begin_ns + 20_000_000 and len(node.published) == 1


def test_plans_that_are_all_held_up_are_not_sent(output, node, now):
    took_ms = [20, 40, 80, 160]

    def held_up(motion, now_ns):
        now[0] += took_ms.pop(0) * MS
        return onward(motion, now_ns)

    epoch = output.begin(np.zeros(3))
    with pytest.raises(ExpiredError, match='4 plans were held up, the last one by'):
        output.send(epoch, held_up)
    assert node.published == [] and output.end_ns == 0
    assert output.is_current(epoch)
