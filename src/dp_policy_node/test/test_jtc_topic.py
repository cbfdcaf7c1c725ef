# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The default executor: each controller gets its own joints; one that is not there is named."""

from dp_core.action_group import ActionGroup
from dp_core.motion import Trajectory
import numpy as np
import pytest

pytest.importorskip('rclpy')

from doubles import SilentNode
from dp_policy_node.jtc_topic import JtcTopic

LEFT, RIGHT = 'left_controller/joint_trajectory', 'right_controller/joint_trajectory'
GROUPS = tuple(
    ActionGroup(side, 'joint_position', joints, joints, f'{side}_controller')
    for side, joints in (('left', ('l1', 'l2')), ('right', ('r1', 'r2', 'r3')))
)


class Node(SilentNode):
    """A graph in which a test says how many listen on a topic."""

    def __init__(self):
        super().__init__()
        self.listeners = {LEFT: 1, RIGHT: 1}
        self.removed = []

    def create_publisher(self, kind, topic, qos, **options):
        publisher = super().create_publisher(kind, topic, qos, **options)
        publisher.get_subscription_count = lambda: self.listeners[topic]
        return publisher

    def destroy_publisher(self, publisher):
        self.removed.append(publisher.topic_name)


@pytest.fixture
def node():
    return Node()


@pytest.fixture
def executor(node):
    return JtcTopic(node, GROUPS)


def test_each_of_two_controllers_gets_its_own_joints_in_its_own_order(node, executor):
    names = ('r3', 'l1', 'r1', 'l2', 'r2')
    positions = np.array([[0.3, 1.1, 0.1, 1.2, 0.2], [0.6, 1.4, 0.4, 1.5, 0.5]])
    zeros = np.zeros(5)
    send = executor.prepare(
        Trajectory(0, names, zeros, zeros, np.array([0.1, 0.2]), positions, np.zeros((2, 5)))
    )
    assert node.published == []
    send()
    assert [
        (topic, message.joint_names, [point.positions.tolist() for point in message.points])
        for topic, message in node.published
    ] == [
        (LEFT, ['l1', 'l2'], [[1.1, 1.2], [1.4, 1.5]]),
        (RIGHT, ['r1', 'r2', 'r3'], [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]),
    ]


@pytest.mark.parametrize(
    ('left', 'right', 'told'),
    [
        (1, 1, ''),
        (1, 2, ''),
        (0, 1, f"controller 'left_controller' does not listen on '{LEFT}'"),
        (1, 0, f"controller 'right_controller' does not listen on '{RIGHT}'"),
        (0, 0, f"controller 'left_controller' does not listen on '{LEFT}'"),
    ],
)
def test_a_controller_that_does_not_listen_is_named(node, executor, left, right, told):
    node.listeners = {LEFT: left, RIGHT: right}
    assert executor.why_deaf() == told


def test_nothing_is_left_of_it_when_it_is_closed(node, executor):
    executor.close()
    assert sorted(node.removed) == [LEFT, RIGHT]
