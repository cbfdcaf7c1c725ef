# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""sim_node with `controller: ros2_control`: here the test plays ros2_control on mock hardware."""

import os
import random
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

rclpy = pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

from dp_msgs.srv import ResetScene  # noqa: E402
from dp_sim import scene  # noqa: E402
from dp_sim.simulation import Simulation  # noqa: E402
from dp_sim.start_motion import start_positions  # noqa: E402
from geometry_msgs.msg import PoseStamped  # noqa: E402
from rclpy.context import Context  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rclpy.qos import DurabilityPolicy  # noqa: E402
from rclpy.qos import qos_profile_sensor_data  # noqa: E402
from rclpy.qos import QoSProfile  # noqa: E402
from sensor_msgs.msg import JointState  # noqa: E402
from std_msgs.msg import String  # noqa: E402
from trajectory_msgs.msg import JointTrajectory  # noqa: E402

pytestmark = pytest.mark.ros

PATIENCE_S = 60.0  # a bound for a machine under load, not a measurement
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
SEED = 3


class MockRobot:
    """Hardware that is where the description puts it, then at the points of each trajectory."""

    def __init__(self, domain):
        self.context = Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = Node('mock_robot', context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.names, self.positions, self.tips = [], None, []
        self.trajectories = []
        subscribe = self.node.create_subscription
        subscribe(String, '/robot_description', self._on_description, LATCHED)
        subscribe(PoseStamped, '/tool_pose', self.tips.append, qos_profile_sensor_data)
        subscribe(
            JointTrajectory,
            '/joint_trajectory_controller/joint_trajectory',
            self._on_trajectory,
            10,
        )
        self.states = self.node.create_publisher(JointState, '/joint_states', 10)
        self.node.create_timer(0.01, self._publish)

    def _on_description(self, message):
        block = ElementTree.fromstring(message.data).find('ros2_control')
        self.names = [joint.get('name') for joint in block.iter('joint')]
        values = [
            row.text for row in block.iterfind("joint/state_interface[@name='position']/param")
        ]
        self.positions = np.array(values, dtype=float)

    def _on_trajectory(self, message):
        self.trajectories.append(message)
        self.positions = np.array(message.points[-1].positions)

    def _publish(self):
        if self.positions is not None:
            message = JointState(name=['other', *reversed(self.names)])
            message.header.stamp = self.node.get_clock().now().to_msg()
            message.position = [9.0, *reversed(self.positions.tolist())]
            message.velocity = [0.0] * 7
            self.states.publish(message)

    def until(self, condition, what):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f'waited in vain for {what}'
            self.executor.spin_once(timeout_sec=0.1)

    def tip(self):
        """Return where the tool is now."""
        self.tips.clear()
        self.until(lambda: self.tips, 'tool_pose')
        position = self.tips[-1].pose.position
        return np.array([position.x, position.y, position.z])

    def reset(self, seed):
        client = self.node.create_client(ResetScene, '/reset_scene')
        self.until(client.service_is_ready, 'reset_scene')
        time.sleep(0.3)  # a service just discovered may not know yet whom to answer
        future = client.call_async(ResetScene.Request(seed=seed))
        self.until(future.done, 'the reset')
        return future.result()

    def close(self):
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture(scope='module')
def robot():
    domain = random.randint(1, 100)
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    process = subprocess.Popen(
        [sys.executable, '-m', 'dp_sim.sim_node', '--ros-args']
        + ['-p', 'controller:=ros2_control', '-p', f'seed:={SEED}'],
        env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
        stderr=subprocess.PIPE,
        text=True,
    )
    robot = MockRobot(domain)
    yield robot
    robot.close()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0 and 'Traceback' not in said, said


def near(robot, tool):
    return np.abs(robot.tip()[:2] - np.array(tool)[:2]).max() < 2e-3


def test_mock_hardware_begins_where_the_simulated_arm_is(robot):
    robot.until(lambda: robot.positions is not None, 'robot_description')
    expected = start_positions(Simulation().chain, SEED)
    np.testing.assert_allclose(robot.positions, expected, atol=1e-8)
    assert near(robot, scene.draw_start(SEED).tool)


def test_the_arm_goes_where_the_joint_states_say_and_nobody_else_tells_them(robot):
    before = robot.tip()
    robot.positions = robot.positions + np.array([0.1, 0.0, 0.0, 0.0, 0.0, 0.0])
    robot.until(lambda: np.abs(robot.tip() - before).max() > 0.03, 'the arm to follow')
    assert robot.node.count_publishers('/joint_states') == 1
    names = robot.node.get_node_names()
    assert 'sim_node' in names and 'joint_trajectory_controller' not in names


def test_a_reset_moves_the_arm_to_its_start_by_one_trajectory_and_places_the_block(robot):
    robot.trajectories.clear()
    response = robot.reset(7)
    assert response.success, response.message
    assert response.coverage == pytest.approx(scene.coverage(scene.draw_start(7).block), abs=1e-6)
    (trajectory,) = robot.trajectories
    assert len(trajectory.points) == 3 and trajectory.header.stamp.sec == 0
    assert all(value == 0.0 for value in trajectory.points[-1].velocities)
    robot.until(lambda: near(robot, scene.draw_start(7).tool), 'the arm at its start')
