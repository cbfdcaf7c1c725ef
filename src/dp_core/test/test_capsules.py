# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Capsules enclose the shapes of a robot, and their distances are those of a dense search."""

from dp_core.body_tree import BodyTree
from dp_core.capsules import read_capsules
from dp_core.capsules import segment_distances
from dp_core.errors import KinematicsError
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from robot_samples import joint
from robot_samples import planar
from robot_samples import robot
from robot_samples import turning


def distance(first, second):
    return float(segment_distances(np.array(first, float), np.array(second, float)))


@pytest.mark.parametrize(
    ('first', 'second', 'expected'),
    [
        ([[0, 0, 0], [2, 0, 0]], [[1, -1, 3], [1, 1, 3]], 3.0),  # crossing, 3 m above
        ([[0, 0, 0], [2, 0, 0]], [[0, 2, 0], [2, 2, 0]], 2.0),  # side by side
        ([[0, 0, 0], [2, 0, 0]], [[5, 4, 0], [9, 4, 0]], 5.0),  # parallel and apart: 3, 4, 5
        ([[0, 0, 0], [2, 0, 0]], [[3, 0, 0], [5, 0, 0]], 1.0),  # one behind the other
        ([[0, 0, 0], [2, 0, 0]], [[1, 0, 0], [1, 4, 0]], 0.0),  # touching
        ([[0, 0, 0], [2, 0, 0]], [[1, 0.5, 0], [1, 4, 0]], 0.5),  # an end above a middle
        ([[0, 0, 0], [0, 0, 0]], [[3, 4, 0], [3, 4, 0]], 5.0),  # two points
        ([[1, 2, 0], [1, 2, 0]], [[0, 0, 0], [2, 0, 0]], 2.0),  # a point and a segment
    ],
)
def test_distances_that_a_person_can_check(first, second, expected):
    assert distance(first, second) == pytest.approx(expected, abs=1e-12)
    assert distance(second, first) == pytest.approx(expected, abs=1e-12)


coordinates = st.lists(
    st.one_of(st.floats(-2.0, 2.0), st.sampled_from([-1.0, 0.0, 1.0])), min_size=12, max_size=12
)


@given(coordinates)
def test_distance_is_symmetric_never_negative_and_that_of_a_search(values):
    first, second = np.array(values).reshape(2, 2, 3)
    found = distance(first, second)
    assert found >= 0.0
    assert found == pytest.approx(distance(second, first), abs=1e-7)
    assert found == pytest.approx(distance(first[::-1], second), abs=1e-7)
    part = np.linspace(0.0, 1.0, 41)[:, None]
    here, there = (a + part * (b - a) for a, b in (first, second))
    searched = np.linalg.norm(here[:, None] - there[None], axis=-1).min()
    step = 0.5 / 40 * (np.ptp(first, axis=0).max() + np.ptp(second, axis=0).max()) * np.sqrt(3)
    assert searched - step - 1e-7 <= found <= searched + 1e-7


def shaped(shape, origin=''):
    """A robot with one moving link, ``arm``, of the given collision shape."""
    urdf = robot(joint('a', 'revolute', 'base', 'arm', inner=turning()))
    collision = f'<collision>{origin}<geometry>{shape}</geometry></collision>'
    return urdf.replace('<link name="arm"/>', f'<link name="arm">{collision}</link>')


def read(urdf, joints=('a',)):
    return read_capsules(urdf, BodyTree(urdf, joints), 0.05)


def test_a_cylinder_is_a_capsule_along_its_own_z():
    capsules = read(
        shaped(
            '<cylinder radius="0.1" length="0.4"/>', '<origin xyz="1 0 0" rpy="0 1.5707963 0"/>'
        )
    )
    # Ends a quarter of a radius inside, and a radius that reaches the rim: |(0.1, 0.025)|.
    np.testing.assert_allclose(capsules.ends, [[[0.825, 0, 0], [1.175, 0, 0]]], atol=1e-7)
    np.testing.assert_allclose(capsules.radii, [np.hypot(0.1, 0.025)])
    assert capsules.insets.tolist() == [0.025]
    assert (capsules.links, capsules.bodies.tolist(), capsules.guessed) == (('arm',), [1], ())


@pytest.mark.parametrize(
    ('shape', 'half_length'),
    [('<sphere radius="0.1"/>', 0.0), ('<capsule radius="0.1" length="0.4"/>', 0.2)],
)
def test_round_shapes_are_what_they_are(shape, half_length):
    capsules = read(shaped(shape))
    np.testing.assert_allclose(capsules.ends, [[[0, 0, -half_length], [0, 0, half_length]]])
    assert (capsules.radii.tolist(), capsules.insets.tolist()) == ([0.1], [0.0])


@given(st.floats(0.01, 1.0), st.floats(0.001, 1.0), st.floats(0.0, 1.0))
def test_a_cylinder_lies_inside_its_capsule(radius, length, part):
    capsules = read(shaped(f'<cylinder radius="{radius}" length="{length}"/>'))
    rim = np.array([radius, 0.0, length / 2])
    side = np.array([radius, 0.0, part * length / 2])
    for point in (rim, side):
        reach = segment_distances(np.array([[point, point]]), capsules.ends) - capsules.radii
        assert reach[0] <= 1e-9


@pytest.mark.parametrize(
    ('size', 'count'), [((0.2, 0.3, 1.0), 2), ((0.2, 1.0, 0.2), 1), ((1.0, 0.02, 1.0), 8)]
)
def test_a_box_lies_inside_its_capsules(size, count):
    capsules = read(shaped(f'<box size="{" ".join(map(str, size))}"/>'))
    assert len(capsules.radii) == count
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (500, 1, 3)) * size
    segments = np.broadcast_to(points[:, :, None], (500, 1, 2, 3))
    outside = segment_distances(segments, capsules.ends[None]) - capsules.radii
    assert outside.min(axis=1).max() <= 1e-12
    assert capsules.radii[0] < 0.62 * np.hypot(*sorted(size)[:2])  # and is not much larger


def test_links_without_shapes_reach_to_their_joints():
    capsules = read(planar(), ['a', 'b'])
    assert capsules.guessed == ('upper',)  # lower has a tip, but nothing that is moved from it
    np.testing.assert_allclose(capsules.ends, [[[0.0125, 0, 0], [0.9875, 0, 0]]])
    mesh = '<collision><geometry><mesh filename="a.stl"/></geometry></collision>'
    with_mesh = planar().replace('<link name="lower"/>', f'<link name="lower">{mesh}</link>')
    capsules = read(with_mesh, ['a', 'b'])
    assert capsules.guessed == ('lower', 'upper')  # with a mesh there is something up to the tip
    np.testing.assert_allclose(capsules.radii, [np.hypot(0.05, 0.0125)] * 2)


def test_a_mesh_without_joints_is_a_ball():
    capsules = read(shaped('<mesh filename="a.stl"/>'))
    np.testing.assert_array_equal(capsules.ends, np.zeros((1, 2, 3)))
    assert (capsules.radii[0], capsules.insets[0]) == (0.05, 0.0)


@pytest.mark.parametrize(
    ('shape', 'message'),
    [
        ('<cylinder radius="0.1"/>', "shape of link 'arm' has '', valid: 1 finite numbers"),
        ('<sphere radius="nan"/>', "has 'nan'"),
        ('<box size="1 2"/>', "has '1 2', valid: 3 finite numbers"),
    ],
)
def test_bad_shapes_are_named(shape, message):
    with pytest.raises(KinematicsError, match=message):
        read(shaped(shape))
