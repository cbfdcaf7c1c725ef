# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Each fault changes what it says, and nothing else."""

import dataclasses

from dp_sim import faults
import numpy as np
import pytest

JOINTS = faults.JointSample(
    1_000, ('a', 'b', 'c'), np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.3])
)
POSE = faults.PoseSample(1_000, np.array([0.1, 0.2, 0.3]), np.array([0.0, 0.0, 0.0, 1.0]))


def test_unknown_fault_is_refused_with_the_valid_names():
    with pytest.raises(ValueError, match="'joint_state_stop'.*'joint_states_stop'"):
        faults.check_fault('joint_state_stop')
    assert all(faults.check_fault(name) == name for name in faults.FAULTS)


@pytest.mark.parametrize('fault', ['', 'block_pose_nan', 'front_camera_stop', 'controller_deaf'])
def test_joint_states_are_untouched_by_other_faults(fault):
    assert faults.joint_states(fault, JOINTS) is JOINTS


def test_joint_states_stop():
    assert faults.joint_states('joint_states_stop', JOINTS) is None


def test_shuffled_joint_states_keep_each_value_with_its_name():
    sample = faults.joint_states('joint_states_shuffled', JOINTS)
    assert sample.names == ('c', 'b', 'a')
    np.testing.assert_array_equal(sample.positions, [3.0, 2.0, 1.0])
    np.testing.assert_array_equal(sample.velocities, [0.3, 0.2, 0.1])


def test_missing_joint_is_left_out_with_its_values():
    sample = faults.joint_states('joint_states_missing', JOINTS)
    assert sample.names == ('a', 'b')
    np.testing.assert_array_equal(sample.positions, [1.0, 2.0])


def test_nan_is_put_into_the_message_not_into_the_scene():
    sample = faults.joint_states('joint_states_nan', JOINTS)
    assert np.isnan(sample.positions[1]) and JOINTS.positions[1] == 2.0
    block = faults.block_pose('block_pose_nan', POSE)
    assert np.isnan(block.position[0]) and POSE.position[0] == 0.1


def test_stamps_from_the_future_shift_every_stream():
    shifted = 1_000 + faults.FUTURE_NS
    assert faults.joint_states('stamps_future', JOINTS).stamp_ns == shifted
    assert faults.block_pose('stamps_future', POSE).stamp_ns == shifted
    assert faults.tool_pose('stamps_future', POSE).stamp_ns == shifted
    assert faults.stamp('stamps_future', 1_000) == shifted
    assert faults.stamp('', 1_000) == 1_000


@pytest.mark.parametrize(
    ('fault', 'stamp_s', 'clock_s'),
    [
        ('', 10, 10),
        ('stamps_past', 8, 10),
        ('stamps_future', 15, 10),
        ('clock_forward', 12, 12),
        ('clock_backward', 8, 8),
        ('joint_states_nan', 10, 10),
    ],
)
def test_a_clock_jumps_with_its_stamps_and_stamps_without_it(fault, stamp_s, clock_s):
    now_ns = 10_000_000_000
    assert faults.clock(fault, now_ns) == clock_s * 10**9
    sample = dataclasses.replace(JOINTS, stamp_ns=now_ns)
    assert faults.joint_states(fault, sample).stamp_ns == stamp_s * 10**9
    assert faults.stamp(fault, now_ns) == stamp_s * 10**9


def test_only_one_fault_makes_the_controller_deaf():
    assert [fault for fault in faults.FAULTS if faults.controller_is_deaf(fault)] == [
        'controller_deaf'
    ]


def test_block_pose_stops_alone():
    assert faults.block_pose('block_pose_stop', POSE) is None
    assert faults.tool_pose('block_pose_stop', POSE) == POSE


def test_only_the_front_camera_stops():
    assert faults.camera_is_silent('front_camera_stop', 'front')
    assert not faults.camera_is_silent('front_camera_stop', 'wrist')
    assert not faults.camera_is_silent('', 'front')


def test_a_healthy_robot_runs_its_program_at_the_speed_of_the_slider():
    assert faults.robot_condition('') == faults.RobotCondition()
    assert faults.robot_condition('joint_states_nan', 70.0).speed_scaling == 0.7


def test_a_program_that_stops_takes_the_controller_with_it():
    condition = faults.robot_condition('program_stops')
    assert (condition.program_running, condition.controller_active) == (False, False)
    condition = faults.robot_condition('controller_inactive')
    assert (condition.program_running, condition.controller_active) == (True, False)


def test_a_fault_moves_the_slider_and_gives_it_back():
    assert faults.robot_condition('speed_slider_10', 70.0).speed_scaling == 0.1
    assert faults.robot_condition('speed_slider_50').speed_scaling == 0.5


def test_only_one_fault_holds_a_joint():
    held = [name for name in faults.FAULTS if faults.robot_condition(name).held_joint is not None]
    assert held == ['joint_held']


def test_faults_of_robot_and_controller_are_not_ours_beside_a_real_one():
    outside = {name for name in faults.FAULTS if faults.is_outside(name)}
    assert 'joint_held' in outside and 'program_stops' in outside and '' not in outside
    assert not {'block_pose_nan', 'front_camera_stop', 'stamps_past'} & outside
