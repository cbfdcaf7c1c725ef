# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What is read of a robot_description, and what is refused with a reason."""

from dp_core.errors import KinematicsError
from dp_core.kinematics import KinematicChain
from dp_core.urdf import joint_limits
from dp_core.urdf import pose_from_xyz_rpy
import numpy as np
import pytest
from robot_samples import joint
from robot_samples import planar
from robot_samples import robot
from robot_samples import ros2_control_tags
from robot_samples import ur5e
from robot_samples import UR5E_JOINTS

QUARTER = np.pi / 2


def test_roll_pitch_yaw_turn_about_fixed_axes():
    pose = pose_from_xyz_rpy((1, 2, 3), (QUARTER, 0, QUARTER))
    # Roll takes y to z, then yaw takes x to y and y to -x.
    assert pose[:3, :3] == pytest.approx(np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]]), abs=1e-12)
    assert pose[:3, 3].tolist() == [1, 2, 3]


def test_limits_are_the_robots_not_those_of_ros2_control():
    limits = joint_limits(ur5e(extra=ros2_control_tags()), UR5E_JOINTS)
    assert limits.upper.tolist() == pytest.approx([2 * np.pi, 2 * np.pi, np.pi, *[2 * np.pi] * 3])
    assert limits.velocity.tolist() == [3.2] * 6
    chain = KinematicChain.from_urdf(ur5e(extra=ros2_control_tags()), 'base_link', 'tool0')
    assert chain.limits.velocity.tolist() == [3.2] * 6


@pytest.mark.parametrize(
    ('make', 'words'),
    [
        (lambda: KinematicChain.from_urdf('<robot', 'a', 'b'), 'not valid XML'),
        (lambda: KinematicChain.from_urdf(planar(), 'base', 'hand'), r"no link 'hand'.*'tip'"),
        (
            lambda: KinematicChain.from_urdf(planar(), 'tip', 'base'),
            "no chain leads from 'tip' to 'base'",
        ),
        (
            lambda: KinematicChain.from_urdf(planar(), 'base', 'tip', ['a', 'c']),
            r"has joints \['a', 'b'\], asked for \['a', 'c'\]",
        ),
        (
            lambda: KinematicChain.from_urdf(
                robot(joint('p', 'planar', 'base', 'tip')), 'base', 'tip'
            ),
            "'p' of the chain is of type 'planar'.* valid: .*'revolute'",
        ),
        (
            lambda: KinematicChain.from_urdf(
                robot(joint('m', 'revolute', 'base', 'tip', inner='<mimic joint="a"/>')),
                'base',
                'tip',
            ),
            "'m' of the chain .*mimics",
        ),
        (
            lambda: KinematicChain.from_urdf(
                robot(joint('j', 'revolute', 'base', 'tip', xyz='1 0 x')), 'base', 'tip'
            ),
            "'j' of the URDF has origin xyz='1 0 x', valid: numbers",
        ),
        (
            lambda: KinematicChain.from_urdf(
                robot(joint('j', 'revolute', 'base', 'tip', xyz='')), 'base', 'tip'
            ),
            "'j' of the URDF has origin xyz='', valid: numbers",
        ),
        (
            lambda: KinematicChain.from_urdf(
                robot(joint('j', 'fixed', 'a', 'b'), joint('k', 'fixed', 'b', 'a')), 'z', 'b'
            ),
            "no link 'z'",
        ),
        (
            lambda: KinematicChain.from_urdf(
                robot(
                    joint('j', 'fixed', 'a', 'b'),
                    joint('k', 'fixed', 'b', 'a'),
                    joint('l', 'fixed', 'z', 'y'),
                ),
                'z',
                'b',
            ),
            "no chain leads from 'z' to 'b'",
        ),
        (lambda: joint_limits(planar(), ['a', 'x']), r"no joints \['x'\]; it has \['a', 'b'"),
        (lambda: joint_limits(planar(), ['tip_joint']), "'tip_joint' is of type 'fixed'"),
        (
            lambda: joint_limits(robot(joint('j', 'revolute', 'base', 'tip')), ['j']),
            "'j' of the URDF has no <limit>",
        ),
    ],
)
def test_a_robot_that_does_not_fit_is_refused(make, words):
    with pytest.raises(KinematicsError, match=words):
        make()
