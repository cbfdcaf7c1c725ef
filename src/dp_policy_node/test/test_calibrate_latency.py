# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The command `calibrate_latency`: what it refuses, shows and writes, and that it lets go."""

from collections import deque
import json
import random
import threading
import time

import numpy as np
import pytest

rclpy = pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

from dp_core.calibration.findings import Finding  # noqa: E402
from dp_core.calibration.lag import Servo  # noqa: E402
from dp_core.contract import Contract  # noqa: E402
from dp_core.errors import CalibrationError  # noqa: E402
from dp_msgs.msg import PolicyStatus  # noqa: E402
from dp_policy_node.calibration import command  # noqa: E402
from dp_policy_node.calibration.swing import MotionInterruptedError  # noqa: E402
from dp_policy_node.listener import LATCHED  # noqa: E402
from dp_policy_node.settings import Settings  # noqa: E402
from fake_arm import FakeArm  # noqa: E402
from node_process import until  # noqa: E402
from rclpy.context import Context  # noqa: E402
from rclpy.executors import MultiThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
from std_msgs.msg import Bool  # noqa: E402
import three_joints  # noqa: E402

ARM = Finding('arm', 'device', 'h', 0.0623, 0.0004, 0.999, 900, Servo(0.031, 0.031))
BLOCK = Finding('block', 'pose', 'h', refusal='it does not follow')
FRONT = Finding('front', 'image', 'h', refusal='frozen or dark')


def options(tmp_path, *words):
    """Options for a contract of three joints in a file."""
    path = tmp_path / 'contract.yaml'
    if not path.exists():
        three_joints.contract().save(path)
        path.write_text('# mine\n' + path.read_text())
    return command.parser().parse_args([str(path), '--yes', '--timeout', '5', *words])


def plan(tmp_path, *words):
    chosen = options(tmp_path, *words)
    return command.make_plan(chosen, chosen.contract.read_text(), 'mine.yaml')


# ---- what it says


def test_the_table_has_a_line_for_each_and_says_what_the_number_means():
    lines = command.table([ARM, BLOCK]).splitlines()
    assert lines[1].split()[:8] == ['arm', '(device)', '62.3', 'ms', '0.4', 'ms', '100%', '900']
    assert '31 ms of dead time and 31 ms of lag' in lines[1]
    assert lines[2].endswith('it does not follow') and ' - ' in lines[2]


def test_a_pose_may_stand_still_a_device_and_a_camera_may_not():
    assert command.missing([ARM, BLOCK]) == []
    assert command.missing([ARM, BLOCK, FRONT]) == ['front']


def test_the_question_names_joint_distance_speed_and_controller(tmp_path):
    text = command.question(plan(tmp_path, '--joint', 'elbow_joint'))
    for word in ('elbow_joint', '0.050 rad', '8 s', '0.3 rad/s', 'arm_controller', 'Ctrl-C'):
        assert word in text


@pytest.mark.parametrize(
    'words, said',
    [
        (['--joint', 'wrist'], "no joint 'wrist' to swing; valid: .*'elbow_joint'"),
        (['--group', 'left'], r"no action groups \['left'\] to move; valid: \['arm'\]"),
        (['--skip', 'rear'], r"no streams \['rear'\] to skip; the contract has \['joints'\]"),
        (['--no-motion'], 'neither an arm is moved nor a lamp used'),
        (['--amplitude', '0.5'], 'amplitude is 0.5 rad'),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(tmp_path, words, said):
    with pytest.raises(CalibrationError, match=said):
        plan(tmp_path, *words)


def test_in_place_and_output_exclude_each_other(tmp_path, capsys):
    with pytest.raises(SystemExit):
        command.run([str(tmp_path), '--in-place', '--output', 'x'], threading.Event())
    assert 'exclude each other' in capsys.readouterr().err


def test_a_missing_contract_is_named(tmp_path, capsys):
    chosen = command.parser().parse_args([str(tmp_path / 'none.yaml')])
    code = command.calibrate(chosen, None, Settings(), threading.Event())
    assert code == command.EXIT_REFUSED
    assert 'cannot read' in capsys.readouterr().err


# ---- with an arm


class Stage:
    """An arm, a node, and a thread that spins it."""

    def __init__(self, with_arm=True, hears=False):
        self.context = Context()
        rclpy.init(context=self.context, domain_id=random.randint(1, 100))
        self.arm = FakeArm(self.context) if with_arm else None
        self.node = Node('calibrate_latency', context=self.context)
        self.settings = Settings(emergency_stop_topics=('/e_stop',) if hears else ())
        self.stop = threading.Event()
        self._executor = MultiThreadedExecutor(num_threads=2, context=self.context)
        self._executor.add_node(self.node)
        threading.Thread(target=self._executor.spin, daemon=True).start()

    def run(self, chosen):
        return command.calibrate(chosen, self.node, self.settings, self.stop)

    def close(self):
        self._executor.shutdown()
        self.node.destroy_node()
        if self.arm:
            self.arm.close()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def stage():
    result = Stage()
    yield result
    result.close()


def late_by(messages):
    """Return what makes joint states tell the positions of so many messages ago."""
    memory = deque(maxlen=messages + 1)

    def spoil(message):
        memory.append((list(message.position), list(message.velocity)))
        message.position, message.velocity = memory[0]
        return message

    return spoil


@pytest.mark.ros
def test_a_late_arm_is_measured_and_written(stage, tmp_path, capsys):
    stage.arm.spoil = late_by(6)  # of 10 ms
    out, figures = tmp_path / 'new.yaml', tmp_path / 'figures.json'
    words = ['--duration', '5', '--output', str(out), '--json', str(figures)]
    chosen = options(tmp_path, *words, '--joint', 'elbow_joint')
    before = chosen.contract.read_text()
    assert stage.run(chosen) == 0, capsys.readouterr().err
    device = json.loads(figures.read_text())['findings'][0]
    # The fake arm starts on arrival, a few milliseconds before the node reckons.
    assert device['latency_s'] == pytest.approx(0.057, abs=0.01 + 3 * device['uncertainty_s'])
    assert Contract.load(out).actions[0].latency_s == pytest.approx(device['latency_s'], abs=1e-4)
    kept = [line for line in out.read_text().splitlines() if 'latency_s' not in line]
    assert kept == before.splitlines() and chosen.contract.read_text() == before
    for _, message in stage.arm.received:  # legal for the real controller
        assert message.header.stamp.sec == message.header.stamp.nanosec == 0
        assert len(message.points) >= 2 and not any(message.points[-1].velocities)
        assert message.points[0].time_from_start.nanosec >= 50_000_000
    others = np.array([p.positions for _, m in stage.arm.received for p in m.points])[:, :2]
    assert np.abs(others).max() < 1e-6
    assert np.abs(stage.arm.state()[0]).max() < 1e-3 and stage.arm.is_at_rest


@pytest.mark.ros
def test_an_arm_in_a_protective_stop_is_told_and_nothing_written(stage, tmp_path, capsys):
    stage.arm.inactive = True
    out = tmp_path / 'new.yaml'
    assert stage.run(options(tmp_path, '--output', str(out))) == command.EXIT_FAILED
    assert 'the arm does not follow (protective stop' in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.ros
def test_an_interrupt_brakes_the_arm(stage, tmp_path):
    threading.Timer(4.0, stage.stop.set).start()
    with pytest.raises(MotionInterruptedError):
        stage.run(options(tmp_path, '--in-place'))
    time.sleep(0.1)
    assert stage.arm.received
    last = stage.arm.received[-1][1].points[-1].time_from_start
    assert last.sec + last.nanosec * 1e-9 < 1.0
    assert 'latency_s' not in (tmp_path / 'contract.yaml').read_text()


@pytest.mark.ros
def test_joint_states_that_end_brake_the_arm(stage, tmp_path, capsys):
    def go_silent():
        until(lambda: stage.arm.received, 'the motion')
        time.sleep(1.0)
        stage.arm.silent = True

    threading.Thread(target=go_silent).start()
    assert stage.run(options(tmp_path)) == command.EXIT_FAILED
    assert 'no joint states for 0.5 s; the arm brakes' in capsys.readouterr().err
    last = stage.arm.received[-1][1].points[-1].time_from_start
    assert last.sec + last.nanosec * 1e-9 < 1.0  # a chunk reaches farther
    until(lambda: stage.arm.is_at_rest, 'rest')


@pytest.mark.ros
def test_an_emergency_stop_brakes_the_arm_and_must_be_known_before(tmp_path, capsys):
    stage = Stage(hears=True)
    try:
        chosen = options(tmp_path, '--timeout', '1')
        assert stage.run(chosen) == command.EXIT_REFUSED
        assert '/e_stop' in capsys.readouterr().err and not stage.arm.received
        publisher = stage.arm.create_publisher(Bool, '/e_stop', LATCHED)
        publisher.publish(Bool(data=False))
        threading.Timer(4.0, publisher.publish, [Bool(data=True)]).start()
        chosen = options(tmp_path)
        assert stage.run(chosen) == command.EXIT_FAILED
        assert 'the arm brakes' in capsys.readouterr().err
        last = stage.arm.received[-1][1].points[-1].time_from_start
        assert last.sec + last.nanosec * 1e-9 < 1.0
    finally:
        stage.close()


@pytest.mark.ros
def test_the_stop_of_the_policy_node_brakes_the_arm(stage, tmp_path, capsys):
    status = stage.arm.create_publisher(PolicyStatus, 'policy_node/status', 1)
    state = [PolicyStatus.READY]
    stage.arm.create_timer(0.05, lambda: status.publish(PolicyStatus(state=state[0])))

    def stop():
        until(lambda: stage.arm.received, 'the motion')
        time.sleep(1.0)
        state[0] = PolicyStatus.STOPPED

    threading.Thread(target=stop).start()
    assert stage.run(options(tmp_path)) == command.EXIT_FAILED
    assert 'call its ~/reset first; the arm brakes' in capsys.readouterr().err
    n_received = len(stage.arm.received)
    until(lambda: stage.arm.is_at_rest, 'rest')
    assert stage.run(options(tmp_path, '--timeout', '1')) == command.EXIT_REFUSED
    assert 'call its ~/reset first within 1 s' in capsys.readouterr().err
    assert len(stage.arm.received) == n_received


@pytest.mark.ros
def test_nothing_moves_where_somebody_is_missing(tmp_path, capsys):
    stage = Stage(with_arm=False)
    try:
        chosen = options(tmp_path, '--timeout', '0.5')
        assert stage.run(chosen) == command.EXIT_REFUSED
        assert 'no robot description' in capsys.readouterr().err
        stage.arm = FakeArm(stage.context)
        stage.arm.silent = True
        chosen = options(tmp_path, '--timeout', '2')
        assert stage.run(chosen) == command.EXIT_REFUSED
        assert 'nothing heard of' in capsys.readouterr().err
        path = chosen.contract
        path.write_text(
            path.read_text().replace(
                'observations:\n',
                'observations:\n- {name: front, kind: image, topic: dark, size: [96, 96]}\n',
            )
        )
        stage.arm.silent = False
        assert stage.run(chosen) == command.EXIT_REFUSED
        assert 'front (dark): no message' in capsys.readouterr().err
        assert not stage.arm.received
    finally:
        stage.close()


@pytest.mark.ros
def test_a_joint_at_its_limit_is_not_moved(stage, tmp_path, capsys):
    stage.arm.teleport([2.96, 0.0, 0.0])
    assert stage.run(options(tmp_path)) == command.EXIT_REFUSED
    assert 'base_joint stands at 2.960 rad' in capsys.readouterr().err
    assert not stage.arm.received


@pytest.mark.ros
def test_without_yes_and_without_anybody_to_ask_nothing_moves(stage, tmp_path, capsys):
    chosen = options(tmp_path)
    chosen.yes = False
    assert stage.run(chosen) == command.EXIT_REFUSED
    assert '--yes moves without' in capsys.readouterr().err
    assert not stage.arm.received
