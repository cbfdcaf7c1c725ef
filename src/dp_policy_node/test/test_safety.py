# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Operator and robot stop the arm: an e-stop, a deadman switch, a program, a slow robot."""

import threading
import time

import pytest

rclpy = pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

from action_msgs.msg import GoalStatus  # noqa: E402
from dp_msgs.action import ExecutePolicy  # noqa: E402
from dp_msgs.msg import PolicyStatus  # noqa: E402
from fake_arm import FakeArm  # noqa: E402
from node_process import Client  # noqa: E402
from node_process import NodeProcess  # noqa: E402
from node_process import until  # noqa: E402
from rclpy.context import Context  # noqa: E402
from rclpy.qos import DurabilityPolicy  # noqa: E402
from rclpy.qos import QoSProfile  # noqa: E402
from std_msgs.msg import Bool  # noqa: E402
from std_msgs.msg import Float64  # noqa: E402
import three_joints  # noqa: E402

pytestmark = pytest.mark.ros

Code = ExecutePolicy.Result
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Operator:
    """Says everything that allows motion; the state of button and pedal at 20 Hz."""

    def __init__(self, client):
        self._button = client.create_publisher(Bool, 'button', 10)
        self.program = client.create_publisher(Bool, 'program_running', LATCHED)
        self.speed = client.create_publisher(Float64, 'speed', LATCHED)
        self._pedal = client.create_publisher(Bool, 'pedal', 10)
        self.presses, self.holds, self.is_there = False, True, True
        self._over = threading.Event()
        threading.Thread(target=self._hold, daemon=True).start()

    def _hold(self):
        while not self._over.wait(0.05):
            self._button.publish(Bool(data=self.presses))
            if self.is_there:
                self._pedal.publish(Bool(data=self.holds))

    def allow(self):
        self.presses, self.holds, self.is_there = False, True, True
        self.program.publish(Bool(data=True))
        self.speed.publish(Float64(data=100.0))

    def close(self):
        self._over.set()


class Stack:
    """Arm, node, client and operator."""

    def __init__(self, folder):
        self.context = Context()
        rclpy.init(context=self.context)
        self.arm = FakeArm(self.context)
        self.client = Client(self.context)
        self.operator = Operator(self.client)
        self.operator.program.publish(Bool(data=True))  # long before the node is there
        self.node = NodeProcess(
            f'policies:=[wave={three_joints.save(folder / "wave")}]', 'autostart:=true',
            'emergency_stop_topics:=[button]', 'deadman_topics:=[pedal]',
            'program_running_topics:=[program_running]', 'speed_scaling_topics:=[speed]',
        )  # fmt: skip

    def close(self):
        self.operator.close()
        self.node.close()
        self.client.close()
        self.arm.close()
        rclpy.shutdown(context=self.context)

    def ends(self, handle, code, words):
        """The goal is aborted with this code, at rest, and a new one refused with the reason."""
        status, result = self.client.ended(handle)
        assert (result.error_code, status) == (code, GoalStatus.STATUS_ABORTED), result
        assert words in result.error_msg
        until(lambda: self.arm.is_at_rest, 'the arm at rest', 2.0)
        assert set(self.arm.received[-1][1].points[-1].velocities) == {0.0}
        assert len(self.arm.received[-1][1].points) <= 4, 'a chunk followed the brake'

    def refuses(self, words):
        """A goal is refused for this reason."""
        assert not self.client.send().accepted
        until(lambda: words in self.client.status.reason, f'{words}: {self.client.status}')


@pytest.fixture(scope='module')
def running(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp('checkpoints'))
    yield stack
    stack.close()


@pytest.fixture
def stack(running):
    running.operator.allow()
    until(lambda: running.client.reset().success, 'a reset')
    running.client.wait_ready()
    return running


def test_an_emergency_stop_holds_until_it_is_released_and_reset(stack):
    handle = stack.client.run()
    stack.operator.presses = True
    stack.ends(handle, Code.EMERGENCY_STOP, "'button' is pressed")
    stack.client.wait_for(PolicyStatus.STOPPED)
    assert not stack.client.reset().success
    stack.operator.presses = False
    time.sleep(0.3)
    stack.refuses('call ~/reset')
    assert stack.client.reset().success
    stack.client.result(stack.client.run().cancel_goal_async(), 'cancel')


@pytest.mark.parametrize('lets_go', [True, False])
def test_a_deadman_switch_that_is_let_go_or_falls_silent_ends_the_goal(stack, lets_go):
    handle = stack.client.run()
    if lets_go:
        stack.operator.holds = False
    else:
        stack.operator.is_there = False
    stack.ends(handle, Code.DEADMAN, 'let go' if lets_go else 'silent')
    stack.refuses('deadman')


def test_a_program_that_goes_on_by_itself_does_not_move_the_arm_again(stack):
    handle = stack.client.run()
    for runs in (False, True):  # shorter than any look at the state
        stack.operator.program.publish(Bool(data=runs))
    stack.ends(handle, Code.ROBOT_PROGRAM, 'does not run')
    count = len(stack.arm.received)
    stack.client.wait_ready()
    time.sleep(0.5)
    assert len(stack.arm.received) == count
    stack.client.result(stack.client.run().cancel_goal_async(), 'cancel')


def test_a_robot_slowed_down_ends_the_goal(stack):
    handle = stack.client.run()
    stack.operator.speed.publish(Float64(data=5.0))
    stack.ends(handle, Code.SPEED_SCALING, 'at 5 % of')
    stack.refuses('min_speed_scaling')
