# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The measuring motion is small, slow enough, and at rest at both ends."""

from dp_core.calibration.excitation import Excitation
from dp_core.errors import CalibrationError
from dp_core.urdf import JointLimits
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import numpy as np
import pytest


def limits(lower=-1.0, upper=1.0, velocity=2.0):
    return JointLimits(np.array([lower]), np.array([upper]), np.array([velocity]))


@settings(max_examples=20, deadline=None)
@given(st.floats(0.005, 0.05), st.floats(5.0, 20.0), st.floats(0.02, 0.5), st.floats(0.1, 5.0))
def test_no_bound_is_exceeded_and_one_is_reached(amplitude, duration_s, velocity, acceleration):
    motion = Excitation(amplitude, duration_s, velocity, acceleration)
    t = np.arange(0.0, duration_s, 0.001)
    q = motion.offsets(t)
    v = np.gradient(q, t)
    a = np.gradient(v, t)
    shares = [np.abs(q).max() / amplitude, np.abs(v).max() / velocity]
    shares.append(np.abs(a[2:-2]).max() / acceleration)
    assert 0.97 < max(shares) < 1.005


def test_it_begins_and_ends_at_rest_where_it_began():
    motion = Excitation()
    ends = motion.offsets(np.array([0.0, 0.001, 7.999, 8.0]))
    assert np.abs(ends).max() < 1e-9
    assert motion.peak() == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize(
    'values, words',
    [
        ({'amplitude': 0.2}, 'amplitude is 0.2 rad, valid: more than 0, at most 0.05'),
        ({'amplitude': 0.0}, 'amplitude is 0.0'),
        ({'duration_s': 2.0}, 'duration is 2.0 s, valid: 4.5 to 60'),
        ({'max_velocity': 0.0}, 'velocity 0.0 rad/s'),
    ],
)
def test_what_is_no_small_motion_is_refused(values, words):
    with pytest.raises(CalibrationError, match=words):
        Excitation(**values)


def test_a_joint_near_its_limit_or_too_slow_is_not_moved():
    motion = Excitation()
    motion.check('elbow', 0.92, limits())
    with pytest.raises(CalibrationError, match='elbow stands at 0.940 rad; to swing by 0.050'):
        motion.check('elbow', 0.94, limits())
    with pytest.raises(CalibrationError, match=r'at 0.244 rad/s, its limit is 0.100'):
        motion.check('elbow', 0.0, limits(velocity=0.1))
