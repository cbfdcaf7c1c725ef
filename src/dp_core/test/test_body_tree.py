# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The whole robot moves as its chains do, with joints that are fixed, mimic or rest."""

from dp_core.body_tree import BodyTree
from dp_core.errors import KinematicsError
from dp_core.kinematics import KinematicChain
import numpy as np
import pytest
from robot_samples import joint
from robot_samples import planar
from robot_samples import robot
from robot_samples import turning
from robot_samples import ur5e
from robot_samples import UR5E_JOINTS


def test_every_link_is_where_its_chain_puts_it():
    order = UR5E_JOINTS[::-1]
    tree = BodyTree(ur5e(), order)
    q = np.random.default_rng(0).uniform(-3.0, 3.0, (5, 6))
    frames = tree.frames(q)
    for link, tip_joints in (('upper_arm', order[-2:]), ('tool0', order)):
        body, pose = tree.find(link)
        chain = KinematicChain.from_urdf(ur5e(), 'base_link', link, tip_joints)
        for k in range(5):
            expected = chain.forward(q[k, -len(tip_joints) :])
            np.testing.assert_allclose(frames[k, body] @ pose, expected, atol=1e-12)


def test_links_that_are_fixed_to_each_other_are_one_body():
    tree = BodyTree(planar(), ['b', 'a'])
    assert (tree.root, tree.parents) == ('base', [-1, 0, 1])
    assert tree.find('lower')[0] == tree.find('tip')[0] == 2
    assert tree.find('tip')[1][:3, 3].tolist() == [1.0, 0.0, 0.0]
    assert tree.movers == ['lower', 'upper']
    assert tree.below['upper'] == {'upper', 'lower', 'tip'}
    assert tree.below['tip'] == {'tip'}


def fork(inner):
    """A hand on joint a with two fingers that slide along y: left is commanded, right is not."""
    slide = '<axis xyz="0 1 0"/><limit lower="0.01" upper="0.1" velocity="1" effort="1"/>'
    return robot(
        joint('a', 'revolute', 'base', 'hand', inner=turning()),
        joint('left', 'prismatic', 'hand', 'left_finger', inner=slide),
        joint('right', 'prismatic', 'hand', 'right_finger', inner=slide + inner),
    )


def test_a_mimicking_joint_follows():
    urdf = fork('<mimic joint="left" multiplier="-2" offset="0.5"/>')
    tree = BodyTree(urdf, ['a', 'left'])
    frames = tree.frames(np.array([[0.0, 0.1]]))
    assert frames[0, tree.find('left_finger')[0], 1, 3] == pytest.approx(0.1)
    assert frames[0, tree.find('right_finger')[0], 1, 3] == pytest.approx(0.5 - 0.2)


def test_a_joint_that_nobody_commands_rests_where_it_is_nearest_to_zero():
    tree = BodyTree(fork(''), ['a', 'left'])
    body, pose = tree.find('right_finger')
    assert body == tree.find('hand')[0]
    assert pose[1, 3] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda: BodyTree(planar(), ['a', 'c']), r"no joints \['c'\]"),
        (lambda: BodyTree(planar(), ['a', 'b']).find('foot'), "no link 'foot'; it has"),
        (
            lambda: BodyTree(
                robot(joint('f', 'fixed', 'x', 'y'), joint('g', 'fixed', 'z', 'y')), []
            ),
            r"not one tree; its roots are \['x', 'z'\]",
        ),
        (
            lambda: BodyTree(
                robot(
                    joint('f', 'fixed', 'x', 'y'),
                    joint('g', 'fixed', 'y', 'x'),
                    extra='<link name="root"/>',
                ),
                [],
            ),
            r"the links below \['x', 'y'\] form a ring",
        ),
    ],
)
def test_what_is_wrong_with_a_robot_is_named(make, message):
    with pytest.raises(KinematicsError, match=message):
        make()
