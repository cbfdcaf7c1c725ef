# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
import math

from dp_core.chunk import ActionChunk
from dp_core.chunk import Seam
from dp_core.errors import ObservationError
from dp_core.errors import TrajectoryError
from dp_core.motion import Trajectory
import numpy as np
import pytest

pytest.importorskip('dp_msgs.msg')

from dp_policy_node.convert import chunk_message
from dp_policy_node.convert import duration_msg
from dp_policy_node.convert import duration_ns
from dp_policy_node.convert import robot_state
from dp_policy_node.convert import time_msg
from dp_policy_node.convert import trajectory_message
from sensor_msgs.msg import JointState

NAMES = ('a', 'b', 'c')


def trajectory(**changes):
    """Three joints, two knots at 0.1 and 0.25 s."""
    whole = Trajectory(
        start_ns=10**9,
        joint_names=NAMES,
        start_position=np.zeros(3),
        start_velocity=np.zeros(3),
        times_s=np.array([0.1, 0.25]),
        positions=np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        velocities=np.array([[0.1, 0.2, 0.3], [0.0, 0.0, 0.0]]),
        seam=Seam(2, 0.5, 0.25),
    )
    return replace(whole, **changes)


def test_durations_and_times_keep_every_nanosecond():
    assert duration_ns(duration_msg(12_345_678_901)) == 12_345_678_901
    stamp = time_msg(1_700_000_000_000_000_001)
    assert (stamp.sec, stamp.nanosec) == (1_700_000_000, 1)


def test_each_controller_gets_its_joints_in_its_order():
    message = trajectory_message(trajectory(), ('c', 'a'))
    assert message.joint_names == ['c', 'a']
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (0, 0)
    assert [list(p.positions) for p in message.points] == [[3.0, 1.0], [6.0, 4.0]]
    assert [list(p.velocities) for p in message.points] == [[0.3, 0.1], [0.0, 0.0]]
    assert [duration_ns(p.time_from_start) for p in message.points] == [100_000_000, 250_000_000]


def test_doubled_names_are_never_sent():
    with pytest.raises(TrajectoryError, match='not unique'):
        trajectory_message(trajectory(), ('a', 'a', 'b'))


def test_times_that_become_equal_in_the_message_are_never_sent():
    with pytest.raises(TrajectoryError, match='increasing'):
        trajectory_message(trajectory(times_s=np.array([0.1, 0.1 + 1e-11])), NAMES)


def joint_state(**changes):
    message = JointState(
        name=['c', 'x', 'a', 'b'], position=[3.0, 9.0, 1.0, 2.0], velocity=[0.3, 0.9, 0.1, 0.2]
    )
    message.header.stamp.sec = 5
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def test_joints_are_read_by_name():
    state = robot_state(joint_state(), NAMES, 'joint_states')
    assert state.stamp_ns == 5 * 10**9
    assert state.positions.tolist() == [1.0, 2.0, 3.0]
    assert state.velocities.tolist() == [0.1, 0.2, 0.3]


def test_velocities_may_be_unmeasured():
    assert robot_state(joint_state(velocity=[]), NAMES, 'joint_states').velocities is None


@pytest.mark.parametrize(
    ('changes', 'complaint'),
    [
        ({'name': ['c', 'x', 'a', 'd']}, r"\['b'\] are missing"),
        ({'position': [3.0, 9.0, math.nan, 2.0]}, 'NaN'),
        ({'velocity': [0.0, 0.0, math.nan, 0.0]}, 'NaN'),
        ({'position': [1.0]}, '4 names but 1 positions'),
    ],
)
def test_joints_that_cannot_be_right_are_refused(changes, complaint):
    with pytest.raises(ObservationError, match=complaint):
        robot_state(joint_state(**changes), NAMES, 'joint_states')


def test_unstamped_joints_are_refused():
    with pytest.raises(ObservationError, match='stamp'):
        robot_state(JointState(name=list(NAMES), position=[0.0] * 3), NAMES, 'joint_states')


def test_chunk_message_tells_what_was_planned_and_sent():
    chunk = ActionChunk(
        stamp_ns=900_000_000,
        step_ns=100_000_000,
        offset_ns=50_000_000,
        joint_names=NAMES,
        positions=np.arange(6.0).reshape(2, 3),
        actions=np.array([[0.5], [0.25]]),
    )
    message = chunk_message(chunk, ['x'], trajectory(), 'fade', 0.07, planned_ns=990_000_000)
    assert list(message.actions) == [0.5, 0.25]
    assert list(message.positions) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert message.header.stamp.nanosec == 900_000_000
    assert message.observation_age == pytest.approx(0.1)
    assert message.takeover_delay == pytest.approx(0.01)
    assert (message.cut_index, message.seam_position_jump) == (2, 0.5)
