# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The part of a robot description that gives ros2_control a hardware without a robot."""

from __future__ import annotations

from collections.abc import Sequence


def with_mock_hardware(urdf: str, joints: Sequence[str], positions: Sequence[float]) -> str:
    """Return a URDF with mock_components/GenericSystem for `joints`, resting at `positions` [rad].

    Each joint is commanded by position and tells position and velocity.

    Raises:
        ValueError: the text does not end a robot, or has hardware already.
    """
    head, end, tail = urdf.rpartition('</robot>')
    if not end or '<ros2_control' in head:
        raise ValueError('the URDF needs an end </robot>, and no <ros2_control> of its own')
    rows = [_joint(name, value) for name, value in zip(joints, positions, strict=True)]
    return f"""{head}  <ros2_control name="mock_arm" type="system">
    <hardware>
      <plugin>mock_components/GenericSystem</plugin>
      <param name="calculate_dynamics">true</param>
    </hardware>
{''.join(rows)}  </ros2_control>
{end}{tail}"""


def _joint(name: str, position: float) -> str:
    return f"""    <joint name="{name}">
      <command_interface name="position"/>
      <state_interface name="position">
        <param name="initial_value">{position:.9f}</param>
      </state_interface>
      <state_interface name="velocity">
        <param name="initial_value">0.0</param>
      </state_interface>
    </joint>
"""
