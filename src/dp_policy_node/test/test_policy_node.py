# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The node as its users meet it: a process of its own, a controller beside it, goals over ROS."""

import threading
import time

from action_msgs.msg import GoalStatus
import pytest

rclpy = pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

from builtin_interfaces.msg import Duration  # noqa: E402
from dp_msgs.action import ExecutePolicy  # noqa: E402
from dp_msgs.msg import PolicyStatus  # noqa: E402
from fake_arm import FakeArm  # noqa: E402
from fake_arm import from_the_future  # noqa: E402
from fake_arm import shuffled  # noqa: E402
from fake_arm import with_nan  # noqa: E402
from fake_arm import without_a_joint  # noqa: E402
from lifecycle_msgs.msg import Transition  # noqa: E402
from node_process import Client  # noqa: E402
from node_process import NodeProcess  # noqa: E402
from node_process import until  # noqa: E402
import numpy as np  # noqa: E402
from rclpy.context import Context  # noqa: E402
from std_msgs.msg import Bool  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402
import three_joints  # noqa: E402
from trajectory_msgs.msg import JointTrajectory  # noqa: E402

pytestmark = pytest.mark.ros

Code = ExecutePolicy.Result


class Stack:
    """Arm, node and client."""

    def __init__(self, folder):
        self.context = Context()
        rclpy.init(context=self.context)
        self.arm = FakeArm(self.context)
        self.client = Client(self.context)
        checkpoint = three_joints.save(folder / 'wave')
        still = three_joints.save(folder / 'still', reach=0.001)
        self.node = NodeProcess(
            f'policies:=[wave={checkpoint}, still={still}]', 'autostart:=true',
            'success_topic:=success', 'start_positions:=[0.2, -0.2, 0.1]', 'start_speed:=1.0',
            'max_step:=3.0',  # where a test has put the arm policies know nothing of
        )  # fmt: skip

    def heal(self):
        """End every fault, and wait until a goal would be accepted."""
        self.arm.silent = self.arm.inactive = False
        self.arm.spoil = lambda message: message
        self.client.set_parameter('preempt', 'reject')
        self.client.reset()
        self.client.wait_ready()

    def close(self):
        self.node.close()
        self.client.close()
        self.arm.close()
        rclpy.shutdown(context=self.context)


@pytest.fixture(scope='module')
def running(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp('checkpoints'))
    yield stack
    stack.close()


@pytest.fixture
def stack(running):
    running.heal()
    return running


def ends_at_rest(stack, handle, code):
    """The goal is aborted with this code, and the last message brakes to rest."""
    status, result = stack.client.ended(handle)
    assert (result.error_code, status) == (code, GoalStatus.STATUS_ABORTED), result
    assert result.error_msg
    time.sleep(0.3)
    until(lambda: stack.arm.is_at_rest, 'the arm at rest', 2.0)
    brake = stack.arm.received[-1][1]
    if code != Code.JOINT_STATE_STALL:  # a silent robot may be left to the end of its chunk
        assert len(brake.points) <= 4, 'a chunk followed the brake'
    assert set(brake.points[-1].velocities) == {0.0}
    return result


def test_goal_moves_the_arm_chunk_after_chunk_until_its_timeout(stack):
    handle = stack.client.send(timeout=Duration(sec=2))
    status, result = stack.client.ended(handle)
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Code.TIMEOUT)
    # One chunk at once, then one each n_action_steps x dt.
    assert 3 <= result.chunks <= 5
    assert result.elapsed.sec >= 2
    assert {f.state for f in stack.client.feedback} >= {
        ExecutePolicy.Feedback.WAITING,
        ExecutePolicy.Feedback.EXECUTING,
        ExecutePolicy.Feedback.BRAKING,
    }
    until(lambda: stack.arm.is_at_rest, 'the arm at rest', 2.0)
    assert np.abs(stack.arm.state()[0]).max() > 0.01


def test_every_message_is_safe_on_every_controller(stack):
    stack.arm.received.clear()
    handle = stack.client.run(chunks=3)
    stack.client.result(handle.cancel_goal_async(), 'cancel')
    stack.client.ended(handle)
    until(lambda: stack.arm.is_at_rest, 'rest', 3.0)
    for _, message in stack.arm.received:
        assert (message.header.stamp.sec, message.header.stamp.nanosec) == (0, 0)
        times = [p.time_from_start.sec * 10**9 + p.time_from_start.nanosec for p in message.points]
        assert len(times) >= 2 and times[0] >= 50_000_000
        assert all(b > a for a, b in zip(times, times[1:]))
        assert tuple(message.joint_names) == three_joints.JOINTS
        assert set(message.points[-1].velocities) == {0.0}


def test_cancel_brakes_first_and_then_answers(stack, record_property):
    events = []  # in the order in which one thread has heard of them

    def note(name):
        return lambda said: events.append((name, time.monotonic(), said))

    topic = f'{three_joints.CONTROLLER}/joint_trajectory'
    commands = stack.client.create_subscription(JointTrajectory, topic, note('command'), 10)
    handle = stack.client.run(chunks=2)
    until(lambda: events, 'a chunk')
    events.clear()
    begin_s = time.monotonic()
    handle.get_result_async().add_done_callback(note('result'))
    handle.cancel_goal_async().add_done_callback(note('ack'))
    until(lambda: {'ack', 'result'} <= {name for name, *_ in events}, 'both answers')
    until(lambda: stack.arm.is_at_rest, 'the arm at rest', 2.0)
    stack.client.destroy_subscription(commands)
    names, times_s, said = zip(*events)
    for name, time_s in zip(names, times_s):
        record_property(f'{name}_ms', round((time_s - begin_s) * 1e3, 1))
    assert names.count('command') == 1 and names.index('command') < names.index('result')
    assert len(said[names.index('command')].points) <= 4, 'it is a chunk, not a brake'
    answer = said[names.index('result')].result()
    assert answer.status == GoalStatus.STATUS_CANCELED
    assert answer.result.error_code == Code.CANCELED


@pytest.mark.parametrize(
    ('fields', 'word'),
    [
        ({'policy': 'dance'}, "'dance'"),
        ({'task': 'juggle'}, "'juggle'"),
        ({'seam': 'welded'}, "'welded'"),
        ({'speed_scale': 1.5}, '1.5'),
        ({'speed_scale': -0.5}, '-0.5'),
    ],
)
def test_values_that_are_not_understood_are_refused_by_name(stack, fields, word):
    assert not stack.client.send(**fields).accepted
    until(lambda: word in stack.client.status.reason, f'{word} in the status')


def test_a_second_goal_is_refused_or_takes_over(stack):
    first = stack.client.run()
    assert not stack.client.send().accepted
    assert stack.client.set_parameter('preempt', 'replace')
    second = stack.client.send(policy='wave')
    assert second.accepted
    status, result = stack.client.ended(first)
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Code.PREEMPTED)
    until(lambda: stack.client.feedback and stack.client.feedback[-1].chunks >= 2, 'its chunks')
    stack.client.result(second.cancel_goal_async(), 'cancel')
    assert stack.client.ended(second)[1].error_code == Code.CANCELED


def test_a_short_stall_only_resumes(stack):
    handle = stack.client.run()
    stack.arm.silent = True
    time.sleep(0.3)
    stack.arm.silent = False
    chunks = stack.client.feedback[-1].chunks
    until(lambda: stack.client.feedback[-1].chunks >= chunks + 2, 'more chunks')
    stack.client.result(handle.cancel_goal_async(), 'cancel')
    assert stack.client.ended(handle)[1].error_code == Code.CANCELED


def test_a_long_stall_stops_the_arm_and_only_a_new_goal_moves_it(stack):
    handle = stack.client.run()
    stack.arm.silent = True
    ends_at_rest(stack, handle, Code.JOINT_STATE_STALL)
    time.sleep(1.0)
    assert not stack.client.send().accepted
    stack.arm.silent = False
    count = len(stack.arm.received)
    time.sleep(0.5)
    assert len(stack.arm.received) == count
    handle = stack.client.run()
    stack.client.result(handle.cancel_goal_async(), 'cancel')


@pytest.mark.parametrize('fault', [with_nan, without_a_joint])
def test_an_observation_that_cannot_be_right_stops_the_arm(stack, fault):
    handle = stack.client.run()
    stack.arm.spoil = fault
    result = ends_at_rest(stack, handle, Code.INVALID_OBSERVATION)
    assert 'joint_states' in result.error_msg


def test_stamps_from_the_future_stop_the_arm(stack):
    handle = stack.client.run()
    stack.arm.spoil = from_the_future
    result = ends_at_rest(stack, handle, Code.CLOCK_JUMP)
    assert 'future' in result.error_msg


def test_joints_in_another_order_are_read_by_name(stack):
    stack.arm.spoil = shuffled
    handle = stack.client.run(chunks=3)
    stack.client.result(handle.cancel_goal_async(), 'cancel')
    assert stack.client.ended(handle)[1].error_code == Code.CANCELED


def test_an_arm_that_does_not_follow_ends_the_goal(stack):
    assert stack.client.set_parameter('tracking_tolerance', 0.02)
    handle = stack.client.run(chunks=1)
    stack.arm.inactive = True
    result = ends_at_rest(stack, handle, Code.CONTROLLER)
    assert stack.client.set_parameter('tracking_tolerance', 0.3)
    assert 'stands still' in result.error_msg or 'from its reference' in result.error_msg


def test_stop_brakes_and_holds_until_reset(stack):
    handle = stack.client.run()
    assert stack.client.stop().success
    ends_at_rest(stack, handle, Code.STOPPED)
    stack.client.wait_for(PolicyStatus.STOPPED)
    assert not stack.client.send().accepted
    assert stack.client.reset().success
    handle = stack.client.run()
    stack.client.result(handle.cancel_goal_async(), 'cancel')


def test_success_topic_ends_the_goal_with_success(stack):
    publisher = stack.client.create_publisher(Bool, 'success', 10)
    handle = stack.client.run()
    publisher.publish(Bool(data=False))
    time.sleep(0.1)
    publisher.publish(Bool(data=True))
    status, result = stack.client.ended(handle)
    assert (status, result.error_code) == (GoalStatus.STATUS_SUCCEEDED, Code.NONE)
    until(lambda: stack.arm.is_at_rest, 'the arm at rest', 2.0)


def test_motion_starts_where_a_reset_has_put_the_arm(stack):
    handle = stack.client.run()
    stack.client.result(handle.cancel_goal_async(), 'cancel')
    stack.client.ended(handle)
    stack.client.wait_ready()
    elsewhere = np.array([1.0, -1.0, 0.5])
    stack.arm.teleport(elsewhere)
    time.sleep(0.3)
    stack.arm.received.clear()
    handle = stack.client.run(chunks=1, policy='still', seam='fade')
    first = stack.arm.received[0][1].points[0]
    stack.client.result(handle.cancel_goal_async(), 'cancel')
    stack.client.ended(handle)
    travelled = first.time_from_start.nanosec * 1e-9 / 0.3
    assert np.abs(np.array(first.positions) - elsewhere).max() < travelled + 0.01


@pytest.mark.parametrize('seam', ['ensemble', 'rtc', 'warm_start'])
def test_chunks_follow_each_other_by_whichever_seam(stack, seam):
    handle = stack.client.run(chunks=4, seam=seam)
    assert stack.client.feedback[-1].state == ExecutePolicy.Feedback.EXECUTING
    stack.client.result(handle.cancel_goal_async(), 'cancel')
    status, _ = stack.client.ended(handle)
    assert status == GoalStatus.STATUS_CANCELED


def test_deactivation_ends_the_goal_and_refuses_others(stack):
    handle = stack.client.run()
    assert stack.client.transition(Transition.TRANSITION_DEACTIVATE)
    ends_at_rest(stack, handle, Code.DEACTIVATED)
    stack.client.wait_for(PolicyStatus.INACTIVE)
    assert not stack.client.send().accepted
    assert stack.client.stop().success  # which other programs that move the arm heed, too
    stack.client.wait_for(PolicyStatus.STOPPED)
    assert stack.client.reset().success
    stack.client.wait_for(PolicyStatus.INACTIVE)
    assert stack.client.transition(Transition.TRANSITION_ACTIVATE)
    handle = stack.client.run()
    stack.client.result(handle.cancel_goal_async(), 'cancel')


def test_the_arm_goes_to_its_start_pose_and_a_stop_ends_that_too(stack):
    def go():
        return stack.client.call(Trigger, 'go_to_start', Trigger.Request())

    stack.client.wait_ready()
    assert go().success
    np.testing.assert_allclose(stack.arm.state()[0], [0.2, -0.2, 0.1], atol=1e-6)
    stack.arm.teleport(np.array([1.2, -0.2, 0.1]))
    stack.client.wait_ready()
    caller = threading.Thread(target=lambda: answers.append(go()))
    answers = []
    caller.start()
    stack.client.wait_for(PolicyStatus.EXECUTING)
    assert not stack.client.send().accepted
    assert stack.client.stop().success
    caller.join()
    assert (answers[0].success, answers[0].message) == (False, 'stopped by ~/stop')
    until(lambda: stack.arm.is_at_rest, 'the arm at rest', 2.0)
    assert stack.arm.state()[0][0] > 0.3
