# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Every parameter of the nodes teleoperation, scripted_operator and hand."""

from __future__ import annotations

from dp_sim.parameters import Parameter

TELEOPERATION = (
    Parameter(
        'disturbance',
        0.0,
        'm',
        'Noise of this standard deviation is added to what the arm does, not to what is recorded: '
        'the recovery from it is demonstrated (0.003 is much)',
        0.0,
        0.02,
    ),
    Parameter('seed', 0, '1', 'Seed of the disturbance', 0, 2**31 - 1),
)

RECORDER = Parameter(
    'recorder',
    'episode_recorder',
    '',
    "Node whose services start, stop, discard and mark_success are called; '' for none",
)

OPERATOR = (
    Parameter('episodes', 1, '1', 'Episodes to demonstrate', 1, 100_000),
    Parameter('seed', 0, '1', 'Seed of the first episode; the next one has the next', 0, 2**30),
    RECORDER,
    Parameter(
        'burst_every',
        0.0,
        's',
        'Mean time between drives against the T, which are not recorded; what comes after them '
        'is an episode of its own; 0 for none',
        0.0,
        3600.0,
    ),
    Parameter('time_limit', 90.0, 's', 'Longer episodes are discarded', 1.0, 3600.0),
)

HAND = (
    Parameter('joy_topic', '/joy', '', 'Topic of a joystick, sensor_msgs/Joy'),
    Parameter(
        'axis_away', 1, '1', 'Axis of the joystick that moves the tool away from the robot', 0, 31
    ),
    Parameter('axis_left', 0, '1', 'Axis that moves it to the left, seen from the robot', 0, 31),
    Parameter('seed', 0, '1', 'Seed of the first reset; the next one has the next', 0, 2**30),
    RECORDER,
)
