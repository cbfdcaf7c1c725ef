# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""sim_node with `controller: ros2_control`: here the test plays ros2_control on mock hardware."""

import os
import random
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

from dp_sim import scene
from dp_sim.simulation import Simulation
from dp_sim.start_motion import start_positions
from geometry_msgs.msg import PoseStamped
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState
from sim_terminal import end
from sim_terminal import LATCHED
from sim_terminal import start
from sim_terminal import Terminal
from std_msgs.msg import String
from trajectory_msgs.msg import JointTrajectory

pytestmark = pytest.mark.ros

SEED = 3


class MockRobot(Terminal):
    """Hardware that is where the description puts it, then at the points of each trajectory."""

    def __init__(self, domain):
        super().__init__('mock_robot', domain)
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

    def tip(self):
        """Return where the tool is now."""
        self.tips.clear()
        self.until(lambda: self.tips, 'tool_pose')
        position = self.tips[-1].pose.position
        return np.array([position.x, position.y, position.z])


@pytest.fixture(scope='module')
def robot():
    domain = random.randint(1, 100)
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    process = start(domain, '-p', 'controller:=ros2_control', '-p', f'seed:={SEED}')
    robot = MockRobot(domain)
    yield robot
    robot.close()
    code, said = end(process)
    assert code == 0 and 'Traceback' not in said, said


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


def test_a_reset_of_an_arm_at_its_start_sends_nothing(robot):
    assert robot.reset(7).success
    robot.trajectories.clear()
    assert robot.reset(7).success
    assert robot.trajectories == []


def test_a_reset_without_a_way_to_the_start_fails_and_says_why(robot):
    before = robot.tip()
    robot.positions = np.zeros(6)
    robot.until(lambda: np.abs(robot.tip() - before).max() > 0.1, 'the arm to be stretched')
    response = robot.reset(7)
    assert not response.success and response.message.startswith('no way to the start: ')
    robot.positions = start_positions(Simulation().chain, 7)
    robot.until(lambda: near(robot, scene.draw_start(7).tool), 'the arm at its start')
    assert robot.reset(7).success
