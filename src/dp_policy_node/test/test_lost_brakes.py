# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A brake that was lost on its way is sent again, as soon as the arm is seen to drive on."""

from dataclasses import replace
import threading
import time

from dp_core.feedback import ControllerFeedback
from dp_core.feedback import Source
import numpy as np
import pytest

pytest.importorskip('rclpy')

from doubles import MeasuredOutput
from doubles import pretend_clock
from doubles import SilentNode
from doubles import slowly
from dp_policy_node.brake_watch import BrakeWatch
from dp_policy_node.jtc_topic import JtcTopic
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
    """The only clock there is [ns]."""
    return pretend_clock(monkeypatch, output)


def drive(output, now, source=Source.CONTROLLER_STATE):
    """Let an arm drive at 1 rad/s and hear nothing more; returns the epoch of its run."""
    epoch = output.begin(np.zeros(3))
    sent = output.send(epoch, slowly)

    def told(motion, now_ns):
        since_s = min((now_ns - sent.start_ns) * 1e-9, 1.0)
        place, speed = np.full(3, since_s), np.full(3, float(since_s < 1.0))
        return ControllerFeedback(now_ns, source, place, speed, place, speed)

    output._model.feedback = told
    now[0] = sent.start_ns + 300 * MS
    return epoch


@pytest.mark.parametrize('source', [Source.CONTROLLER_STATE, Source.JOINT_STATES])
def test_an_arm_that_drives_on_is_braked_again_from_where_it_is(output, node, now, source):
    epoch = drive(output, now, source)
    assert output.brake(5.0, epoch) is not None
    now[0] += 200 * MS
    assert output.brake_again()
    assert len(node.published) == 2  # a single look may be wrong
    assert output.brake_again()
    assert len(node.published) == 3
    message = node.published[-1][1]
    first = message.points[0]
    length_s = first.time_from_start.nanosec * 1e-9
    assert first.positions[0] == pytest.approx(0.5 + length_s * 1.0, abs=0.05)
    assert not any(message.points[-1].velocities)
    assert not output.is_current(epoch)


def test_again_and_again_until_what_it_follows_has_ended(output, node, now):
    """Everything is lost for 1.5 s: then there is nothing left to brake."""
    drive(output, now)
    end_ns = output.end_ns
    output.brake(5.0)
    while output.brake_again():
        now[0] += 20 * MS
    assert now[0] >= end_ns
    assert 3 <= len(node.published) <= 15
    count = len(node.published)
    now[0] += 500 * MS
    assert not output.brake_again()
    assert len(node.published) == count


@pytest.mark.parametrize('wait_ms', [100, 400])  # while the first brake should last, and after
def test_a_second_stop_does_not_end_the_search_for_the_first(output, node, now, wait_ms):
    """The network is away: both are lost, and the arm is heard again later."""
    epoch = drive(output, now)
    told = output._model.feedback
    seen = told(None, now[0])
    output._model.feedback = lambda motion, now_ns: seen
    assert output.brake(5.0, epoch) is not None
    now[0] += wait_ms * MS
    output.brake(5.0)
    now[0] += 200 * MS
    output._model.feedback = told
    count = len(node.published)
    assert output.brake_again() and output.brake_again()
    assert len(node.published) == count + 1
    assert output.command_at(now[0]).position == pytest.approx(
        0.3 + (wait_ms + 200) * 1e-3, abs=0.05
    )


def test_a_controller_that_starts_at_the_measured_state_is_looked_after_as_long(node, monkeypatch):
    """Our model of it is a coast of 0.2 s; what it follows lasts longer."""
    output = MeasuredOutput(node, three_joints.contract().actions, from_measured=True)
    now = pretend_clock(monkeypatch, output)
    drive(output, now, Source.JOINT_STATES)
    output.brake(5.0)
    now[0] += 600 * MS
    assert output.brake_again()


def test_what_is_commanded_again_and_again_cannot_be_lost(node, monkeypatch):
    class Repeating(JtcTopic):
        is_once = False

    groups = three_joints.contract().actions
    output = MeasuredOutput(node, groups, Repeating(node, groups))
    now = pretend_clock(monkeypatch, output)
    drive(output, now)
    output.brake(5.0)
    while output.brake_again():
        now[0] += 20 * MS
    assert len(node.published) == 2


def test_an_arm_that_obeys_is_braked_once(output, node, now):
    drive(output, now)
    sent = output.brake(5.0)
    curve, end_s = sent.curve(), sent.times_s[-1]

    def obeys(motion, now_ns):
        since_s = np.clip((now_ns - sent.start_ns) * 1e-9, 0.0, end_s)
        place, speed = curve(since_s), curve(since_s, 1)
        return ControllerFeedback(now_ns, Source.CONTROLLER_STATE, place, speed, place, speed)

    output._model.feedback = obeys
    while output.brake_again():
        now[0] += 20 * MS
    assert len(node.published) == 2


def test_an_arm_that_is_not_heard_is_not_braked_blindly(output, node, now):
    """It was heard for the last time before the brake."""
    drive(output, now)
    told = output._model.feedback
    frozen = told(None, now[0] - 10 * MS)
    output._model.feedback = lambda motion, now_ns: replace(frozen, unheard_s=0.01)
    output.brake(5.0)
    now[0] += 400 * MS
    assert output.brake_again()
    assert len(node.published) == 2


@pytest.mark.parametrize('stamped_ms', [2, 300])
def test_a_silent_robot_that_was_left_alone_is_braked_once_it_is_heard(
    output, node, now, stamped_ms
):
    """It would come to rest in 0.9 s; one that hung tells first where it was, and waits."""
    epoch = drive(output, now, Source.JOINT_STATES)
    told = output._model.feedback
    now[0] += 300 * MS
    output._model.feedback = lambda motion, now_ns: replace(
        told(motion, now_ns - 400 * MS), unheard_s=0.4
    )
    assert output.brake(5.0, epoch) is None
    assert output.brake_again()
    assert len(node.published) == 1
    output._model.feedback = lambda motion, now_ns: told(motion, now_ns - stamped_ms * MS)
    now[0] += 100 * MS
    assert output.brake_again()
    assert len(node.published) == (2 if stamped_ms == 2 else 1)
    if stamped_ms == 2:
        now[0] += 20 * MS
        assert output.brake_again()
        assert len(node.published) == 2  # once


def test_a_new_run_is_not_braked_for_an_old_one(output, node, now):
    drive(output, now)
    output.brake(5.0)
    now[0] += 200 * MS
    output.begin()
    assert not output.brake_again()
    assert len(node.published) == 2


def test_before_the_first_brake_there_is_nothing_to_look_for(output, now):
    assert not output.brake_again()
    drive(output, now)
    assert not output.brake_again()


def test_the_watch_looks_after_each_brake_until_it_is_told_enough():
    looked, asked = [], threading.Event()

    def look():
        looked.append(len(looked))
        asked.set()
        return len(looked) % 3 != 0

    watch = BrakeWatch(look)
    for _ in range(2):
        watch.begin()
        while len(looked) % 3 or not asked.is_set():
            time.sleep(0.001)
        asked.clear()
    watch.close()
    watch._thread.join(5.0)
    assert not watch._thread.is_alive()
    assert len(looked) == 6


def test_a_look_that_failed_is_not_the_last(monkeypatch):
    raised, looked = threading.Event(), threading.Event()
    monkeypatch.setattr(threading, 'excepthook', lambda arguments: raised.set())

    def look():
        if not raised.is_set():
            raise RuntimeError('it cannot be sent')
        looked.set()
        return False

    watch = BrakeWatch(look)
    watch.begin()
    first = watch._thread
    first.join(5.0)
    watch.begin()
    assert looked.wait(5.0)
    watch.close()


def test_an_output_that_is_closed_leaves_no_thread(output):
    output._brake_watch = BrakeWatch(output.brake_again)
    output.send(output.begin(np.zeros(3)), slowly)
    output.brake(5.0)
    thread = output._brake_watch._thread
    output.close()
    thread.join(5.0)
    assert not thread.is_alive()


@pytest.mark.parametrize(('speed', 'waited_s'), [(0.0, 0.2), (0.5, 0.6)])
def test_who_waits_for_rest_waits_for_an_arm_that_may_have_missed_its_brake(
    output, now, speed, waited_s
):
    drive(output, now)
    output.brake(5.0)
    begin_ns = now[0]

    def told(motion, now_ns):
        place, moves = np.full(3, 5.0), np.full(3, speed)  # elsewhere: it is not known what moves
        return ControllerFeedback(now_ns, Source.CONTROLLER_STATE, place, moves, place, moves)

    output._model.feedback = told
    output.wait_rest(0.6)
    assert (now[0] - begin_ns) * 1e-9 == pytest.approx(waited_s, abs=0.15)
