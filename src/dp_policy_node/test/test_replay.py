# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The command `replay`: what it tells and refuses, and what the arm and its controller see."""

import json
import random
import threading
import time

from dp_core.errors import ConfigError
from dp_core.guard import Guard
from dp_core.guard import GuardSettings
from dp_core.replay import episode_chunk
from dp_core.replay import plan_replay
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
from dp_core.tracking_error import TrackingError
import numpy as np
import pytest

rclpy = pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

from dp_msgs.msg import PolicyStatus  # noqa: E402
from dp_policy_node.replay import command  # noqa: E402
from dp_policy_node.replay.session import Report  # noqa: E402
from node_process import until  # noqa: E402
from rclpy.context import Context  # noqa: E402
from rclpy.executors import MultiThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
import three_joints  # noqa: E402


def episode(steps=30, amplitude=0.2, start=0.1):
    """All joints swing from `start` and back, at rest at both ends; 10 Hz."""
    swing = amplitude * (1.0 - np.cos(2.0 * np.pi * np.arange(steps) / (steps - 1))) / 2.0
    return np.tile(start + swing[:, None], (1, 3)).astype(np.float32)


def save(folder, *episodes):
    actions = np.concatenate(episodes)
    ends = np.cumsum([len(each) for each in episodes])
    data = {'action': actions, 'joints': actions}
    buffer = ReplayBuffer(data, ends, np.zeros(len(ends), bool))
    save_dataset(folder, three_joints.contract(), buffer)
    return str(folder)


def plan(actions, speed_scale=1.0):
    terms = three_joints.contract()
    chunk = episode_chunk(
        terms, actions.astype(float), three_joints.urdf(), np.zeros(3), speed_scale
    )
    return plan_replay(chunk, Guard(three_joints.urdf(), terms.actions, GuardSettings()))


# ---- what it says


def test_what_would_be_driven_is_told_joint_by_joint():
    text = command.summary(plan(episode()), None, 'episode 0 of demos at 1 x')
    lines = text.splitlines()
    assert lines[0].startswith('episode 0 of demos at 1 x: 30 commands, 3.')
    name, now, first, least, most, speed, _, off = lines[2].split()
    assert (name, now, first, most) == ('base_joint', '0.100', '0.100', '0.300')
    assert float(least) == pytest.approx(0.1, abs=1e-3)
    # 0.1 rad about the middle, once in 2.9 s.
    assert float(speed) == pytest.approx(0.1 * 2.0 * np.pi / 2.9, rel=0.02)
    assert float(off) < 0.002 and lines[-1] == 'the arm is at the first command'


def test_the_question_names_controller_and_time():
    text = command.question(plan(episode(), 0.5), ['arm_controller'])
    for word in ('arm_controller', '6.', 'Ctrl-C', 'emergency stop', 'drive on to the end'):
        assert word in text


def report(why='', results=None, told=True):
    error = TrackingError(three_joints.JOINTS)
    if told:
        error.add(three_joints.JOINTS, (0.0, 0.0, 0.0), (0.003, 0.0, 0.0))
        error.add(three_joints.JOINTS, (0.0, 0.0, 0.0), (0.004, 0.0, 0.0))
    return Report(why, 3.2, 3.3, results or {}, error)


def test_the_report_has_the_error_code_in_words_and_the_tracking_error():
    text = command.report_words(report(results={'arm_controller': (-5, 'too late')}))
    assert 'arm_controller: GOAL_TOLERANCE_VIOLATED: the end was not reached' in text
    assert '(-5): too late' in text and '3.3 s, planned were 3.2 s' in text
    assert ['base_joint', '4.00', 'mrad', '3.54', 'mrad'] in [
        line.split() for line in text.splitlines()
    ]
    data = command.document(report(results={'c': (0, '')}), 'e')
    assert data['tracking_error_rad']['base_joint'] == pytest.approx(
        {'max': 0.004, 'rms': np.sqrt(12.5e-6)}
    )
    silent = command.document(report('interrupted', told=False), 'e')
    assert silent['tracking_error_rad']['base_joint'] == {'max': None, 'rms': None}
    assert json.loads(json.dumps(silent))['ended_early'] == 'interrupted'


def test_limits_are_those_of_the_policy_nodes_parameter_file(tmp_path):
    path = tmp_path / 'node.yaml'
    path.write_text('policy_node:\n  ros__parameters: {max_step: 0.2, deadman_topics: [d]}\n')
    values = {each.name: each.value for each in command.read_config(path)}
    assert values == {'max_step': 0.2, 'deadman_topics': ['d']}
    path.write_text('other_node: {}\n')
    with pytest.raises(ConfigError, match='no section policy_node with ros__parameters'):
        command.read_config(path)
    with pytest.raises(ConfigError, match='cannot read .*absent'):
        command.read_config(tmp_path / 'absent')
    path.write_text('other: {ros__parameters: {max_step: 0.3}}\n')
    assert [each.value for each in command.read_config(path, node='other')] == [0.3]
    path.write_text('/**: {ros__parameters: {qos: {depth: 5}}}\n')
    with pytest.raises(ConfigError, match='is no parameter file'):
        command.read_config(path)


@pytest.mark.parametrize(
    ('key', 'namespace', 'is_ours'),
    [
        ('policy_node', '', True), ('/policy_node', '', True), ('/**', '', True),
        ('policy_node', '/left', False), ('left/policy_node', '/left', True),
        ('/left/policy_node', 'left', True), ('/**', '/left', True),
        ('/*/policy_node', '/a/b', False), ('/*/policy_node', '/a', True),
        ('/**/policy_node', '/a/b', True), ('/right/policy_node', '/left', False),
    ],
)  # fmt: skip
def test_sections_of_parameters_are_found_as_ros_finds_them(tmp_path, key, namespace, is_ours):
    path = tmp_path / 'node.yaml'
    path.write_text(f"'{key}': {{ros__parameters: {{max_step: 0.2}}}}\n")
    words = ['--ros-args', '-r', f'__ns:={namespace}'] if namespace else []
    if is_ours:
        assert [each.value for each in command.read_config(path, words)] == [0.2]
    else:
        with pytest.raises(ConfigError, match=r"valid for '/.*policy_node': '"):
            command.read_config(path, words)


def test_a_dataset_or_episode_that_is_not_there_is_named(tmp_path, capsys):
    for words, said in (
        ([str(tmp_path / 'none')], 'no dataset folder'),
        ([save(tmp_path / 'd', episode()), '--episode', '1'], 'no episode 1 in .*'),
    ):
        options = command.parser().parse_args(words)
        assert command.replay(options, None, threading.Event()) == command.EXIT_REFUSED
        assert said.removesuffix('.*') in capsys.readouterr().err


# ---- with an arm


class Stage:
    """An arm whose controller speaks, a node, and a thread that spins it."""

    def __init__(self):
        from talking_arm import TalkingArm

        self.context = Context()
        rclpy.init(context=self.context, domain_id=random.randint(1, 100))
        self.arm = TalkingArm(self.context)
        self.stop = threading.Event()
        self._executor = MultiThreadedExecutor(num_threads=2, context=self.context)
        self._nodes = []
        self.use(Node('replay', context=self.context))
        threading.Thread(target=self._executor.spin, daemon=True).start()

    def use(self, node):
        """Run the command with this node from now on."""
        self.node = node
        self._nodes.append(node)
        self._executor.add_node(node)

    def run(self, *words):
        options = command.parser().parse_args([*words, '--yes'])
        return command.replay(options, self.node, self.stop)

    def close(self):
        self._executor.shutdown()
        for node in self._nodes:
            node.destroy_node()
        self.arm.close()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def stage():
    pytest.importorskip('control_msgs.msg')
    result = Stage()
    yield result
    result.close()


@pytest.mark.ros
def test_an_episode_is_driven_as_one_goal_after_the_way_to_its_begin(stage, tmp_path, capsys):
    stage.arm.sag = 0.004
    figures = tmp_path / 'figures.json'
    dataset = save(tmp_path / 'd', episode(), episode(start=-0.1))
    code = stage.run(dataset, '--episode', '1', '--json', str(figures))
    assert code == command.EXIT_SUCCESS, capsys.readouterr().err
    (_, way), (_, goal) = stage.arm.received
    assert list(way.points[-1].positions) == pytest.approx([-0.1] * 3)
    assert goal.header.stamp.sec == goal.header.stamp.nanosec == 0
    assert len(goal.points) > 50 and not any(goal.points[-1].velocities)
    at_middle = [p.positions[0] for p in goal.points if p.time_from_start.sec == 1]
    assert max(at_middle) == pytest.approx(0.1, abs=2e-3)
    told = json.loads(figures.read_text())
    assert told['results'] == {'arm_controller': {'error_code': 0, 'error_string': ''}}
    assert told['ended_early'] == '' and told['samples'] > 5
    error = told['tracking_error_rad']['elbow_joint']
    assert error['max'] == pytest.approx(0.004, abs=1e-6)
    assert error['rms'] == pytest.approx(0.004, abs=1e-6)


@pytest.mark.ros
def test_a_check_sends_nothing(stage, tmp_path, capsys):
    assert stage.run(save(tmp_path / 'd', episode()), '--check') == command.EXIT_SUCCESS
    assert 'the way to the first command takes' in capsys.readouterr().out
    assert stage.arm.received == []


@pytest.mark.ros
def test_what_the_limits_do_not_allow_moves_nothing(stage, tmp_path, capsys):
    dataset = save(tmp_path / 'd', episode(12, 1.5))
    assert stage.run(dataset) == command.EXIT_REFUSED
    assert 'choose a lower speed' in capsys.readouterr().err
    assert stage.arm.received == []


@pytest.mark.ros
def test_an_interrupt_brakes_softly(stage, tmp_path, capsys):
    dataset = save(tmp_path / 'd', episode(100, start=0.0))

    def interrupt():
        until(lambda: stage.arm.goals == 1, 'the goal')
        time.sleep(1.5)
        stage.stop.set()

    threading.Thread(target=interrupt).start()
    assert stage.run(dataset) == command.EXIT_INTERRUPTED
    assert 'interrupted' in capsys.readouterr().err
    brake = stage.arm.received[-1][1]
    assert len(stage.arm.received) == 2 and not any(brake.points[-1].velocities)
    assert brake.points[-1].time_from_start.sec == 0
    until(lambda: stage.arm.is_at_rest, 'rest')


@pytest.mark.ros
def test_a_controller_that_refuses_is_told(stage, tmp_path, capsys):
    stage.arm.refuses = True
    assert stage.run(save(tmp_path / 'd', episode(start=0.0))) == command.EXIT_FAILED
    assert "controller 'arm_controller' refused a trajectory" in capsys.readouterr().err


@pytest.mark.ros
@pytest.mark.parametrize(
    ('other', 'said'),
    [
        (PolicyStatus.EXECUTING, 'the policy node executes a goal'),
        (PolicyStatus.STOPPED, 'the policy node is stopped: call its ~/reset first'),
    ],
)
def test_two_do_not_command_one_arm(stage, tmp_path, capsys, other, said):
    """A policy's goal, or the stop of its node, refuses a replay, and ends one that runs."""
    dataset = save(tmp_path / 'd', episode(100, start=0.0))
    status = stage.arm.create_publisher(PolicyStatus, 'policy_node/status', 1)
    state = [PolicyStatus.READY]
    stage.arm.create_timer(0.05, lambda: status.publish(PolicyStatus(state=state[0])))

    def begin():
        until(lambda: stage.arm.goals == 1, 'the goal')
        time.sleep(1.0)
        state[0] = other

    threading.Thread(target=begin).start()
    assert stage.run(dataset) == command.EXIT_FAILED
    assert said in capsys.readouterr().err
    assert len(stage.arm.received) == 2  # the second is a brake
    impatient = [Parameter('startup_timeout', value=3.0)]
    stage.use(Node('replay_again', context=stage.context, parameter_overrides=impatient))
    assert stage.run(dataset) == command.EXIT_REFUSED
    assert said in capsys.readouterr().err
    assert len(stage.arm.received) == 2
