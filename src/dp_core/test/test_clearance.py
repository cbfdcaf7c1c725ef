# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A motion too near to the robot, the table or the side of a box is refused, with the numbers."""

import re

from dp_core.action_group import ActionGroup
from dp_core.clearance import Clearance
from dp_core.clearance import ClearanceSettings
from dp_core.errors import DpError
from dp_core.errors import LimitError
from dp_core.trajectory import Trajectory
import numpy as np
import pytest
from robot_samples import joint
from robot_samples import robot
from robot_samples import turning

ARM = ActionGroup('arm', 'joint_position', ('a', 'b', 'c'), ('a', 'b', 'c'), 'controller')
FAR = -10.0  # height of a table that is not there [m]


def bar(name, length='1', radius='0.1', kind='cylinder'):
    """A link that is a cylinder or a capsule along its own x, from its frame to the next."""
    return (
        f'<link name="{name}"><collision><origin xyz="{float(length) / 2} 0 0" '
        f'rpy="0 1.570796326794897 0"/><geometry><{kind} radius="{radius}" length="{length}"/>'
        '</geometry></collision></link>'
    )


def arm(axis='0 0 1', height='0', kind='cylinder'):
    """Three bars of 1 m in a row on a bar that stands; the last carries a thin tool of 0.5 m."""
    urdf = robot(
        joint('a', 'revolute', 'base', 'upper', f'1 0 {height}', inner=turning(axis=axis)),
        joint('b', 'revolute', 'upper', 'lower', '1 0 0', inner=turning(axis=axis)),
        joint('c', 'revolute', 'lower', 'hand', '1 0 0', inner=turning(axis=axis)),
        joint('t', 'fixed', 'hand', 'tool', '1 0 0'),
        joint('e', 'fixed', 'tool', 'tip', '0.5 0 0'),
    )
    for name in ('base', 'upper', 'lower', 'hand'):
        urdf = urdf.replace(f'<link name="{name}"/>', bar(name, kind=kind))
    return urdf.replace('<link name="tool"/>', bar('tool', '0.5', '0.02', kind))


def motion(start, end, time_s=1.0):
    """From rest to rest in one cubic, and 0.1 s of rest."""
    ends = np.array([end, end], dtype=float)
    return Trajectory(
        start_ns=0,
        joint_names=ARM.joints,
        start_position=np.array(start, dtype=float),
        start_velocity=np.zeros(3),
        times_s=np.array([time_s, time_s + 0.1]),
        positions=ends,
        velocities=np.zeros((2, 3)),
    )


def settings(**values):
    return ClearanceSettings(**({'table_height_m': FAR, 'min_distance_m': 0.05} | values))


def test_distances_of_a_straight_arm_are_those_of_its_bars():
    clearance = Clearance(arm(kind='capsule'), [ARM], settings())
    values = dict(zip(clearance.whats, clearance.measure(np.zeros((1, 3)))[0]))
    # base ends at x = 1, lower begins at 2: 1 m between, less two radii of 0.1 m. Far pairs have
    # a lower bound, which here is the same.
    assert values['the distance between base and lower'] == pytest.approx(0.8)
    assert values['the distance between base and tool'] == pytest.approx(2.88)
    assert values['the distance between upper and hand'] == pytest.approx(0.8)
    assert 'the distance between base and upper' not in values  # neighbours
    assert 'the distance between hand and tool' not in values  # one body
    assert clearance.notes == ()


def test_an_elbow_that_meets_its_base_is_refused():
    clearance = Clearance(arm(kind='capsule'), [ARM], settings())
    # b folds lower back over upper, on to base: lower runs from (2, 0) at 30 deg to the x axis, on
    # which base ends at x = 1: the way between is 1 m times sin(30 deg), less two radii.
    distance = 0.5 - 0.2
    value = dict(zip(clearance.whats, clearance.measure(np.array([[0.0, np.pi * 5 / 6, 0.0]]))[0]))
    assert value['the distance between base and lower'] == pytest.approx(distance)
    clearance.check(motion([0, 0, 0], [0, np.pi * 5 / 6, 0]))
    with pytest.raises(LimitError) as error:
        clearance.check(motion([0, 0, 0], [0, np.pi, 0]))
    # 14.5 deg before it is folded; the hand comes as near to upper as lower comes to base.
    assert re.fullmatch(
        'the distance between (base and lower|upper and hand) would be 0.0[0-4]. m in 0.8[4-8] s, '
        'valid: at least 0.050 m',
        str(error.value),
    )


def test_a_motion_that_begins_too_near_may_only_lead_away():
    clearance = Clearance(arm(), [ARM], settings())
    folded = [0.0, 3.1, 0.0]  # lower and base overlap
    clearance.check(motion(folded, folded))
    clearance.check(motion(folded, [0.0, 2.0, 0.0]))
    with pytest.raises(LimitError, match='the distance between base and .* would be'):
        clearance.check(motion(folded, [0.0, 3.12, 0.0]))


def test_shapes_may_overlap_by_a_negative_distance():
    Clearance(arm(), [ARM], settings(min_distance_m=-1.0)).check(motion([0] * 3, [0, np.pi, 0]))


def test_the_table_stops_the_arm_at_its_own_distance_and_the_tool_at_its_own():
    # All axes along -y: positive angles lift the bars. The tool hangs 3.5 m out: 0.3 m high less
    # its radius when all is straight; flat ends do not reach below a bar that stands upright.
    urdf = arm(axis='0 -1 0', height='0.5')
    clearance = Clearance(urdf, [ARM], settings(table_height_m=0.0, tool_distance_m=0.01))
    straight = dict(zip(clearance.whats, clearance.measure(np.zeros((1, 3)))[0]))
    assert straight['the height of upper above the table'] == pytest.approx(0.4)
    assert straight['the height of tool above the table'] == pytest.approx(0.48)
    assert 'the height of base above the table' not in straight  # it stands there
    down = np.array([[np.pi / 2, 0.0, -np.pi]])  # 2 m up, then hand and tool 1.5 m down
    upright = dict(zip(clearance.whats, clearance.measure(down)[0]))
    assert upright['the height of hand above the table'] == pytest.approx(0.5 + 2.0 - 1.0)
    assert upright['the height of tool above the table'] == pytest.approx(0.5 + 2.0 - 1.5)
    lowest = [0.0, 0.0, -np.arcsin((0.5 - 0.03) / 1.5)]  # the tool is the first to come near
    clearance.check(motion([0, 0, 0], [0.0, 0.0, -np.arcsin((0.5 - 0.031) / 1.5)]))
    with pytest.raises(LimitError, match='height of tool above the table .* at least 0.010 m'):
        clearance.check(motion([0, 0, 0], [0.0, 0.0, lowest[2] - 0.02]))
    with pytest.raises(LimitError, match='height of lower above the table .* at least 0.050 m'):
        clearance.check(motion([0, 0, 1.0], [0.0, -0.5, 1.0]))


def test_the_tool_stays_in_its_box():
    clearance = Clearance(
        arm(),
        [ARM],
        settings(
            workspace_low=(0.0, -1.0, -1.0), workspace_high=(4.6, 1.0, 1.0), workspace_tool='tip'
        ),
    )
    # The tip is 1.5 m from joint c, which is at x = 3: with c = 0.7 at y = 1.5 sin 0.7 = 0.966.
    clearance.check(motion([0, 0, 0], [0, 0, 0.7]))
    with pytest.raises(LimitError) as error:
        clearance.check(motion([0, 0, 0], [0, 0, 0.8]))
    assert 'the way of tip to the side y = 1.000 m of its box in base would be -0.0' in str(
        error.value
    )


def test_any_link_that_moves_can_be_kept_in_the_box():
    """The elbow: joint c, 3 m out when the arm is straight, is 1 m from joint b."""
    box = {'workspace_low': (-9.0, -1.0, -1.0), 'workspace_high': (9.0, 0.8, 1.0)}
    clearance = Clearance(arm(), [ARM], settings(**box, workspace_tool='hand'))
    clearance.check(motion([0, 0, 0], [0, np.arcsin(0.79), 0]))
    with pytest.raises(LimitError, match='the way of hand to the side y = 0.800 m of its box'):
        clearance.check(motion([0, 0, 0], [0, np.arcsin(0.81), 0]))


def test_a_tool_plane_has_the_box_of_its_bounds_and_a_little_more():
    group = ActionGroup(
        'arm', 'tool_plane', ('x', 'y'), ('a', 'b', 'c'), 'controller', 'base', 'tip', 0.1,
        low=(1.0, -1.0), high=(4.5, 1.0),
    )  # fmt: skip
    clearance = Clearance(arm(), [group], settings())
    values = dict(zip(clearance.whats, clearance.measure(np.zeros((1, 3)))[0]))
    way = 'the way of tip to the side {} m of its box in base'
    assert values[way.format('x = 4.520')] == pytest.approx(0.02)
    assert values[way.format('x = 0.980')] == pytest.approx(3.52)
    assert values[way.format('z = 0.080')] == pytest.approx(-0.08)
    assert values[way.format('z = 0.120')] == pytest.approx(0.12)


def test_pairs_that_touch_in_every_pose_are_left_out_and_told():
    fat = arm().replace('<link name="upper">', '<link name="upper">' + ball('0.95 0 0', 0.3))
    fat = fat.replace('<link name="hand">', '<link name="hand">' + ball('0 0 0', 0.8))
    clearance = Clearance(fat, [ARM], settings())
    (note,) = clearance.notes
    assert note.startswith('not checked, because too small in every pose: ')
    assert 'the distance between upper and hand' in note


def ball(xyz, radius):
    return (
        f'<collision><origin xyz="{xyz}"/><geometry><sphere radius="{radius}"/></geometry>'
        '</collision>'
    )


def test_guessed_shapes_and_resting_joints_are_told():
    urdf = arm().replace(bar('upper'), '<link name="upper"/>')
    mesh = '<link name="hand"><collision><geometry><mesh filename="a.stl"/></geometry></collision>'
    urdf = urdf.replace('<link name="hand">', mesh)
    group = ActionGroup('arm', 'joint_position', ('a', 'b'), ('a', 'b'), 'controller')
    notes = Clearance(urdf, [group], settings(link_radius_m=0.07)).notes
    assert notes == (
        'capsules of 0.07 m radius stand for the links: upper',
        'meshes beside simple shapes are not checked: hand',
        'joints that are not commanded count as resting: c',
    )


@pytest.mark.parametrize(
    ('bad', 'message'),
    [
        ({'min_distance_m': np.nan}, 'min_distance_m is nan'),
        ({'table_height_m': np.inf}, 'table_height_m is inf'),
        ({'link_radius_m': 0.0}, 'link_radius_m is 0.0, valid: above 0'),
        ({'workspace_low': (0.0,)}, r'workspace_low is \[0.0\] and .*, valid: x, y, z each'),
        (
            {'workspace_low': (0.0, 0.0, 1.0), 'workspace_high': (1.0, 1.0, 1.0)},
            r'workspace_low is \[0.0, 0.0, 1.0\] and .*, valid: .* low below high',
        ),
        ({'workspace_high': (np.nan, 1.0, 1.0)}, r'workspace_high \[nan, 1.0, 1.0\], valid'),
        ({'workspace_frame': 'hand'}, "workspace_frame is 'hand', which moves"),
        ({'workspace_tool': 'base'}, "workspace_tool is 'base', which stands still"),
        ({'workspace_tool': 'elbow'}, "the robot has no link 'elbow'"),
    ],
)
def test_bad_settings_are_named(bad, message):
    with pytest.raises(DpError, match=message):
        Clearance(arm(), [ARM], ClearanceSettings(**bad))
