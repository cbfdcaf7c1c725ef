# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""On the way to the start pose: it arrives, or it brakes and says why."""

from dataclasses import replace
import threading
import time
from types import SimpleNamespace

from dp_core.feedback import from_joint_states
from dp_core.guard import Guard
from dp_core.guard import GuardSettings
from dp_core.watchdog import Fault
from dp_core.watchdog import Verdict
import numpy as np
import pytest

pytest.importorskip('dp_msgs.msg')

from doubles import MeasuredOutput
from doubles import SilentNode
from dp_policy_node.convert import RobotState
from dp_policy_node.settings import Settings
from dp_policy_node.start_motion import go_to_start
import three_joints

GROUPS = three_joints.contract().actions
TARGET = (0.4, -0.2, 0.0)
SETTINGS = replace(Settings(), start_positions=TARGET, start_speed=3.0)


class Node(SilentNode):
    def __init__(self):
        super().__init__()
        self.lines = []

    def get_logger(self):
        return SimpleNamespace(info=self.lines.append, error=self.lines.append)


class Scene:
    """An arm that follows its command exactly, unless it is held."""

    def __init__(self, settings=SETTINGS):
        self.settings = settings
        self.node = Node()
        self.output = MeasuredOutput(self.node, GROUPS)
        self.output._feedback = self.seen
        self.held = self.stopped = False
        self.verdict = None
        self.why = ''
        guard = Guard(three_joints.urdf(), GROUPS, GuardSettings())
        policy = SimpleNamespace(pipeline=SimpleNamespace(guard=guard))
        scene = self

        class Inputs:
            @property
            def robot_state(self):
                now_ns = time.monotonic_ns()
                return RobotState(now_ns, scene.position(now_ns), None)

        self.robot = SimpleNamespace(
            policies={'wave': policy}, inputs={'wave': Inputs()}, output=self.output,
            controllers=SimpleNamespace(why_lost=lambda timeout_s: ''),
        )  # fmt: skip
        self.reserved = []

    def position(self, now_ns, motion=None):
        motion = motion or self.output._motion
        return np.zeros(3) if motion is None or self.held else motion.at(now_ns).position

    def seen(self, motion, now_ns):
        return from_joint_states(now_ns, self.position(now_ns, motion), None, motion)

    def reserve(self, errand):
        self.reserved.append(errand)
        return (self.why, None, 0) if self.why else ('', self.robot, self.output.begin())

    def release(self):
        self.reserved.append('')
        return ''

    def go(self):
        safety = SimpleNamespace(check=lambda: self.verdict)
        return go_to_start(self.node, self, safety, self.settings)

    def after(self, seconds, action):
        threading.Timer(seconds, action).start()


def test_it_arrives_at_the_speed_that_was_asked_for():
    scene = Scene()
    assert scene.go() == ''
    assert [kind for kind, _ in scene.node.published] == ['arm_controller/joint_trajectory']
    assert scene.position(time.monotonic_ns()).tolist() == pytest.approx(TARGET)
    assert scene.reserved == ['the arm goes to its start pose', '']
    assert scene.go() == ''  # there already
    assert len(scene.node.published) == 1


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'start_positions': (float('nan'),)}, 'start_positions is not set'),
        ({'start_positions': (0.1, 0.2)}, 'valid: 3 finite positions'),
        ({'start_reach': 0.3}, 'base_joint would go 0.40 rad to the start pose, start_reach is'),
        ({'start_positions': (0.0, 3.1, 0.0)}, 'shoulder_joint would reach position 3.1'),
    ],
)
def test_what_cannot_be_reached_moves_nothing(values, words):
    scene = Scene(replace(SETTINGS, **values))
    assert words in scene.go()
    assert scene.node.published == []
    assert scene.reserved[-1] == ''
    assert 'was not reached' in scene.node.lines[-1]


def test_it_waits_for_its_turn():
    scene = Scene()
    scene.why = 'a goal runs'
    assert scene.go() == 'a goal runs'
    assert scene.node.published == []


def test_a_signal_brakes_it_and_says_why():
    scene = Scene()
    pressed = Verdict(Fault.EMERGENCY_STOP, 'pressed')
    scene.after(0.1, lambda: setattr(scene, 'verdict', pressed))
    assert scene.go() == 'pressed'
    assert len(scene.node.published) == 2  # the way, and the brake
    assert not any(scene.node.published[-1][1].points[-1].velocities)


def test_a_stop_ends_it_without_another_word_to_the_arm():
    scene = Scene()
    scene.after(0.1, lambda: scene.output.brake(5.0))
    assert scene.go() == 'the motion was stopped'
    assert len(scene.node.published) == 2


def test_an_arm_that_is_held_ends_it():
    scene = Scene(replace(SETTINGS, tracking_tolerance=0.1))
    scene.held = True
    assert 'stands still' in scene.go() or 'from its reference' in scene.go()
    assert not any(scene.node.published[-1][1].points[-1].velocities)
