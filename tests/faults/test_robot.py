# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A robot that stops, crawls or does not listen as a policy moves it: the goal ends for good."""

from dp_msgs.action import ExecutePolicy
import pytest

pytestmark = pytest.mark.ros

Result = ExecutePolicy.Result


@pytest.fixture(autouse=True)
def _one_policy_is_enough(kind):
    if kind != 'state':
        pytest.skip('the robot is the same for every policy')


@pytest.mark.parametrize(
    ('fault', 'code', 'words'),
    [
        ('program_stops', Result.ROBOT_PROGRAM, 'does not run'),
        ('speed_slider_10', Result.SPEED_SCALING, 'runs at 10 % of'),
        ('controller_inactive', Result.CONTROLLER, 'stands still'),
        ('controller_deaf', Result.CONTROLLER, 'the controller is inactive'),
    ],
)
def test_a_robot_that_stops_ends_the_goal_and_does_not_move_by_itself(
    stack, fault, code, words, record_property
):
    future = stack.move()
    stack.client.play(fault)
    result = stack.ended(future)
    record_property('error_msg', result.error_msg)
    assert (result.error_code, words in result.error_msg) == (code, True), result
    if not fault.startswith('controller'):  # which nobody tells: a goal finds it out anew
        assert words in stack.client.refusal()
    if fault == 'speed_slider_10':  # at which the brake takes ten times as long
        stack.motion.wait_for_rest(stack.motion.now_ns)
    stack.client.play('')  # the program goes on by itself, the controller is active again
    stack.client.wait_ready()
    sent = len(stack.motion.sent)
    begin_ns = stack.motion.now_ns
    stack.motion.simulate(1.0)
    assert len(stack.motion.sent) == sent
    stack.motion.assert_still(begin_ns)
    assert not stack.move().done()  # a new goal moves it


def test_half_the_speed_is_allowed(stack):
    future = stack.move()
    stack.client.play('speed_slider_50')
    stack.client.wait_chunks(stack.client.feedback[-1].chunks + 3)
    assert not future.done(), future.result().result
