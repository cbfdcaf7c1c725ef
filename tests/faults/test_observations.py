# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Observations that fail while a policy moves the arm: it goes on, or it stops and says why."""

from dp_msgs.action import ExecutePolicy
from motion_record import until
import pytest

pytestmark = pytest.mark.ros

Result = ExecutePolicy.Result
Feedback = ExecutePolicy.Feedback
# From the fault to rest: the watchdog's patience, a late wake-up, the braking ramp [s].
REST_S = 0.5 + 1.0 + 0.7
# What each policy sees of the block.
SIGHT = {'state': 'block_pose', 'camera': 'front_camera'}


def stalling(kind, stream):
    return f'{stream if stream == "joint_states" else SIGHT[kind]}_stop'


def goes_on(stack, future, chunks):
    """The goal runs and sends so many more chunks."""
    wanted = stack.client.feedback[-1].chunks + chunks
    until(lambda: future.done() or stack.client.feedback[-1].chunks >= wanted, f'{chunks} chunks')
    assert not future.done(), future.result().result


def assert_stops(stack, future, fault, code, word, record_property):
    """The goal ends with a reason; the arm comes to rest and stays there, fault or not."""
    begin_ns = stack.motion.now_ns
    result = stack.ended(future)
    assert (result.error_code, word in result.error_msg) == (code, True), result
    assert stack.client.refusal()  # while it lasts
    rest_s = stack.motion.assert_comes_to_rest(begin_ns, REST_S, is_seen=False)
    record_property('rest_s', round(rest_s, 3))
    record_property('error_msg', result.error_msg)
    sent = len(stack.motion.sent)
    stack.client.play('')
    stack.client.wait_ready()  # and again ready, but nothing moves by itself
    stack.motion.simulate(0.5)
    assert len(stack.motion.sent) == sent
    stack.motion.assert_still(begin_ns + round(rest_s * 1e9))


@pytest.mark.parametrize(
    ('fault', 'code', 'word'),
    [
        ('joint_states_missing', Result.INVALID_OBSERVATION, "['elbow_joint'] are missing"),
        ('joint_states_nan', Result.INVALID_OBSERVATION, "['shoulder_lift_joint']"),
        ('stamps_future', Result.CLOCK_JUMP, 'in the future; synchronise the clocks'),
    ],
)
def test_messages_that_cannot_be_right_stop_the_arm(stack, fault, code, word, record_property):
    future = stack.move()
    stack.client.play(fault)
    assert_stops(stack, future, fault, code, word, record_property)


def test_a_block_that_is_not_a_number_stops_only_the_policy_that_sees_it(
    stack, kind, record_property
):
    future = stack.move()
    stack.client.play('block_pose_nan')
    if kind == 'state':
        code = Result.INVALID_OBSERVATION
        assert_stops(stack, future, 'block_pose_nan', code, 'block', record_property)
    else:
        goes_on(stack, future, 3)


def test_joints_in_another_order_are_read_by_name(stack):
    future = stack.move()
    begin_ns = stack.motion.now_ns
    stack.client.play('joint_states_shuffled')
    goes_on(stack, future, 4)
    stack.motion.assert_smooth(begin_ns)


@pytest.mark.parametrize('stream', ['joint_states', 'sight'])
def test_a_silence_of_0_3_s_is_bridged(stack, kind, stream):
    future = stack.move()
    begin_ns = stack.motion.now_ns
    stack.client.play(stalling(kind, stream), 0.3)
    goes_on(stack, future, 4)
    stack.motion.assert_smooth(begin_ns)


@pytest.mark.parametrize('stream', ['joint_states', 'sight'])
def test_a_silence_of_2_s_stops_the_arm(stack, kind, stream, record_property):
    future = stack.move()
    fault = stalling(kind, stream)
    stack.client.play(fault, 2.0)
    code = Result.JOINT_STATE_STALL if stream == 'joint_states' else Result.OBSERVATION_STALL
    assert_stops(stack, future, fault, code, 'stopped', record_property)
