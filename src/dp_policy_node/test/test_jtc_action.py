# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Goals for FollowJointTrajectory: what a controller answers is heard, of the newest only."""

from concurrent.futures import Future
import sys
from types import SimpleNamespace

from dp_core.errors import ConfigError
from dp_core.motion import Trajectory
import numpy as np
import pytest

pytest.importorskip('rclpy')

from dp_policy_node import control_messages
from dp_policy_node import jtc_action
from dp_policy_node.jtc_action import JtcAction
import three_joints


class Client:
    """An action client whose server answers when the test says so."""

    def __init__(self, node, action, name):
        self.name = name
        self.goals, self.answers, self.results = [], [], []
        self.is_ready = True

    def server_is_ready(self):
        return self.is_ready

    def send_goal_async(self, goal, feedback_callback):
        self.goals.append(goal)
        self.feedback = feedback_callback
        self.answers.append(Future())
        self.results.append(Future())
        return self.answers[-1]

    def answer(self, k, accepted):
        handle = SimpleNamespace(accepted=accepted, get_result_async=lambda: self.results[k])
        self.answers[k].set_result(handle)

    def end(self, k, code, words=''):
        result = SimpleNamespace(error_code=code, error_string=words)
        self.results[k].set_result(SimpleNamespace(result=result))

    def destroy(self):
        self.name = ''


@pytest.fixture
def executor(monkeypatch):
    action = SimpleNamespace(Goal=SimpleNamespace)
    monkeypatch.setattr(jtc_action, 'follow_joint_trajectory', lambda: action)
    monkeypatch.setattr(jtc_action, 'ActionClient', Client)
    return JtcAction(None, three_joints.contract().actions)


@pytest.fixture
def client(executor):
    return executor._clients[0]


def motion():
    zeros = np.zeros(3)
    return Trajectory(
        0, three_joints.JOINTS, zeros, zeros, np.array([0.1, 0.2]), np.zeros((2, 3)),
        np.zeros((2, 3)),
    )  # fmt: skip


def test_each_trajectory_is_a_goal(executor, client):
    executor.prepare(motion())()
    assert client.name == 'arm_controller/follow_joint_trajectory'
    assert tuple(client.goals[0].trajectory.joint_names) == three_joints.JOINTS
    client.answer(0, accepted=True)
    client.end(0, 0)
    assert executor.why_refused() == ''


def test_a_refusal_is_told(executor, client):
    executor.prepare(motion())()
    client.answer(0, accepted=False)
    assert "'arm_controller' refused a trajectory" in executor.why_refused()
    executor.begin()
    assert executor.why_refused() == ''


@pytest.mark.parametrize(
    ('words', 'told'), [('elbow strayed', 'elbow strayed'), ('', 'PATH_TOLERANCE_VIOLATED')]
)
def test_a_violated_tolerance_is_told_in_the_words_of_the_controller(
    executor, client, words, told
):
    executor.prepare(motion())()
    client.answer(0, accepted=True)
    client.end(0, -4, words)
    assert told in executor.why_refused()


def test_a_goal_that_was_replaced_may_end_as_it_likes(executor, client):
    for _ in range(2):
        executor.prepare(motion())()
    client.answer(0, accepted=True)
    client.answer(1, accepted=True)
    client.end(0, -1, 'preempted')
    assert executor.why_refused() == ''
    client.end(1, 0)
    assert executor.why_refused() == ''


def test_feedback_and_result_of_the_newest_goal_are_told(monkeypatch, executor):
    heard = []
    executor = JtcAction(None, three_joints.contract().actions, heard.append)
    (client,) = executor._clients
    executor.prepare(motion())()
    old = client.feedback
    executor.prepare(motion())()
    for k, feedback in enumerate((old, client.feedback)):
        feedback(SimpleNamespace(feedback=k))
        client.answer(k, accepted=True)
    assert heard == [1]
    client.end(0, -1, 'preempted')
    assert executor.results() == {}
    client.end(1, 0, 'Goal successfully reached!')
    assert executor.results() == {'arm_controller': (0, 'Goal successfully reached!')}
    executor.begin()
    assert executor.results() == {}


def test_a_controller_without_the_action_is_named(executor, client):
    client.is_ready = False
    assert "'arm_controller' does not serve follow_joint_trajectory" in executor.why_deaf()


def test_without_its_messages_the_package_is_named(monkeypatch):
    for name in ('control_msgs', 'control_msgs.action', 'control_msgs.msg'):
        monkeypatch.setitem(sys.modules, name, None)
    assert not control_messages.is_installed()
    with pytest.raises(ConfigError, match='control_msgs is needed for the executor jtc_action'):
        JtcAction(None, three_joints.contract().actions)
    with pytest.raises(ConfigError, match='control_msgs is needed to hear controller_state'):
        control_messages.controller_state_type()
