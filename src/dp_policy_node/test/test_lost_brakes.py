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
    """The only clock there is [ns]; nobody looks but the test."""
    monkeypatch.setattr(BrakeWatch, 'begin', lambda self: None)
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


def test_an_output_that_is_closed_leaves_no_thread(output):
    output.send(output.begin(np.zeros(3)), slowly)
    output.brake(5.0)
    thread = output._brake_watch._thread
    output.close()
    thread.join(5.0)
    assert not thread.is_alive()
