# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The same goal through each executor, to the arm that each of them needs."""

import time

import pytest

rclpy = pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

from dp_msgs.action import ExecutePolicy  # noqa: E402
from dp_msgs.msg import ActionChunk  # noqa: E402
from fake_arm import FakeArm  # noqa: E402
from node_process import Client  # noqa: E402
from node_process import NodeProcess  # noqa: E402
from node_process import until  # noqa: E402
import numpy as np  # noqa: E402
from rclpy.context import Context  # noqa: E402
import three_joints  # noqa: E402

pytestmark = pytest.mark.ros

Code = ExecutePolicy.Result


@pytest.fixture
def context():
    result = Context()
    rclpy.init(context=result)
    yield result
    rclpy.shutdown(context=result)


@pytest.fixture
def client(context):
    result = Client(context)
    yield result
    result.close()


@pytest.fixture
def start(tmp_path):
    """Start a node with these parameters."""
    nodes = []

    def start(*parameters):
        policy = three_joints.save(tmp_path / 'wave')
        quick = ('autostart:=true', 'policy_process:=false', 'warmup_predictions:=2')
        nodes.append(NodeProcess(f'policies:=[wave={policy}]', *quick, *parameters))

    yield start
    for node in nodes:
        node.close()


@pytest.fixture
def arm(context):
    result = FakeArm(context)
    yield result
    result.close()


def cancel(client, handle):
    client.result(handle.cancel_goal_async(), 'cancel')
    assert client.ended(handle)[1].error_code == Code.CANCELED


def test_forward_position_streams_the_motion_and_ends_at_rest(arm, client, start):
    start('executor:=forward_position')
    handle = client.run(chunks=3)
    cancel(client, handle)
    count = len(arm.commands)
    until(lambda: len(arm.commands) > count + 100, 'the brake')  # 0.4 s at 250 Hz
    positions = np.array(arm.commands)
    assert not np.diff(positions[-5:], axis=0).any()
    assert np.abs(positions).max() > 0.01
    assert arm.received == []
    client.wait_ready()
    until(lambda: client.status.feedback == 'joint_states', 'the source')


def test_a_dry_run_plans_and_moves_nothing(arm, client, start):
    chunks = []
    client.create_subscription(ActionChunk, 'policy_node/action_chunk', chunks.append, 10)
    start('executor:=none')
    cancel(client, client.run(chunks=3))
    assert len(chunks) >= 3
    assert arm.received == [] and arm.commands == []


@pytest.fixture
def talking(context):
    pytest.importorskip('control_msgs.msg')
    from talking_arm import TalkingArm

    result = TalkingArm(context)
    yield result
    result.close()


def test_jtc_action_moves_the_arm_goal_by_goal_and_hears_a_refusal(talking, client, start):
    start('executor:=jtc_action', 'start_positions:=[0.1, 0.1, 0.1]')
    cancel(client, client.run(chunks=3))
    until(lambda: talking.goals >= 4, 'the goal of the brake')
    until(lambda: talking.is_at_rest, 'rest')
    handle = client.run(chunks=1)
    talking.refuses = True
    result = client.ended(handle)[1]
    assert result.error_code == Code.CONTROLLER
    assert 'refused a trajectory' in result.error_msg


def test_a_controller_that_speaks_is_believed_and_missed_when_it_falls_silent(
    talking, client, start
):
    start('controller_state:=required')
    client.wait_ready()
    until(lambda: client.status.feedback == 'controller_state', 'the source')
    talking.teleport(np.array([0.01, 0.0, 0.0]))
    talking.sag = 0.004
    time.sleep(0.2)
    talking.received.clear()
    handle = client.run(chunks=2)
    assert client.status.tracking_error == pytest.approx(0.004, abs=1e-3)
    talking.mute = True
    result = client.ended(handle)[1]
    assert result.error_code == Code.CONTROLLER
    assert "controller_state' has been silent" in result.error_msg
    assert not client.send().accepted
