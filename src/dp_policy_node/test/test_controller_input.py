# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which source is believed: a controller that speaks, the joint states, or our own model."""

import time
from types import SimpleNamespace

from dp_core.feedback import Source
from dp_core.motion import CommandedMotion
import numpy as np
import pytest

pytest.importorskip('rclpy')

from dp_policy_node import controller_input
from dp_policy_node.controller_input import ControllerInput
from dp_policy_node.convert import RobotState
import three_joints

NOW_NS = 5_000_000_000
TOPIC = 'arm_controller/controller_state'


def told(reference=0.1, scaling=1.0):
    """A controller state, as its bytes would be read."""
    joints = SimpleNamespace(positions=[reference] * 3, velocities=[0.0] * 3)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=SimpleNamespace(sec=4, nanosec=0)),
        joint_names=list(three_joints.JOINTS), reference=joints, feedback=joints,
        speed_scaling_factor=scaling,
    )  # fmt: skip


class Scene:
    """Controllers and joint states, heard or not."""

    def __init__(self, monkeypatch, mode='auto', installed=True):
        monkeypatch.setattr(controller_input, 'is_installed', lambda: installed)
        monkeypatch.setattr(controller_input, 'controller_state_type', lambda: 'type')
        monkeypatch.setattr(controller_input, 'deserialize_message', lambda message, _: message)
        self.state = None
        self.handlers = {}
        groups = three_joints.contract().actions
        self.unheard_s = 0.0
        self.input = ControllerInput(
            groups, three_joints.JOINTS, lambda: self.state, mode, lambda: self.unheard_s
        )
        self.input.listen(SimpleNamespace(add_raw=self.add))
        self.motion = CommandedMotion(np.full(3, 0.3))

    def add(self, topic, kind, handler):
        self.handlers[topic] = handler

    def newest(self):
        return self.input.newest(self.motion, NOW_NS)

    def age(self, seconds):
        arrival_s, *told = self.input._newest[TOPIC]
        self.input._newest[TOPIC] = arrival_s - seconds, *told


@pytest.fixture
def scene(monkeypatch):
    result = Scene(monkeypatch)
    result.state = RobotState(NOW_NS, np.full(3, 0.2), None)
    return result


def test_a_controller_that_speaks_is_believed_first(scene):
    scene.handlers[TOPIC](told(), NOW_NS)
    assert scene.newest().source is Source.CONTROLLER_STATE
    assert scene.newest().position.tolist() == [0.1] * 3


def test_else_the_joint_states_beside_our_model(scene):
    feedback = scene.newest()
    assert feedback.source is Source.JOINT_STATES
    np.testing.assert_allclose(feedback.error, [0.1] * 3)


def test_how_long_the_robot_has_not_been_heard_is_told_whatever_its_stamps_say(scene):
    scene.unheard_s = 0.4
    assert scene.newest().unheard_s == 0.4
    scene.handlers[TOPIC](told(), NOW_NS)
    assert scene.newest().unheard_s == 0.0  # by its controller


def test_else_our_model_and_before_it_nothing(scene):
    scene.state = None
    assert scene.newest().source is Source.MODEL
    assert scene.input.newest(None, NOW_NS) is None


def test_a_controller_that_fell_silent_is_not_believed_and_told_after_a_while(scene):
    scene.handlers[TOPIC](told(), NOW_NS)
    scene.age(0.2)
    assert scene.newest().source is Source.JOINT_STATES
    assert scene.input.why_lost(0.5) == ''
    scene.age(0.4)
    assert f'{TOPIC!r} has been silent for 0.6' in scene.input.why_lost(0.5)
    scene.input.forget()
    assert scene.input.why_lost(0.5) == ''


def test_a_reference_that_is_no_number_is_told_and_not_believed(scene):
    scene.handlers[TOPIC](told(float('nan')), NOW_NS)
    assert scene.newest().source is Source.JOINT_STATES
    assert 'is not a number' in scene.input.why_lost(0.5)
    scene.handlers[TOPIC](told(), NOW_NS)
    assert scene.newest().source is Source.CONTROLLER_STATE
    assert scene.input.why_lost(0.5) == ''


def test_a_message_that_cannot_be_read_is_told_and_keeps_nothing_back(scene, monkeypatch):
    """As of a controller of another version: a brake asks for feedback, too."""

    def fail(message, kind):
        raise RuntimeError('failed to deserialize')

    monkeypatch.setattr(controller_input, 'deserialize_message', fail)
    scene.handlers[TOPIC](b'', NOW_NS)
    assert scene.newest().source is Source.JOINT_STATES
    assert 'cannot be read: failed to deserialize' in scene.input.why_lost(0.5)


def test_a_speed_of_0_is_believed_from_who_has_told_another(scene):
    """The controller of Jazzy has the field and never fills it."""
    scalings = []
    for scaling in (0.0, 0.0, 0.7, 0.0):
        scene.handlers[TOPIC](told(scaling=scaling), NOW_NS)
        scalings.append(scene.newest().speed_scaling)
    assert scalings == pytest.approx([np.nan, np.nan, 0.7, 0.0], nan_ok=True)


def test_a_controller_of_humble_tells_no_speed(scene):
    message = told()
    del message.speed_scaling_factor
    scene.handlers[TOPIC](message, NOW_NS)
    assert scene.newest().source is Source.CONTROLLER_STATE
    assert np.isnan(scene.newest().speed_scaling)


@pytest.mark.parametrize(('mode', 'installed'), [('off', True), ('auto', False)])
def test_nobody_needs_to_speak(monkeypatch, mode, installed):
    scene = Scene(monkeypatch, mode, installed)
    assert scene.handlers == {}
    assert scene.input.why_lost(0.5) == ''


def test_unless_it_is_required(monkeypatch):
    scene = Scene(monkeypatch, 'required')
    assert scene.input.why_lost(0.5) == f'nothing was heard on {TOPIC!r} yet'
    scene.handlers[TOPIC](told(), time.monotonic_ns())
    assert scene.input.why_lost(0.5) == ''


@pytest.mark.parametrize(('late_ns', 'is_believed'), [(15_000_000, True), (30_000_000, False)])
def test_a_controller_whose_clock_is_behind_is_not_believed_but_told(scene, late_ns, is_believed):
    """Its reference is where the arm was: a plan from there is 18 mrad off at 0.6 rad/s."""
    for _ in range(controller_input.OLD_COUNT):
        scene.handlers[TOPIC](told(), 4_000_000_000 + late_ns)
        feedback = scene.newest()
    assert (feedback.source is Source.CONTROLLER_STATE) is is_believed
    complaint = scene.input.why_lost(1.0)
    assert complaint.startswith('' if is_believed else f'{TOPIC!r} is 0.030 s old when it comes')
    assert bool(complaint) is not is_believed


def test_one_message_that_was_held_up_is_believed(scene):
    for late_ns in (1_000_000, *[60_000_000] * 10):
        scene.handlers[TOPIC](told(), 4_000_000_000 + late_ns)
        assert scene.newest().source is Source.CONTROLLER_STATE
    assert scene.input.why_lost(1.0) == ''
