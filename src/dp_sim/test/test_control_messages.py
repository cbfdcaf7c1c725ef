# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""State and action of the controller, with messages that only look like control_msgs."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Duration
from dp_sim import control_messages
from dp_sim.control_messages import ControlMessages
from dp_sim.control_messages import fill_state
from dp_sim.control_messages import load
from dp_sim.follow_goal import LEFT_PATH
from dp_sim.follow_goal import REACHED
from dp_sim.tolerances import Tolerances
from dp_sim.trajectory_rules import ControllerParameters
from rclpy.action import CancelResponse
from rclpy.action import GoalResponse
from trajectory_msgs.msg import JointTrajectory
from trajectory_msgs.msg import JointTrajectoryPoint

JOINTS = ('a', 'b')
MS = 1_000_000


def message(**fields):
    parts = ('reference', 'feedback', 'error', 'output', 'desired', 'actual', 'header')
    return SimpleNamespace(**{part: SimpleNamespace() for part in parts}, **fields)


def state(ms, position=(0.5, 0.5), measured=(0.4, 0.5)):
    return SimpleNamespace(
        stamp_ns=ms * MS,
        reference=np.array([position, (1.0, 2.0), (3.0, 4.0)]),
        reference_time_ns=1_250_000_000,
        command=np.array([(0.6, 0.6), (0.0, 0.0), (0.0, 0.0)]),
        told=SimpleNamespace(positions=np.array(measured), velocities=np.array((0.9, 2.0))),
    )


class Server:
    """Keeps the callbacks of an action server."""

    def __init__(self, node, kind, name, execute, *, goal_callback, cancel_callback):
        self.execute, self.goal, self.cancel = execute, goal_callback, cancel_callback


class Handle:
    def __init__(self):
        self.ends, self.feedback = [], []
        self.publish_feedback = self.feedback.append

    def __getattr__(self, name):
        return lambda: self.ends.append(name)


@pytest.fixture
def face(monkeypatch):
    """Return the messages' face; `sent` holds its trajectories, `published` its states."""
    monkeypatch.setattr(control_messages, 'ActionServer', Server)
    published, sent, errors = [], [], []
    publisher = SimpleNamespace(get_subscription_count=lambda: 1, publish=published.append)
    node = SimpleNamespace(
        executor=None,
        create_publisher=lambda *_: publisher,
        create_timer=lambda *_: None,
        get_logger=lambda: SimpleNamespace(error=errors.append),
    )
    follow = SimpleNamespace(Feedback=message, Result=SimpleNamespace)
    types = SimpleNamespace(state=message, follow=follow)

    def receive(trajectory):
        sent.append(trajectory)
        return 'wrong' not in trajectory.joint_names

    defaults = Tolerances.of_parameters(
        ControllerParameters(JOINTS, path_tolerances=(0.1, 0.1), goal_time=0.5)
    )
    face = ControlMessages(node, types, JOINTS, defaults, receive)
    face.sent, face.published, face.errors = sent, published, errors
    return face


def goal(names=JOINTS, strict='b'):
    point = JointTrajectoryPoint(positions=[1.0, 1.0])
    return SimpleNamespace(
        trajectory=JointTrajectory(joint_names=names, points=[point]),
        path_tolerance=[
            SimpleNamespace(name=strict, position=0.2, velocity=0.0, acceleration=0.0)
        ],
        goal_tolerance=[],
        goal_time_tolerance=Duration(),
    )


class Running:
    """A goal that was accepted and is being executed."""

    def __init__(self, face):
        assert face._server.goal(goal()) is GoalResponse.ACCEPT
        self.handle = Handle()
        self._work = face._server.execute(self.handle)
        assert self.result() is None

    def result(self):
        try:
            self._work.send(None)
        except StopIteration as end:
            return end.value
        return None


def test_without_control_msgs_there_is_nothing_to_load(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(control_messages.importlib, 'import_module', absent)
    assert load() is None


def test_the_state_holds_reference_measurement_their_difference_and_the_speed():
    filled = message()
    fill_state(filled, state(1500), 0.3)
    assert (filled.header.stamp.sec, filled.header.stamp.nanosec) == (1, 500 * MS)
    assert filled.reference.positions == [0.5, 0.5]
    assert filled.reference.velocities == [1.0, 2.0]
    time = filled.reference.time_from_start
    assert (time.sec, time.nanosec) == (1, 250 * MS)
    assert filled.feedback.positions == [0.4, 0.5]
    np.testing.assert_allclose(filled.error.positions, (0.1, 0.0))
    np.testing.assert_allclose(filled.error.velocities, (0.1, 0.0))
    assert filled.output.positions == [0.6, 0.6] and filled.speed_scaling_factor == 0.3


def test_a_goal_runs_until_its_controller_says_how_it_ended(face):
    face.tell(state(100), 1.0)
    running = Running(face)
    (sent,) = face.sent
    assert sent.goal.tolerances.path[0].tolist() == [0.1, 0.2]  # a parameter, and the goal's own
    assert sent.goal.tolerances.goal_time_s == 0.5
    face.tell(state(200), 1.0)
    face._monitor()
    assert running.result() is None and len(running.handle.feedback) == 1
    sent.goal.outcome = REACHED
    face._monitor()
    assert running.result().error_code == 0 and running.handle.ends == ['succeed']
    assert len(face.sent) == 1 and len(face.published) == 2 and face.errors == []


def test_wrong_tolerances_are_told_and_those_of_the_parameters_hold(face):
    face.tell(state(100), 1.0)
    assert face._server.goal(goal(strict='c')) is GoalResponse.ACCEPT
    assert face.sent[0].goal.tolerances.path[0].tolist() == [0.1, 0.1]
    assert "joint 'c' specified in goal.path_tolerance does not exist" in face.errors[0]


def test_a_refused_trajectory_and_a_resting_controller_refuse_the_goal(face):
    assert face._server.goal(goal()) is GoalResponse.REJECT
    face.tell(state(100), 1.0)
    assert face._server.goal(goal(('a', 'wrong'))) is GoalResponse.REJECT


def test_a_new_goal_ends_the_old_one(face):
    face.tell(state(100), 1.0)
    first, second = Running(face), Running(face)
    assert 'preempted' in first.result().error_string and first.handle.ends == ['abort']
    assert second.result() is None


def test_a_cancel_holds_the_arm_where_it_was_measured(face):
    face.tell(state(100), 1.0)
    running = Running(face)
    assert face._server.cancel(running.handle) is CancelResponse.ACCEPT
    running.result()
    assert running.handle.ends == ['canceled']
    (point,) = face.sent[-1].points
    assert (point.time_ns, point.positions, point.velocities) == (0, [0.4, 0.5], [0.0, 0.0])
    assert face.sent[-1].is_hold


def test_a_joint_off_its_path_and_a_deactivation_abort(face):
    face.tell(state(100), 1.0)
    running = Running(face)
    face.sent[-1].goal.outcome = LEFT_PATH
    face._monitor()
    assert running.result().error_code == -4
    assert len(face.sent) == 1  # the controller holds by itself
    running = Running(face)
    face.rest()
    face._monitor()
    assert running.result().error_code == -1 and running.handle.ends == ['abort']
