# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""sim_node as its users meet it: a process of its own, spoken to over ROS."""

import os
import random
import signal
import time

import numpy as np
import pytest

rclpy = pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

from action_msgs.msg import GoalStatus  # noqa: E402
from action_msgs.msg import GoalStatusArray  # noqa: E402
from dp_msgs.msg import SceneStatus  # noqa: E402
from dp_sim import scene  # noqa: E402
from geometry_msgs.msg import PoseStamped  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rclpy.parameter_client import AsyncParameterClient  # noqa: E402
from rclpy.qos import qos_profile_action_status_default  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from sensor_msgs.msg import CameraInfo  # noqa: E402
from sensor_msgs.msg import CompressedImage  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from sensor_msgs.msg import JointState  # noqa: E402
from sim_terminal import end  # noqa: E402
from sim_terminal import LATCHED  # noqa: E402
from sim_terminal import PATIENCE_S  # noqa: E402
from sim_terminal import start  # noqa: E402
from sim_terminal import Terminal  # noqa: E402
from std_msgs.msg import Bool  # noqa: E402
from std_msgs.msg import Float64  # noqa: E402
from std_msgs.msg import Float64MultiArray  # noqa: E402
from std_msgs.msg import String  # noqa: E402
from trajectory_msgs.msg import JointTrajectory  # noqa: E402
from trajectory_msgs.msg import JointTrajectoryPoint  # noqa: E402

pytestmark = pytest.mark.ros


def _stamp(message):
    time_ = message.clock if isinstance(message, Clock) else message.header.stamp
    return time_.sec + time_.nanosec * 1e-9


class Client(Terminal):
    """Sends commands, and collects what the scene tells."""

    def __init__(self, domain):
        super().__init__('client', domain)
        self.commands = self.node.create_publisher(
            JointTrajectory, '/joint_trajectory_controller/joint_trajectory', 10
        )
        self.goals = self.node.create_publisher(
            GoalStatusArray, '/execute_policy/_action/status', qos_profile_action_status_default
        )
        self.joints = self.collect(JointState, '/joint_states', 10)
        self.status = self.collect(SceneStatus, '/scene_status', 10)

    def more(self, messages, count):
        """Forget what has come and wait for so many new messages."""
        messages.clear()
        self.until(lambda: len(messages) >= count, f'{count} messages')

    def simulate(self, seconds):
        """Let so much simulated time pass."""
        self.more(self.status, 1)
        begin = _stamp(self.status[0])
        self.until(lambda: _stamp(self.status[-1]) >= begin + seconds, f'{seconds} s')

    def send(self, positions, seconds=0.5, names=None, stamp_sec=0):
        self.until(self.commands.get_subscription_count, 'the controller')
        self.more(self.joints, 1)
        message = JointTrajectory(joint_names=names or list(self.joints[0].name))
        message.header.stamp.sec = stamp_sec
        point = JointTrajectoryPoint(
            positions=[float(p) for p in positions], velocities=[0.0] * len(positions)
        )
        point.time_from_start.nanosec = int(seconds * 1e9)
        message.points = [point]
        self.commands.publish(message)

    def set_fault(self, fault):
        client = AsyncParameterClient(self.node, 'sim_node')
        assert client.wait_for_services(PATIENCE_S)
        parameter = Parameter('fault', value=fault).to_parameter_msg()
        return self.call(client.set_parameters([parameter]), 'fault').results[0]

    def positions(self):
        """Where the joints are now, not where they were before a reset."""
        self.simulate(0.1)
        self.more(self.joints, 1)
        return np.array(self.joints[-1].position)


@pytest.fixture(scope='module')
def domain():
    return random.randint(1, 100)


@pytest.fixture(scope='module')
def logs(tmp_path_factory):
    return tmp_path_factory.mktemp('episodes')


@pytest.fixture(scope='module')
def client(domain, logs):
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    process = start(domain, '-p', 'seed:=3', '-p', f'log_dir:={logs}')
    client = Client(domain)
    client.until(lambda: client.joints and client.status, 'sim_node')
    yield client
    client.close()
    code, said = end(process)
    assert code == 0, said
    assert 'Traceback' not in said


def test_joint_states_come_at_125_hz_by_their_stamps(client):
    client.more(client.joints, 400)
    stamps = np.array([_stamp(message) for message in client.joints])
    assert np.median(np.diff(stamps)) == pytest.approx(0.008, abs=1e-4)
    assert len(stamps) - 1 >= 0.95 * 125 * (stamps[-1] - stamps[0])
    assert list(client.joints[0].name)[0] == 'shoulder_pan_joint'
    assert len(client.joints[0].velocity) == 6


def test_stamps_are_those_of_the_system_clock_and_of_the_clock_topic(client):
    clock = client.collect(Clock, '/clock')
    client.more(clock, 20)
    assert abs(time.time() - _stamp(clock[-1])) < 1.0  # a second of slack for a busy machine


def test_poses_come_with_their_frame(client):
    tool = client.collect(PoseStamped, '/tool_pose')
    block = client.collect(PoseStamped, '/block_pose')
    client.until(lambda: len(tool) > 50 and len(block) > 50, 'poses')
    assert tool[-1].header.frame_id == block[-1].header.frame_id == 'world'
    assert np.median(np.diff([_stamp(m) for m in tool])) == pytest.approx(0.008, abs=1e-4)


def test_robot_description_is_latched(client):
    description = client.collect(String, '/robot_description', LATCHED)
    client.until(lambda: description, 'robot_description')
    assert '<robot' in description[0].data and 'pusher_tip' in description[0].data


def test_parameters_of_the_controller_can_be_read(client):
    parameters = AsyncParameterClient(client.node, 'joint_trajectory_controller')
    assert parameters.wait_for_services(PATIENCE_S)
    names = ['joints', 'interpolate_from_desired_state', 'command_interfaces']
    values = client.call(parameters.get_parameters(names), 'parameters').values
    client.more(client.joints, 1)
    assert list(values[0].string_array_value) == list(client.joints[-1].name)
    assert values[1].bool_value is True
    assert list(values[2].string_array_value) == ['position']


def test_reset_puts_the_block_where_the_seed_says(client):
    block = client.collect(PoseStamped, '/block_pose')
    for seed in (100, 101):
        response = client.reset(seed)
        assert response.success, response.message
        expected = scene.draw_start(seed).block
        assert response.coverage == pytest.approx(scene.coverage(expected), abs=1e-6)
        client.simulate(0.3)
        client.more(block, 1)
        position = block[-1].pose.position
        assert (position.x, position.y) == pytest.approx(expected[:2], abs=2e-3)
        assert client.status[-1].seed == seed


def test_trajectory_moves_the_joints_to_its_end_and_is_counted(client):
    assert client.reset(5).success
    start = client.positions()
    target = start + np.array([0.2, -0.1, 0.0, 0.0, 0.0, 0.3])
    client.send(target)
    client.until(lambda: np.abs(client.positions() - target).max() < 5e-3, 'the arm at the target')
    client.simulate(0.3)
    assert (client.status[-1].accepted_messages, client.status[-1].rejected_messages) == (1, 0)
    reference = client.collect(JointState, '/joint_trajectory_controller/reference', 10)
    client.until(lambda: reference, 'reference')
    np.testing.assert_allclose(reference[-1].position, target, atol=1e-9)


def test_refused_messages_are_counted_and_move_nothing(client):
    assert client.reset(6).success
    start = client.positions()
    client.send(start[:3] + 1.0, names=list(client.joints[-1].name)[:3])
    client.until(lambda: client.status[-1].rejected_messages == 1, 'a rejection')
    client.send(start + 1.0, stamp_sec=-1)  # would end the real controller's process
    client.until(lambda: client.status[-1].rejected_messages == 2, 'two rejections')
    client.simulate(0.3)
    np.testing.assert_allclose(client.positions(), start, atol=2e-3)


def test_reset_is_refused_during_a_goal_and_late_ticks_are_counted(client):
    assert client.reset(7).success
    goal = GoalStatus(status=GoalStatus.STATUS_EXECUTING)
    goal.goal_info.goal_id.uuid = np.full(16, 7, dtype=np.uint8)
    client.until(client.goals.get_subscription_count, 'sim_node to hear of goals')
    client.goals.publish(GoalStatusArray(status_list=[goal]))
    client.until(lambda: client.status[-1].goal_active, 'the goal')
    assert client.status[-1].late_ticks == 0
    client.send(client.positions(), seconds=0.05)
    client.until(lambda: client.status[-1].late_ticks > 10, 'late ticks')
    response = client.reset(8)
    assert not response.success and 'executing' in response.message
    client.goals.publish(GoalStatusArray())
    client.until(lambda: not client.status[-1].goal_active, 'the end of the goal')
    response = client.reset(8)
    assert response.success, response.message
    client.simulate(0.3)
    assert client.status[-1].late_ticks == 0


def test_episodes_are_written_as_files(client, logs):
    assert client.reset(9).success
    client.simulate(0.5)
    assert client.reset(10).success
    client.until(lambda: list(logs.glob('episode_*_seed_9.npz')), 'the file of the episode')
    (path,) = logs.glob('episode_*_seed_9.npz')
    with np.load(path, allow_pickle=False) as data:
        assert np.median(np.diff(data['time_s'])) == pytest.approx(0.008)
        expected = scene.draw_start(9).block
        np.testing.assert_allclose(data['block_pose'][0], expected, atol=1e-3)
        assert data['coverage'][0] == pytest.approx(scene.coverage(expected), abs=1e-6)


def test_cameras_speak_only_while_someone_listens(client):
    info = client.collect(CameraInfo, '/front_camera/camera_info')
    client.simulate(1.0)
    assert info == []
    images = client.collect(Image, '/front_camera/image_raw')
    packed = client.collect(CompressedImage, '/wrist_camera/image_raw/compressed')
    client.until(lambda: len(images) > 5 and len(packed) > 5 and info, 'images')
    image = images[-1]
    assert (image.height, image.width, image.encoding, image.step) == (96, 96, 'rgb8', 288)
    assert image.header.frame_id == 'front_camera_optical_frame'
    assert np.frombuffer(image.data, np.uint8).std() > 5.0  # not one colour
    assert packed[-1].header.frame_id == 'wrist_camera_optical_frame'
    assert 'jpeg' in packed[-1].format and bytes(packed[-1].data[:2]) == b'\xff\xd8'
    assert info[-1].k[0] > 0.0 and (info[-1].height, info[-1].width) == (96, 96)


def test_faults_begin_and_end_while_running(client):
    assert client.set_fault('joint_states_nan').successful
    client.until(lambda: np.isnan(client.positions()).any(), 'NaN')
    assert client.set_fault('joint_states_stop').successful
    client.simulate(0.3)
    client.joints.clear()
    client.simulate(0.5)
    assert client.joints == []
    refused = client.set_fault('no_such_fault')
    assert not refused.successful and "'joint_states_stop'" in refused.reason
    assert client.set_fault('').successful
    assert np.isfinite(client.positions()).all()


def test_a_robot_tells_of_its_program_and_its_speed_as_a_driver_does(client):
    running = client.collect(Bool, '/io_and_status_controller/robot_program_running', LATCHED)
    percent = client.collect(Float64, '/speed_scaling_state_broadcaster/speed_scaling')
    factor = client.collect(Float64, '/joint_trajectory_controller/speed_scaling_factor')
    references = client.collect(JointState, '/joint_trajectory_controller/reference')
    client.until(lambda: running and percent and factor, 'the status of the robot')
    assert (running[-1].data, percent[-1].data, factor[-1].data) == (True, 100.0, 1.0)
    assert client.set_fault('speed_slider_10').successful
    client.until(lambda: factor[-1].data == pytest.approx(0.1), 'the slider')
    client.until(lambda: percent[-1].data == pytest.approx(10.0), 'the slider in percent')
    assert client.set_fault('program_stops').successful
    client.until(lambda: not running[-1].data, 'the end of the program')
    client.simulate(0.3)
    references.clear()
    client.simulate(0.3)
    assert references == []  # an inactive controller says nothing
    assert client.set_fault('').successful
    client.until(lambda: running[-1].data and references, 'the program')
    assert [message.data for message in running] == [True, False, True]


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_ends_cleanly_on_a_signal_and_can_be_dangerous(domain, number):
    """The parameter that the policy node must refuse can be set for a rehearsal."""
    dangerous = 'joint_trajectory_controller:interpolate_from_desired_state:=false'
    other = domain % 100 + 1
    process = start(other, '-p', dangerous)
    client = Client(other)
    try:
        client.until(lambda: client.joints, 'joint states')
        parameters = AsyncParameterClient(client.node, 'joint_trajectory_controller')
        assert parameters.wait_for_services(PATIENCE_S)
        future = parameters.get_parameters(['interpolate_from_desired_state'])
        assert client.call(future, 'parameters').values[0].bool_value is False
    finally:
        client.close()
        code, said = end(process, number)
    assert code == 0 and 'Traceback' not in said, said


def test_positions_can_be_forwarded_instead_of_trajectories(domain):
    other = domain % 100 + 1
    process = start(other, '-p', 'controller:=forward_position')
    client = Client(other)
    topic = '/forward_position_controller/commands'
    commands = client.node.create_publisher(Float64MultiArray, topic, 10)
    try:
        client.until(commands.get_subscription_count, 'the controller')
        goal = client.positions() + 0.05
        client.until(
            lambda: (
                [commands.publish(Float64MultiArray(data=goal.tolist()))]
                and np.abs(client.positions() - goal).max() < 2e-3
            ),
            'the arm',
        )
        names = client.node.get_node_names()
        assert 'joint_trajectory_controller' not in names
    finally:
        client.close()
        code, said = end(process)
    assert code == 0 and 'Traceback' not in said, said
