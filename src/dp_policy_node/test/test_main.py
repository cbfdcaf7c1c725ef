# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How the process starts and ends: exit codes, and an arm that comes to rest whatever happens."""

from pathlib import Path
import signal
import subprocess
import sys
import time

import pytest

rclpy = pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

from dp_msgs.action import ExecutePolicy  # noqa: E402
from dp_msgs.msg import PolicyStatus  # noqa: E402
from fake_arm import FakeArm  # noqa: E402
from lifecycle_msgs.msg import Transition  # noqa: E402
from node_process import Client  # noqa: E402
from node_process import NodeProcess  # noqa: E402
from node_process import until  # noqa: E402
from rclpy.context import Context  # noqa: E402
import three_joints  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture
def context():
    context = Context()
    rclpy.init(context=context)
    yield context
    rclpy.shutdown(context=context)


@pytest.fixture
def arm(context):
    arm = FakeArm(context)
    yield arm
    arm.close()


@pytest.fixture
def client(context):
    client = Client(context)
    yield client
    client.close()


@pytest.fixture
def start(tmp_path):
    """Start nodes that surely end with the test."""
    checkpoint = three_joints.save(tmp_path / 'wave')
    nodes = []

    def start(*parameters):
        nodes.append(NodeProcess(f'policies:=[wave={checkpoint}]', *parameters))
        return nodes[-1]

    yield start
    for node in nodes:
        node.close()


def segments():
    """Return the shared memory that Fast DDS holds for participants of this machine."""
    return {path.name for path in Path('/dev/shm').glob('fastdds_' + 16 * '[0-9a-f]')}


def test_goal_before_activation_is_refused(client, start):
    start()
    assert not client.send().accepted
    until(lambda: 'not active' in client.status.reason or client.status.state == 0, 'the reason')


def test_life_cycle_runs_by_its_services(arm, client, start):
    node = start()
    assert client.transition(Transition.TRANSITION_CONFIGURE)
    client.wait_for(PolicyStatus.INACTIVE)
    assert not client.send().accepted
    assert client.transition(Transition.TRANSITION_ACTIVATE)
    client.wait_ready()
    assert client.transition(Transition.TRANSITION_DEACTIVATE)
    assert client.transition(Transition.TRANSITION_CLEANUP)
    client.wait_for(PolicyStatus.UNCONFIGURED)
    assert client.transition(Transition.TRANSITION_CONFIGURE)
    assert node.end(signal.SIGTERM) == 0


def test_a_clean_end_leaves_no_shared_memory(arm, client, start):
    before = segments()
    node = start('autostart:=true')
    client.wait_ready()
    assert segments() > before
    assert node.end(signal.SIGINT) == 0
    assert segments() == before


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_brakes_the_arm_and_aborts_the_goal(arm, client, start, number):
    node = start('autostart:=true')
    handle = client.run()
    result = handle.get_result_async()
    assert node.end(number) == 0
    until(result.done, 'the result')
    assert result.result().result.error_code == ExecutePolicy.Result.DEACTIVATED
    until(lambda: arm.is_at_rest, 'the arm at rest', 1.0)


def test_a_killed_node_leaves_an_arm_that_comes_to_rest(arm, client, start):
    node = start('autostart:=true')
    client.run()
    node.end(signal.SIGKILL)
    until(lambda: arm.is_at_rest, 'the arm at rest', 2.5)


@pytest.mark.parametrize('delay_s', [0.5, 1.5, 4.0])
def test_an_interrupt_while_starting_ends_the_process_soon(start, delay_s):
    node = start('autostart:=true', 'startup_timeout:=60.0')  # there is no robot to wait for
    time.sleep(delay_s)
    begin = time.monotonic()
    assert node.end() in (0, -signal.SIGINT)  # the latter before Python itself is up
    assert time.monotonic() - begin < 20.0


def test_a_parameter_out_of_range_is_told_in_one_line(start, capfd):
    assert start('seam:=welded').wait() == 1
    errors = capfd.readouterr().err
    assert "'welded'" in errors
    assert 'Traceback' not in errors


def test_autostart_that_cannot_configure_ends_with_an_error(start):
    assert start('autostart:=true', 'startup_timeout:=0.5').wait() == 1


def test_dp_execute_shows_progress_and_cancels_on_interrupt(arm, client, start):
    start('autostart:=true')
    client.wait_ready()
    command = subprocess.Popen(
        [sys.executable, '-m', 'dp_policy_node.execute', '--task', 'point'],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    lines = []
    while not any('executing' in line for line in lines):
        lines.append(command.stdout.readline())
        assert lines[-1], lines
    command.send_signal(signal.SIGINT)
    rest, _ = command.communicate(timeout=30)
    assert command.returncode == 130
    assert 'CANCELED (700)' in rest
    refused = subprocess.run(
        [sys.executable, '-m', 'dp_policy_node.execute', '--policy', 'dance'],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "'dance'" in refused.stderr


def executing():
    """A `dp_execute` whose goal moves the arm."""
    command = subprocess.Popen(
        [sys.executable, '-m', 'dp_policy_node.execute'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while 'executing' not in (line := command.stdout.readline()):
        assert line
    return command


def test_dp_execute_ends_when_the_node_dies(arm, client, start):
    node = start('autostart:=true')
    client.wait_ready()
    command = executing()
    node.end(signal.SIGKILL)
    _, errors = command.communicate(timeout=60)
    assert command.returncode == 3
    assert "node 'policy_node' is silent" in errors
    assert 'nobody answered the cancel request' in errors


def test_dp_execute_cancels_a_goal_of_a_node_that_seems_to_be_gone(arm, client, start):
    node = start('autostart:=true')
    client.wait_ready()
    command = executing()
    node.send_signal(signal.SIGSTOP)
    while 'is silent' not in (line := command.stderr.readline()):
        assert line
    node.send_signal(signal.SIGCONT)
    _, errors = command.communicate(timeout=60)
    assert command.returncode == 3
    assert 'the goal was cancelled' in errors or 'the goal does not run' in errors
    until(lambda: arm.is_at_rest, 'the arm at rest', 1.0)


@pytest.mark.parametrize('text', ['0', '-0.5', '1.5', 'nan', 'slow'])
def test_a_speed_scale_that_would_be_another_speed_is_refused(text, capsys):
    from dp_policy_node.execute import parser

    with pytest.raises(SystemExit):
        parser().parse_args([f'--speed-scale={text}'])
    assert 'argument --speed-scale' in capsys.readouterr().err
    assert parser().parse_args(['--speed-scale', '0.1']).speed_scale == 0.1


def test_every_code_that_the_node_tells_has_a_name():
    from dp_policy_node.episode import CODES
    from dp_policy_node.execute import CODES as NAMES

    assert set(CODES.values()) <= set(NAMES)
    assert NAMES[717] == 'OVERRUN' and NAMES[799] == 'INTERNAL'
