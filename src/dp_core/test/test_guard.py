# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What is about to be sent is looked at once more: steps of the chunk, limits, clearances."""

from dataclasses import replace

from dp_core.action_group import ActionGroup
from dp_core.chunk import ActionChunk
from dp_core.errors import ConfigError
from dp_core.errors import LimitError
from dp_core.guard import Guard
from dp_core.guard import GuardSettings
from dp_core.motion import MotionState
from dp_core.motion import Trajectory
import numpy as np
import pytest
from robot_samples import planar

ARM = ActionGroup('arm', 'joint_position', ('a', 'b'), ('a', 'b'), 'controller')
REST = MotionState(*np.zeros((3, 2)))
MS = 1_000_000


def guard(**settings):
    return Guard(planar(), [ARM], GuardSettings(**settings))


def chunk(*positions):
    """Steps at 0, 100, 200 .. ms."""
    values = np.array(positions, dtype=float)
    return ActionChunk(0, 100 * MS, 0, ('a', 'b'), values, values)


def test_steps_up_to_the_largest_pass():
    guard(max_step=0.5).check_chunk(chunk([0.5, 0.0], [0.0, 0.5], [0.5, 0.0]), REST, 0)


def test_a_step_that_is_too_far_is_named():
    with pytest.raises(LimitError) as error:
        guard(max_step=0.5).check_chunk(chunk([0.1, 0.0], [0.2, 0.0], [0.2, -0.6]), REST, 0)
    assert str(error.value) == (
        'b would go 0.600 rad from step 1 to step 2 of the chunk, valid: at most 0.500 rad'
    )


def test_only_steps_that_are_kept_count_and_the_first_from_what_is_commanded():
    jumping = chunk([2.0, 0.0], [0.6, 0.0], [0.7, 0.0])
    guard(max_step=0.6).check_chunk(jumping, REST, 50 * MS)
    with pytest.raises(LimitError) as error:
        guard(max_step=0.5).check_chunk(jumping, REST, 50 * MS)
    assert str(error.value) == (
        'a would go 0.600 rad from what is commanded to step 1 of the chunk, '
        'valid: at most 0.500 rad'
    )
    guard(max_step=0.5).check_chunk(jumping, REST, 250 * MS)  # nothing is kept


def test_a_step_is_kept_only_where_no_device_must_be_commanded_before():
    """b reacts 100 ms late: step 1, meant for 100 ms, is commanded at 0 ms, which is over."""
    jumping = replace(chunk([2.0, 0.0], [0.6, 0.0], [0.7, 0.0]), latency_ns=(0, 100 * MS))
    with pytest.raises(LimitError) as error:
        guard(max_step=0.5).check_chunk(jumping, REST, 50 * MS)
    assert str(error.value) == (
        'a would go 0.700 rad from what is commanded to step 2 of the chunk, '
        'valid: at most 0.500 rad'
    )


def test_limits_and_seam_of_a_motion_are_checked():
    # 0.1 rad in 0.4 s at constant jerk: h = 0.1 s, jerk 50 rad/s^3, acceleration 5 rad/s^2.
    h, jerk = 0.1, 50.0
    third = jerk * h**3 / 6
    motion = Trajectory(
        start_ns=0,
        joint_names=('a', 'b'),
        start_position=np.zeros(2),
        start_velocity=np.zeros(2),
        times_s=h * np.arange(1, 5),
        positions=np.outer([third, 0.05, 0.1 - third, 0.1], [1.0, 0.0]),
        velocities=np.outer([jerk * h**2 / 2, jerk * h**2, jerk * h**2 / 2, 0.0], [1.0, 0.0]),
    )
    guard(max_acceleration=5.0, max_jerk=50.0).check_motion(motion, REST)
    with pytest.raises(LimitError, match='a would reach acceleration'):
        guard(max_acceleration=4.9, max_jerk=50.0).check_motion(motion, REST)
    with pytest.raises(LimitError, match='a would reach jerk'):
        guard(max_acceleration=5.0, max_jerk=49.0).check_motion(motion, REST)
    with pytest.raises(LimitError, match='a would step by position'):
        guard().check_motion(replace(motion, start_position=np.array([1e-3, 0.0])), REST)


@pytest.mark.parametrize(
    ('bad', 'message'),
    [
        ({'max_step': 0.0}, 'max_step is 0.0 rad, valid: above 0'),
        ({'velocity_fraction': 2.0}, 'velocity_fraction is 2.0, valid'),
        ({'max_jerk': -1.0}, 'limits of a: jerk is -1.0, valid'),
    ],
)
def test_bad_settings_are_named(bad, message):
    with pytest.raises(ConfigError, match=message):
        guard(**bad)
