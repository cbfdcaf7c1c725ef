# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The nodes of teleoperation, called directly: what they make of messages and keys."""

from types import SimpleNamespace

import numpy as np
import pytest

rclpy = pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

from dp_sim import scene  # noqa: E402
from dp_sim.hand_node import HandNode  # noqa: E402
from dp_sim.recorder_client import COMMANDS  # noqa: E402
from dp_sim.simulation import HOME  # noqa: E402
from dp_sim.simulation import JOINTS  # noqa: E402
from dp_sim.teleoperation_node import TeleoperationNode  # noqa: E402
from geometry_msgs.msg import PoseStamped  # noqa: E402
from rclpy.duration import Duration  # noqa: E402
from rclpy.task import Future  # noqa: E402
from sensor_msgs.msg import JointState  # noqa: E402
from sensor_msgs.msg import Joy  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture(autouse=True)
def ros():
    rclpy.init()
    yield
    rclpy.shutdown()


class Sink:
    """Stands where a publisher stands."""

    def __init__(self):
        self.messages = []

    def publish(self, message):
        self.messages.append(message)


def pose(node, x, y, frame='world', age_s=0.0):
    message = PoseStamped()
    message.header.frame_id = frame
    message.header.stamp = (node.get_clock().now() - Duration(seconds=age_s)).to_msg()
    message.pose.position.x, message.pose.position.y = x, y
    return message


def test_targets_become_trajectories_and_bad_ones_do_not():
    node = TeleoperationNode()
    sent = node._commands = Sink()
    node._on_target(pose(node, 0.0, 0.0))  # where the arm is is not known yet
    assert not sent.messages
    names = list(reversed(JOINTS))  # the order of others
    node._on_joints(JointState(name=names, position=list(reversed(HOME))))
    x, y = node._chain.forward(np.asarray(HOME))[:2, 3]
    node._on_target(pose(node, x + 0.01, y))
    (message,) = sent.messages
    assert message.joint_names == list(JOINTS)
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (0, 0)
    to, rest = message.points
    assert 0.05 <= to.time_from_start.nanosec * 1e-9 <= 0.1
    assert node._chain.forward(np.array(to.positions))[:3, 3] == pytest.approx(
        [x + 0.01, y, scene.TIP_HEIGHT], abs=1e-3
    )
    assert list(rest.velocities) == [0.0] * 6
    for bad in (
        pose(node, x, y, frame='base'),
        pose(node, float('nan'), y),
        pose(node, x, y, age_s=1.0),
        pose(node, x, y, age_s=-1.0),
    ):
        node._on_target(bad)
    assert len(sent.messages) == 1
    node.destroy_node()


def test_after_a_jump_of_the_arm_it_begins_where_the_arm_is():
    node = TeleoperationNode()
    node._commands = Sink()
    node._on_joints(JointState(name=list(JOINTS), position=list(HOME)))
    x, y = node._chain.forward(np.asarray(HOME))[:2, 3]
    node._on_target(pose(node, x, y))
    moved = np.asarray(HOME) + np.array([0.5, 0, 0, 0, 0, 0])  # as by a reset of the scene
    node._on_joints(JointState(name=list(JOINTS), position=list(moved)))
    place = node._chain.forward(moved)[:2, 3]
    node._on_target(pose(node, *place))
    assert node._follower.target == pytest.approx(place, abs=1e-3)
    node.destroy_node()


def test_keys_and_sticks_command_from_the_first_one_on():
    node = HandNode()
    sent = node._targets = Sink()
    node._on_tool(pose(node, 0.1, 0.0))
    node._on_time()
    assert not sent.messages  # a hand that does not hold the tool commands nothing
    node.press('\x1b[A')
    node._on_time()
    assert sent.messages[-1].pose.position.x == pytest.approx(0.11)
    node._on_joy(Joy(axes=[1.0, 0.0], buttons=[]))
    node._on_time()
    assert sent.messages[-1].pose.position.y == pytest.approx(0.012)
    node._on_joy(Joy(axes=[0.0], buttons=[]))  # too few axes: refused, with a warning
    node._on_tool(pose(node, -0.2, 0.2))  # the scene was reset
    node._on_time()
    assert sent.messages[-1].pose.position.x == pytest.approx(-0.2)
    node.press('x')
    node._on_time()
    count = len(sent.messages)
    node._on_time()
    assert len(sent.messages) == count
    node.press('q')
    assert node.has_ended
    node.destroy_node()


class Service:
    """Answers as it is told to, when it is told to."""

    srv_name = '/service'

    def __init__(self):
        self.is_there, self.futures, self.requests = True, [], []

    def service_is_ready(self):
        return self.is_there

    def call_async(self, request):
        self.requests.append(request)
        self.futures.append(Future())
        return self.futures[-1]

    def answer(self, **values):
        self.futures[-1].set_result(SimpleNamespace(**values))


def test_the_seed_goes_on_when_the_scene_was_reset(capsys):
    node = HandNode()
    scene_service = node._resets = Service()
    scene_service.is_there = False
    node.press('r')
    assert capsys.readouterr().err == 'there is no service /service\n'
    scene_service.is_there = True
    for success, message in ((False, 'a goal is executing'), (True, ''), (True, '')):
        node.press('r')
        scene_service.answer(success=success, message=message)
    assert [request.seed for request in scene_service.requests] == [0, 0, 1]
    said = capsys.readouterr().err.splitlines()
    assert said == [
        'not reset to seed 0: a goal is executing',
        'reset to seed 0',
        'reset to seed 1',
    ]
    node.destroy_node()


def test_keys_command_the_recorder_and_its_answer_is_said(capsys):
    node = HandNode()
    node._recorder = {command: Service() for command in COMMANDS}
    for key, command in (
        ('n', 'start'),
        ('m', 'mark_success'),
        ('e', 'stop'),
        ('u', 'discard'),
    ):
        node.press(key)
        node._recorder[command].answer(success=True, message=f'{command} is done')
        assert capsys.readouterr().err == f'{command} is done\n'
    assert [len(service.requests) for service in node._recorder.values()] == [1, 1, 1, 1]
    node._recorder = {}  # recorder:=''
    node.press('n')
    node.destroy_node()
