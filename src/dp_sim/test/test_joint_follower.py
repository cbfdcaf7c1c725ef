# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The way to a start through a real controller, which is played here by the test."""

from types import SimpleNamespace

from dp_core.kinematics import KinematicChain
from dp_sim.assets import URDF_PATH
from dp_sim.simulation import JOINTS
from dp_sim.start_motion import start_positions
import numpy as np
import pytest

pytest.importorskip('rclpy')

from dp_sim import joint_follower
from dp_sim.joint_follower import ATTEMPTS
from dp_sim.joint_follower import JointFollower
from dp_sim.joint_follower import PATIENCE_S
from sensor_msgs.msg import JointState

CHAIN = KinematicChain.from_urdf(
    URDF_PATH.read_text(encoding='utf-8'), 'world', 'pusher_tip', JOINTS
)
GOAL = start_positions(CHAIN, 3)
STILL = np.zeros(6)


class Robot:
    """Says where the arm is, and when the follower looks."""

    def __init__(self, monkeypatch):
        self.sent, self.now_s = [], 0.0
        monkeypatch.setattr(joint_follower, 'time', SimpleNamespace(monotonic=lambda: self.now_s))
        publisher = SimpleNamespace(publish=self.sent.append, get_subscription_count=lambda: 1)
        node = SimpleNamespace(
            executor=None,
            create_publisher=lambda *_: publisher,
            create_subscription=self._subscribe,
            create_timer=lambda _, watch: setattr(self, 'watch', watch),
        )
        self.follower = JointFollower(node, JOINTS, CHAIN, lambda *_: None)

    def _subscribe(self, kind, topic, callback, qos):
        self._hear = callback

    def stand(self, positions, velocities=STILL):
        message = JointState(name=list(JOINTS))
        message.position, message.velocity = positions.tolist(), velocities.tolist()
        self._hear(message)

    def move(self):
        """Begin to move to the goal; returns what steps through it, and gives the answer."""
        work = self.follower.move_to(GOAL)

        def step():
            try:
                work.send(None)
            except StopIteration as end:
                return end.value
            return None

        return step

    def look(self, now_s):
        self.now_s = now_s
        self.watch()


@pytest.fixture
def robot(monkeypatch):
    return Robot(monkeypatch)


def end_s(trajectory):
    last = trajectory.points[-1].time_from_start
    return last.sec + last.nanosec * 1e-9


def test_an_arm_that_stands_at_its_start_is_not_moved(robot):
    robot.stand(GOAL)
    assert robot.move()() == ''
    assert robot.sent == []


def test_an_arm_that_only_passes_its_start_is_moved(robot):
    robot.stand(GOAL, STILL + 0.2)
    assert robot.move()() is None
    assert len(robot.sent) == 1


def test_the_arm_has_not_arrived_before_its_trajectory_ends(robot):
    robot.stand(GOAL, STILL + 0.2)
    step = robot.move()
    assert step() is None
    end = end_s(robot.sent[0])
    robot.look(0.05)
    robot.look(end - 0.01)
    assert step() is None
    robot.look(end + 0.01)
    assert step() == '' and len(robot.sent) == 1


def test_an_arm_that_does_not_come_is_sent_once_more_and_then_given_up(robot):
    robot.stand(GOAL + 0.1)
    step = robot.move()
    for _ in range(ATTEMPTS):
        assert step() is None
        robot.look(robot.now_s + end_s(robot.sent[-1]) + PATIENCE_S + 0.1)
    assert 'did not come to its start' in step() and len(robot.sent) == ATTEMPTS


def test_an_arm_without_a_way_to_its_start_says_so(robot):
    robot.stand(np.zeros(6))
    assert robot.move()().startswith('no way to the start: ')
    assert robot.sent == []
