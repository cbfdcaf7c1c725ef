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
SLOW = replace(SETTINGS, start_speed=0.3, stall_timeout=0.2)  # 0.4 rad take 1.3 s and more


class Node(SilentNode):
    def __init__(self):
        super().__init__()
        self.lines = []
        self.ahead_ns = 0  # of the steady clock
        self.clock = SimpleNamespace(now=self._now, ros_time_is_active=False)

    def _now(self):
        return SimpleNamespace(nanoseconds=time.monotonic_ns() + self.ahead_ns)

    def get_clock(self):
        return self.clock

    def get_logger(self):
        return SimpleNamespace(info=self.lines.append, error=self.lines.append)


class Scene:
    """An arm that follows its command exactly, unless it is held."""

    def __init__(self, settings=SETTINGS):
        self.settings = settings
        self.node = Node()
        self.output = MeasuredOutput(self.node, GROUPS)
        self.output._model.feedback = self.seen
        self.held = False
        self.seen_ns = 0  # where joint states have ended
        self.verdict = None
        self.why = ''
        guard = Guard(three_joints.urdf(), GROUPS, GuardSettings())
        policy = SimpleNamespace(pipeline=SimpleNamespace(guard=guard))
        scene = self

        class Inputs:
            @property
            def robot_state(self):
                seen_ns = scene.seen_ns or scene.node.clock.now().nanoseconds
                return RobotState(seen_ns, scene.position(seen_ns), None)

        self.robot = SimpleNamespace(
            policies={'wave': policy}, inputs={'wave': Inputs()}, output=self.output,
            controllers=SimpleNamespace(why_lost=lambda timeout_s: ''),
        )  # fmt: skip
        self.reserved = []

    def position(self, now_ns, motion=None):
        motion = motion or self.output._model.motion
        return np.zeros(3) if motion is None or self.held else motion.at(now_ns).position

    def seen(self, motion, now_ns):
        return from_joint_states(now_ns, self.position(now_ns, motion), None, motion)

    stopped = ''

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

    def braked(self):
        """Whether the way was sent, and then a brake that ends on it."""
        (_, way), (_, brake) = self.node.published
        assert way.points[-1].positions.tolist() == pytest.approx(TARGET)
        base, shoulder, elbow = brake.points[-1].positions
        assert (shoulder, elbow) == pytest.approx((-base / 2, 0.0))
        return 0.0 < base < 0.3


def test_it_arrives_at_the_speed_that_was_asked_for():
    scene = Scene()
    assert scene.go() == ''
    assert [kind for kind, _ in scene.node.published] == ['arm_controller/joint_trajectory']
    assert scene.position(time.monotonic_ns()).tolist() == pytest.approx(TARGET)
    assert scene.reserved == ['the arm goes to its start pose', '']
    assert scene.go() == ''  # there already
    assert len(scene.node.published) == 1


def test_where_nothing_is_sent_the_arm_is_not_said_to_be_there():
    scene = Scene()
    scene.output._executor.moves_arm = False
    assert scene.go() == "executor is 'none': nothing is sent, so the arm goes nowhere"
    assert scene.node.published == []


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
    assert scene.braked()


def test_joint_states_that_end_brake_it():
    scene = Scene(SLOW)
    scene.after(0.1, lambda: setattr(scene, 'seen_ns', time.monotonic_ns()))
    why = scene.go()
    assert 'joint states stopped' in why and 'allowed are 0.2 s' in why
    assert scene.braked()
    first = scene.node.published[-1][1].points[0].time_from_start
    assert first.nanosec > 200_000_000  # softly: else 0.1 s, but the arm may hang 0.06 rad behind


@pytest.mark.parametrize('simulated', [False, True])
@pytest.mark.parametrize('jump_s', [5.0, -5.0])
def test_a_clock_that_jumps_brakes_it_where_the_arm_is(jump_s, simulated):
    scene = Scene(SLOW)
    scene.node.clock.ros_time_is_active = simulated
    scene.after(0.1, lambda: setattr(scene.node, 'ahead_ns', round(jump_s * 1e9)))
    assert 'the ROS clock moved by' in scene.go()
    assert scene.braked()


def test_a_stop_ends_it_without_another_word_to_the_arm():
    scene = Scene()
    scene.after(0.1, lambda: scene.output.brake(5.0))
    assert scene.go() == 'the motion was stopped'
    assert len(scene.node.published) == 2
    scene = Scene()
    scene.stopped = 'stopped by ~/stop'  # by whom, where that is known
    scene.after(0.1, lambda: scene.output.brake(5.0))
    assert scene.go() == 'stopped by ~/stop'


def test_an_arm_that_is_held_ends_it():
    scene = Scene(SLOW)
    scene.held = True
    assert 'the arm stands still for 0.3 s while it is commanded to move' in scene.go()
    (_, _), (_, brake) = scene.node.published
    assert brake.points[-1].positions.tolist() == [0.0] * 3  # it is held where it stands
