# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""URDF texts for the tests of this folder, from numbers a person can check."""

UR5E_JOINTS = (
    'shoulder_pan_joint',
    'shoulder_lift_joint',
    'elbow_joint',
    'wrist_1_joint',
    'wrist_2_joint',
    'wrist_3_joint',
)
_HALF_TURN, _QUARTER = 3.141592653589793, 1.5707963267948966


def joint(name, kind, parent, child, xyz='0 0 0', rpy='0 0 0', inner=''):
    """One URDF joint element."""
    return (
        f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="{xyz}" rpy="{rpy}"/>{inner}</joint>'
    )


def turning(lower=-6.283185307179586, upper=6.283185307179586, velocity=3.2, axis='0 0 1'):
    """Axis and limits of a revolute joint."""
    limit = f'<limit lower="{lower}" upper="{upper}" velocity="{velocity}" effort="1"/>'
    return f'<axis xyz="{axis}"/>{limit}'


def robot(*joints, extra=''):
    """URDF text with the links that the joints name, like the tags ros2_control adds."""
    text = ''.join(joints)
    links = {part.split('"')[0] for part in text.split('link="')[1:]}
    return (
        '<robot name="sample">'
        + ''.join(f'<link name="{link}"/>' for link in sorted(links))
        + f'{text}{extra}</robot>'
    )


def planar(**limits):
    """Two links of 1 m in the xy plane: joints a and b, tip at (2, 0, 0) when straight."""
    return robot(
        joint('a', 'revolute', 'base', 'upper', inner=turning(**limits)),
        joint('b', 'revolute', 'upper', 'lower', '1 0 0', inner=turning(**limits)),
        joint('tip_joint', 'fixed', 'lower', 'tip', '1 0 0'),
    )


def ur5e(extra='', elbow_limit=3.141592653589793):
    """The UR5e's nominal kinematics from its public DH table; tool0 is the flange."""
    pan, lift, elbow, wrist_1, wrist_2, wrist_3 = UR5E_JOINTS
    quarter, half = f'{_QUARTER} 0 0', f'0 0 {_HALF_TURN}'
    return robot(
        joint('base_joint', 'fixed', 'base_link', 'base', rpy=half),
        joint(pan, 'revolute', 'base', 'shoulder', '0 0 0.1625', inner=turning()),
        joint(lift, 'revolute', 'shoulder', 'upper_arm', rpy=quarter, inner=turning()),
        joint(
            elbow,
            'revolute',
            'upper_arm',
            'forearm',
            '-0.425 0 0',
            inner=turning(-elbow_limit, elbow_limit),
        ),
        joint(wrist_1, 'revolute', 'forearm', 'wrist1', '-0.3922 0 0.1333', inner=turning()),
        joint(wrist_2, 'revolute', 'wrist1', 'wrist2', '0 -0.0997 0', quarter, turning()),
        joint(
            wrist_3,
            'revolute',
            'wrist2',
            'tool0',
            '0 0.0996 0',
            f'{_QUARTER} {_HALF_TURN} {_HALF_TURN}',
            turning(),
        ),
        extra=extra,
    )


def ros2_control_tags():
    """What xacro adds for ros2_control: joints of the same names, without limits."""
    joints = ''.join(
        f'<joint name="{name}"><command_interface name="position"/></joint>'
        for name in UR5E_JOINTS
    )
    return f'<ros2_control name="ur" type="system">{joints}</ros2_control>'
