# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Processes that die without a word while the arm moves."""

import time

from dp_msgs.action import ExecutePolicy
from motion_record import until
import numpy as np
import pytest

pytestmark = pytest.mark.ros

Result = ExecutePolicy.Result
MAX_BLIND_S = 1.0  # parameter max_blind_s, at full speed
# The ramp after it, from the fastest joint at parameter max_acceleration [s].
TAIL_S = np.pi / 5.0
# A silent simulator may be noticed by any of its streams first.
SILENT = (Result.JOINT_STATE_STALL, Result.OBSERVATION_STALL, Result.CONTROLLER)


def test_a_killed_policy_leaves_an_arm_that_comes_to_rest(stack, record_property):
    future = stack.move()
    begin_ns = stack.motion.now_ns
    stack.kill('policy_node')
    within_s = MAX_BLIND_S / stack.speed_scale + TAIL_S + 0.05
    rest_s = stack.motion.assert_comes_to_rest(begin_ns, within_s)
    record_property('rest_s', round(rest_s, 3))
    assert not future.done()


def test_a_killed_simulation_ends_the_goal_with_a_reason(stack, record_property):
    future = stack.move()
    stack.kill('sim_node')
    result = stack.ended(future)
    record_property('error_msg', result.error_msg)
    assert result.error_code in SILENT and result.error_msg
    # What a controller would follow ends at rest, and nothing comes after it.
    sent = len(stack.motion.sent)
    assert not np.any(stack.motion.sent[-1].points[-1].velocities)
    time.sleep(1.0)
    assert len(stack.motion.sent) == sent
    assert stack.is_running('policy_node')
    assert stack.client.refusal()
    # The node has survived: it serves the next simulation, from where its arm stands.
    stack.motion.clear()
    stack.start('sim_node')
    stack.client.wait_ready()
    begin_ns = stack.motion.now_ns
    stack.move()
    stack.client.cancel_all()
    until(lambda: stack.motion.rests_after(begin_ns), 'the arm at rest')
    stack.motion.assert_smooth(begin_ns)
