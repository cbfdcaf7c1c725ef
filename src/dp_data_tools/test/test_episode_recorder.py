# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The node: recording by services what others publish, and what SIGINT and SIGKILL leave."""

from contextlib import contextmanager
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time

from bag_samples import contract
from dp_core.decode import stamp_ns
from dp_core.replay_buffer import load_dataset
from dp_data_tools.cli import main
from dp_data_tools.recording.bag_metadata import read_metadata
import pytest
from rosbags.highlevel import AnyReader

rclpy = pytest.importorskip('rclpy')

from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.qos import DurabilityPolicy  # noqa: E402
from rclpy.qos import qos_profile_sensor_data  # noqa: E402
from rclpy.qos import QoSProfile  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from sensor_msgs.msg import JointState  # noqa: E402
from sensor_msgs.msg import Joy  # noqa: E402
from std_msgs.msg import String  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402

pytestmark = pytest.mark.ros

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Robot:
    """Publishes joint states and commands at 50 Hz, pictures at 10 Hz, each with its number."""

    def __init__(self):
        self.node = rclpy.create_node('robot')
        self._joints = self.node.create_publisher(JointState, '/joint_states', 1000)
        self._commands = self.node.create_publisher(JointState, '/commands', 10)
        self._images = self.node.create_publisher(
            Image, '/front/image_raw', qos_profile_sensor_data
        )
        self.node.create_timer(0.02, self._tick)
        self._count = 0
        self.is_leaving = False  # it publishes no commands any more
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._ended = False
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def call(self, command):
        client = self.node.create_client(Trigger, f'/episode_recorder/{command}')
        assert client.wait_for_service(20.0)
        future = client.call_async(Trigger.Request())
        while not future.done():
            time.sleep(0.01)
        return future.result()

    def close(self):
        self._ended = True
        self._thread.join()
        self._executor.shutdown()
        self.node.destroy_node()

    def _spin(self):
        while not self._ended:
            self._executor.spin_once(timeout_sec=0.05)

    def _tick(self):
        stamp = self.node.get_clock().now().to_msg()
        joints = JointState(name=['a', 'b'], position=[float(self._count), 0.0])
        joints.header.stamp = stamp
        self._joints.publish(joints)
        if self.is_leaving and self._commands:
            self.node.destroy_publisher(self._commands)
            self._commands = None
        if self._commands:
            self._commands.publish(joints)
        if self._count % 5 == 0:
            image = Image(height=8, width=8, encoding='rgb8', step=24)
            image.data = bytes([self._count // 5 % 256]) * 192
            image.header.stamp = stamp
            self._images.publish(image)
        self._count += 1


@contextmanager
def robot_and_recorder(tmp_path, *options):
    contract().save(tmp_path / 'contract.yaml')
    files = [str(tmp_path / 'demos'), '--contract', str(tmp_path / 'contract.yaml')]
    command = [sys.executable, '-m', 'dp_data_tools.cli', 'record', *files]
    command += ['--action-topic', '/commands', '--min-free-mib', '0', *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        rclpy.init()
        robot = Robot()
        try:
            yield robot, process
        finally:
            process.kill()
            robot.close()
            rclpy.shutdown()


def start(robot):
    """Start as soon as all topics were found."""
    for _ in range(100):
        reply = robot.call('start')
        if reply.success:
            return reply
        assert 'nobody publishes' in reply.message
        time.sleep(0.1)
    raise AssertionError(reply.message)


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_episodes_are_recorded_by_services_and_survive_a_sigkill(tmp_path, storage):
    demos = tmp_path / 'demos'
    with robot_and_recorder(tmp_path, '--storage', storage) as (robot, process):
        assert start(robot).message == 'recording episode_000000'
        time.sleep(2.0)
        assert robot.call('mark_success').success
        reply = robot.call('stop')
        assert reply.message.startswith('kept episode_000000: ')
        assert robot.call('start').success
        assert robot.call('discard').message == 'discarded episode_000001'
        assert not robot.call('stop').success
        assert robot.call('start').success
        time.sleep(2.0)
    assert sorted(path.name for path in demos.iterdir()) == [
        '.episode_000001.part',
        'episode_000000',
    ]
    assert main(['recover', str(demos)]) == 0
    for name in ('episode_000000', 'episode_000001'):
        with AnyReader([demos / name]) as reader:
            rows = [
                (c.topic, t, reader.deserialize(d, c.msgtype)) for c, t, d in reader.messages()
            ]
        numbers = [m.position[0] for topic, _, m in rows if topic == '/joint_states']
        assert len(numbers) > 10
        assert numbers == [numbers[0] + i for i in range(len(numbers))]  # none is lost
        late_ns = [received_ns - stamp_ns(message) for _, received_ns, message in rows]
        assert all(0 <= each < 10 * 10**9 for each in late_ns)  # received after they were stamped
    custom = read_metadata(demos / 'episode_000000')['custom_data']
    assert custom['outcome'] == 'success'
    assert custom['contract'].startswith('name: sample')
    files = ['--contract', str(tmp_path / 'contract.yaml'), '--output', str(tmp_path / 'out')]
    bags = [str(demos / name) for name in ('episode_000000', 'episode_000001')]
    assert main(['convert', *bags, *files, '--action-topic', '/commands']) == 0
    assert len(load_dataset(tmp_path / 'out')[1].episode_ends) == 2


def test_ctrl_c_keeps_the_episode_and_prints_its_audit(tmp_path):
    with robot_and_recorder(tmp_path) as (robot, process):
        start(robot)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)[1]
        assert process.returncode == 0
    assert 'kept episode_000000' in said
    assert '/front/image_raw' in said
    assert 'longest gap' in said
    assert [path.name for path in (tmp_path / 'demos').iterdir()] == ['episode_000000']


def test_with_at_end_discard_only_the_running_episode_is_deleted(tmp_path):
    with robot_and_recorder(tmp_path, '--at-end', 'discard') as (robot, process):
        start(robot)
        time.sleep(0.5)
        assert robot.call('stop').success
        assert start(robot).message == 'recording episode_000001'
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)[1]
        assert process.returncode == 0
    assert 'discarded episode_000001' in said
    assert [path.name for path in (tmp_path / 'demos').iterdir()] == ['episode_000000']


def test_no_episode_begins_once_a_needed_publisher_has_gone(tmp_path):
    with robot_and_recorder(tmp_path) as (robot, process):
        reply = start(robot)
        robot.is_leaving = True
        for _ in range(100):
            if not reply.success:
                break
            assert robot.call('discard').success
            time.sleep(0.1)
            reply = robot.call('start')
    assert "nobody publishes ['/commands']" in reply.message


def test_all_publishers_of_a_latched_topic_are_heard_in_every_episode(tmp_path):
    with robot_and_recorder(tmp_path, '--topic', '/notes') as (robot, process):
        publishers = []
        for word in 'abb':
            publishers.append(robot.node.create_publisher(String, '/notes', LATCHED))
            publishers[-1].publish(String(data=word))
            start(robot)
            time.sleep(1.0)  # longer than between two looks
            assert robot.call('stop').success
    with AnyReader([tmp_path / 'demos' / 'episode_000002']) as reader:
        notes = [c for c in reader.connections if c.topic == '/notes']
        messages = [reader.deserialize(d, c.msgtype) for c, _, d in reader.messages(notes)]
    assert {message.data for message in messages} == {'a', 'b'}


def test_a_joystick_starts_and_stops(tmp_path):
    options = ('--joy-topic', '/joy', '--joy-buttons', 'start=2,stop=2,mark_success=0')
    with robot_and_recorder(tmp_path, *options) as (robot, process):
        stick = robot.node.create_publisher(Joy, '/joy', 10)

        def press(*buttons):
            for state in (buttons, ()):
                stick.publish(Joy(buttons=[int(k in state) for k in range(4)]))
                time.sleep(0.3)

        start(robot)  # by then the topics are found
        assert robot.call('discard').success
        while stick.get_subscription_count() < 1:
            time.sleep(0.1)
        press()
        press(2)
        press(0)
        press(2)
        assert not robot.call('stop').success
    bag = tmp_path / 'demos' / 'episode_000000'
    assert read_metadata(bag)['custom_data']['outcome'] == 'success'


def test_keys_start_mark_stop_and_quit(tmp_path):
    contract().save(tmp_path / 'contract.yaml')
    command = [sys.executable, '-m', 'dp_data_tools.cli', 'record', str(tmp_path / 'demos')]
    command += ['--contract', str(tmp_path / 'contract.yaml'), '--min-free-mib', '0']
    keyboard, terminal = pty.openpty()
    process = subprocess.Popen(command, stdin=terminal, stderr=terminal)
    os.close(terminal)
    rclpy.init()
    robot, said = Robot(), ''
    try:
        keys = (
            ('s', 'recording episode_000000'),  # refused until the topics are found
            ('m', 'marked episode_000000'),
            ('e', 'kept episode_000000'),
        )
        for key, answer in keys:
            while answer not in said:
                os.write(keyboard, key.encode())
                time.sleep(0.5)
                said += os.read(keyboard, 65536).decode()
        os.write(keyboard, b'q')
        process.wait(20.0)
    finally:
        process.kill()
        robot.close()
        rclpy.shutdown()
        os.close(keyboard)
    assert process.returncode == 0
    bag = tmp_path / 'demos' / 'episode_000000'
    assert read_metadata(bag)['custom_data']['outcome'] == 'success'


def test_the_bench_counts_what_is_lost(tmp_path):
    from dp_data_tools.bench.__main__ import main as bench

    path = tmp_path / 'data.json'
    assert bench(['--only', 'record', '--record-seconds', '1', '--output', str(path)]) == 0
    figures = json.loads(path.read_text())['record']['mcap']
    assert figures['messages']['/joint_states'] > 10
    assert figures['lost_by_topic']['/joint_states'] >= 0
    assert figures['most_queued_mb'] > 0
