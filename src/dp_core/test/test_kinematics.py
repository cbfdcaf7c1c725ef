# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Forward, backward and differential kinematics against numbers of the UR5e's data sheet."""

from dp_core.contract import ActionGroup
from dp_core.errors import KinematicsError
from dp_core.kinematics import KinematicChain
from dp_core.tool_plane import joint_solver
from dp_core.tool_plane import tool_down
from dp_core.tool_plane import ToolPlane
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import numpy as np
import pytest
from robot_samples import joint
from robot_samples import planar
from robot_samples import robot
from robot_samples import turning
from robot_samples import ur5e
from robot_samples import UR5E_JOINTS

UR5E = KinematicChain.from_urdf(ur5e(), 'base_link', 'tool0')
QUARTER = np.pi / 2
# Elbow up, tool down over the table in front of the arm.
WORK = np.array([0.0, -1.9, 2.2, -1.87, -QUARTER, 0.0])
angles = st.lists(st.floats(-3.0, 3.0), min_size=6, max_size=6)
PLANAR = KinematicChain.from_urdf(planar(), 'base', 'tip')


def test_a_planar_arm_by_hand():
    assert PLANAR.joint_names == ('a', 'b')
    for q, xy in {(0, 0): (2, 0), (QUARTER, 0): (0, 2), (0, QUARTER): (1, 1)}.items():
        assert PLANAR.forward(np.array(q))[:2, 3] == pytest.approx(xy, abs=1e-12)
    # Straight along x: the tip moves along y, 2 m from joint a and 1 m from joint b.
    expected = [[0, 0], [2, 1], [0, 0], [0, 0], [0, 0], [1, 1]]
    assert PLANAR.jacobian(np.zeros(2)) == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize(
    ('q', 'xyz'),
    [
        # a2 + a3 = 0.8172, d4 + d6 = 0.2329, d1 - d5 = 0.0628; base_link is turned by pi.
        ((0, 0, 0, 0, 0, 0), (0.8172, 0.2329, 0.0628)),
        ((QUARTER, 0, 0, 0, 0, 0), (-0.2329, 0.8172, 0.0628)),
        # Upright: d1 + a2 + a3 + d5 = 1.0794.
        ((0, -QUARTER, 0, -QUARTER, 0, 0), (0.0, 0.2329, 1.0794)),
        # Elbow bent: the forearm points forward, d1 + a2 - d5 high.
        ((0, -QUARTER, QUARTER, 0, 0, 0), (0.3922, 0.2329, 0.4878)),
    ],
)
def test_ur5e_positions_by_hand(q, xyz):
    assert UR5E.forward(np.array(q, dtype=float))[:3, 3] == pytest.approx(xyz, abs=1e-9)


@settings(deadline=None, max_examples=50)
@given(q=angles)
def test_the_jacobian_is_the_derivative_of_forward(q):
    q, h = np.array(q), 1e-6
    jacobian = UR5E.jacobian(q)
    for j in range(6):
        step = np.zeros(6)
        step[j] = h
        plus, minus = UR5E.forward(q + step), UR5E.forward(q - step)
        assert (plus - minus)[:3, 3] / (2 * h) == pytest.approx(jacobian[:3, j], abs=1e-8)
        spin = (plus - minus)[:3, :3] / (2 * h) @ UR5E.forward(q)[:3, :3].T  # skew(omega)
        omega = np.array([spin[2, 1], spin[0, 2], spin[1, 0]])
        assert omega == pytest.approx(jacobian[3:, j], abs=1e-8)


@settings(deadline=None, max_examples=60)
@given(q=angles, delta=st.lists(st.floats(-0.1, 0.1), min_size=6, max_size=6))
def test_inverse_finds_back_from_nearby(q, delta):
    """Any solution will do near a singularity, but it must give the pose."""
    q = np.array(q)
    target = UR5E.forward(q)
    try:
        found = UR5E.inverse(target, q + np.array(delta))
    except KinematicsError as error:
        # Singular poses may take too long; they are refused, never answered wrongly.
        singular = np.linalg.svd(UR5E.jacobian(q), compute_uv=False)[-1] < 0.05
        assert singular or 'its limits are' in str(error)
        return
    assert np.abs(UR5E.forward(found) - target).max() < 2e-5


def test_inverse_keeps_to_the_branch_of_its_seed():
    pose = UR5E.forward(WORK)
    for shift in (0.05, -0.05):
        assert np.abs(UR5E.inverse(pose, WORK + shift) - WORK).max() < 1e-4


def test_the_exact_half_turn_has_an_axis():
    pose = UR5E.forward(WORK)
    for axis in ([1, 0, 0], [0, 1, 0], [1, 1, 0], [1, -1, 0], [0, 1, -1]):
        unit = np.array(axis) / np.linalg.norm(axis)
        turned = pose.copy()
        turned[:3, :3] = (2 * np.outer(unit, unit) - np.eye(3)) @ pose[:3, :3]
        found = UR5E.inverse(turned, WORK, max_iterations=200)
        assert np.abs(UR5E.forward(found) - turned).max() < 2e-5


def test_out_of_reach_says_where_and_how_far():
    with pytest.raises(KinematicsError) as error:
        UR5E.inverse(tool_down(1.5, 0.0, 0.2), WORK)
    assert 'pose x=1.500 y=0.000 z=0.200 m is out of reach' in str(error.value)
    assert 'mm' in str(error.value)


def test_a_solution_beyond_a_limit_is_refused():
    narrow = KinematicChain.from_urdf(ur5e(elbow_limit=1.0), 'base_link', 'tool0')
    with pytest.raises(KinematicsError, match=r'elbow_joint would be at 2.200 .*\[-1.0'):
        narrow.inverse(UR5E.forward(WORK), WORK)


def test_a_prismatic_joint_slides_along_its_axis():
    chain = KinematicChain.from_urdf(
        robot(
            joint('rail', 'prismatic', 'base', 'cart', inner=turning(0, 2, 1, axis='0 2 0')),
            joint('turn', 'continuous', 'cart', 'tip', '0 0 0.5', inner='<axis xyz="0 0 1"/>'),
        ),
        'base',
        'tip',
    )
    assert chain.forward(np.array([0.7, 0.0]))[:3, 3].tolist() == [0.0, 0.7, 0.5]
    assert chain.jacobian(np.zeros(2))[:, 0].tolist() == [0, 1, 0, 0, 0, 0]
    assert chain.limits.lower.tolist() == [0.0, -np.inf]
    assert chain.limits.upper.tolist() == [2.0, np.inf]


def test_joints_may_be_asked_for_in_another_order():
    back = KinematicChain.from_urdf(ur5e(), 'base_link', 'tool0', UR5E_JOINTS[::-1])
    assert back.forward(WORK[::-1]) == pytest.approx(UR5E.forward(WORK), abs=1e-12)
    assert back.jacobian(WORK[::-1]) == pytest.approx(UR5E.jacobian(WORK)[:, ::-1], abs=1e-12)


def test_a_path_in_the_plane_is_followed_without_jumps():
    plane = ToolPlane(UR5E, 0.2)
    t = np.linspace(0.0, 1.0, 30)
    path = np.stack([0.45 + 0.1 * np.cos(6 * t), 0.15 + 0.1 * np.sin(6 * t)], axis=1)
    q = plane.joints(path, WORK)
    for xy, row in zip(path, q):
        pose = UR5E.forward(row)
        assert pose[:3, 3] == pytest.approx([*xy, 0.2], abs=2e-6)
        assert pose[:3, 2] == pytest.approx([0, 0, -1], abs=2e-5)  # z axis down
        assert pose[:3, 0] == pytest.approx([1, 0, 0], abs=2e-5)
    assert np.abs(np.diff(q, axis=0)).max() < 0.12  # 2 cm a step at half a metre


def test_many_poses_at_once_are_the_poses_one_by_one():
    poses = np.array([tool_down(x, 0.13, 0.2) for x in (0.4, 0.45, 0.5)])
    together = UR5E.inverse_all(poses, WORK)
    alone = np.array([UR5E.inverse(pose, WORK) for pose in poses])
    assert np.abs(together - alone).max() < 1e-12


def test_one_pose_out_of_reach_is_told_among_many():
    poses = np.array([tool_down(0.4, 0.1, 0.2), tool_down(1.5, 0.0, 0.2)])
    with pytest.raises(KinematicsError, match=r'pose x=1\.500 .* is out of reach'):
        UR5E.inverse_all(poses, WORK)


def test_a_path_far_from_the_seed_is_followed_step_by_step():
    """From the seed alone the end would be 1.4 rad away; each step is near the one before."""
    angle = np.linspace(0.0, 1.4, 40)
    path = np.stack([0.45 * np.cos(angle), 0.45 * np.sin(angle)], axis=1)
    q = ToolPlane(UR5E, 0.2).joints(path, WORK)
    assert np.abs(np.diff(q, axis=0)).max() < 0.1
    for xy, row in zip(path, q):
        assert UR5E.forward(row)[:3, 3] == pytest.approx([*xy, 0.2], abs=2e-6)


def test_joint_actions_need_no_solver():
    group = ActionGroup('arm', 'joint_position', ('a', 'b'), ('a', 'b'), 'jtc')
    actions = np.array([[0.1, 0.2], [0.3, 0.4]])
    assert joint_solver(group, planar()).joints(actions, np.zeros(2)).tolist() == actions.tolist()
