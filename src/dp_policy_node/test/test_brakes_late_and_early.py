# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A stop stops what moves, and moves nothing that rests: slowed robots, clocks that are set."""

from dataclasses import replace
import time
from types import SimpleNamespace

from dp_core.braking import LastSeen
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import Source
import numpy as np
import pytest

pytest.importorskip('rclpy')

from doubles import MeasuredOutput
from doubles import SilentNode
from doubles import slowly
import three_joints

MS = 1_000_000


@pytest.fixture
def node():
    return SilentNode()


@pytest.fixture
def output(node):
    result = MeasuredOutput(node, three_joints.contract().actions)
    result.offset_ns = 0
    result._model.clock = SimpleNamespace(
        now=lambda: SimpleNamespace(nanoseconds=time.monotonic_ns() + result.offset_ns),
        ros_time_is_active=False,
    )
    return result


def told(output, speed, source=Source.CONTROLLER_STATE, age_ms=2, place_rad=0.6, unheard_s=0.0):
    """Let a controller, or an arm, tell where it is [rad] and how fast it moves [rad/s]."""

    def feedback(motion, now_ns):
        place, velocity = np.full(3, place_rad), np.full(3, speed)
        told = ControllerFeedback(now_ns - age_ms * MS, source, place, velocity, place, velocity)
        return replace(told, unheard_s=unheard_s)

    output._model.feedback = feedback


def let_pass(output, seconds):
    """Time passes: what was sent was sent so much earlier."""
    output._model.motion.shift(-round(seconds * 1e9))
    output._model.clocks = tuple(ns - round(seconds * 1e9) for ns in output._model.clocks)


@pytest.mark.parametrize('age_ms', [2, -3])  # another computer's clock may be ahead
@pytest.mark.parametrize('source', [Source.CONTROLLER_STATE, Source.JOINT_STATES])
def test_a_robot_that_is_slowed_down_is_braked_after_the_end_of_what_was_sent(
    output, node, source, age_ms
):
    """At half the speed it is half way when the motion of 1.5 s should have ended."""
    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    let_pass(output, 2.0)
    told(output, 0.5, source, age_ms)
    assert output.is_moving(time.monotonic_ns()) is (source is Source.CONTROLLER_STATE)
    sent = output.brake(5.0, epoch)
    np.testing.assert_allclose(sent.start_position, 0.6, atol=0.01)
    np.testing.assert_allclose(sent.start_velocity, 0.5)
    assert (sent.positions[-1] < 0.8).all() and not sent.velocities[-1].any()
    assert len(node.published) == 2


@pytest.mark.parametrize(
    ('speed', 'source', 'age_ms', 'place_rad'),
    [
        (0.0, Source.CONTROLLER_STATE, 2, 0.6),
        (0.5, Source.CONTROLLER_STATE, 200, 0.6),  # who told it has fallen silent
        (0.5, Source.CONTROLLER_STATE, 2, 3.0),  # another program moves it
        (0.04, Source.JOINT_STATES, 2, 0.6),  # as a measurement trembles
        (0.3, Source.JOINT_STATES, 2, 1.24),  # it was late, and is nearly there
    ],
)
def test_a_stop_leaves_alone_what_rests_or_is_not_ours(
    output, node, speed, source, age_ms, place_rad
):
    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    let_pass(output, 1.7)
    told(output, speed, source, age_ms, place_rad)
    assert not output.is_moving(time.monotonic_ns())
    assert output.brake(5.0, epoch) is None
    assert len(node.published) == 1


@pytest.mark.parametrize('source', [Source.CONTROLLER_STATE, Source.JOINT_STATES])
def test_a_stop_that_was_not_heard_brakes_when_it_is_asked_for_again(output, node, source):
    """After 0.3 of 1.5 s; half a second later the arm is at 0.8 rad, and still moves."""
    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    let_pass(output, 0.3)
    assert output.brake(5.0) is not None
    let_pass(output, 0.5)
    told(output, 1.0, source, place_rad=0.8)
    assert not output.is_moving(time.monotonic_ns())  # by what was sent; so the server asks
    sent = output.brake(5.0)
    np.testing.assert_allclose(sent.start_position, 0.8, atol=0.02)
    np.testing.assert_allclose(sent.start_velocity, 1.0)
    assert len(node.published) == 3


def test_the_way_of_an_old_motion_may_be_gone_by_others(output, node):
    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    let_pass(output, 0.3)
    output.brake(5.0)
    let_pass(output, 4.0)  # the motion would have ended 2.8 s ago
    told(output, 1.0, place_rad=0.8)
    assert output.brake(5.0) is None
    assert len(node.published) == 2


@pytest.mark.parametrize(
    ('age_ms', 'unheard_s', 'is_left'),
    [(100, 0.1, False), (400, 0.4, True), (400, 0.002, False)],  # the last with late stamps
)
def test_a_robot_that_is_not_heard_is_left_to_what_was_sent_where_that_ends_sooner(
    output, node, age_ms, unheard_s, is_left
):
    """It may hang 0.4 rad behind: 0.9 s are too short to bring it from there."""
    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    let_pass(output, 0.6)
    told(output, 1.0, Source.JOINT_STATES, age_ms, 0.6 - age_ms * 1e-3, unheard_s)
    sent = output.brake(5.0)
    assert (sent is None) is is_left
    assert sent is None or sent.times_s[0] == pytest.approx(0.141, abs=0.02)
    assert len(node.published) == (1 if is_left else 2)
    assert not output.is_current(epoch)


def test_an_arm_that_stands_short_of_its_end_is_held_there_after_the_end_too(output, node):
    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    let_pass(output, 2.0)
    sent = output.brake(5.0, epoch, None, LastSeen(np.full(3, 0.9), stands=True))
    assert sent.positions[-1].tolist() == [0.9] * 3
    assert len(node.published) == 2


@pytest.mark.parametrize('step_s', [-1.0, -0.2, 0.2, 1.0])
def test_a_brake_after_the_clock_was_set_begins_where_the_arm_is(output, step_s):
    """After 0.5 s at 1 rad/s, whatever the clock shows, the arm is at 0.5 rad."""
    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    let_pass(output, 0.5)
    output.offset_ns += round(step_s * 1e9)
    sent = output.brake(5.0, epoch)
    np.testing.assert_allclose(sent.start_position, 0.5, atol=0.05)
    np.testing.assert_allclose(sent.start_velocity, 1.0)


@pytest.mark.parametrize('step_s', [-1.0, 2.0])
def test_a_second_brake_goes_on_with_the_first_when_the_clock_has_jumped(output, step_s):
    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    let_pass(output, 0.5)
    trusted = output._model.clock.now().nanoseconds, time.monotonic_ns()
    output.offset_ns += round(step_s * 1e9)
    first = output.brake(5.0, epoch, trusted)
    second = output.brake(5.0)
    expected = first.curve()((second.start_ns - first.start_ns) * 1e-9)
    np.testing.assert_allclose(second.start_position, expected, atol=1e-3)


@pytest.mark.parametrize('step_s', [-1.0, -10.0])
def test_a_stop_moves_no_resting_arm_when_the_clock_was_set_back(output, node, step_s):
    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    let_pass(output, 2.0)
    output.offset_ns += round(step_s * 1e9)
    assert output.brake(5.0) is None
    assert len(node.published) == 1


def test_nor_when_a_simulation_began_anew(output, node):
    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    output._model.clock = SimpleNamespace(
        now=lambda: SimpleNamespace(nanoseconds=5 * MS), ros_time_is_active=True
    )
    assert not output.is_moving(5 * MS)
    assert output.brake(5.0) is None
    assert len(node.published) == 1
