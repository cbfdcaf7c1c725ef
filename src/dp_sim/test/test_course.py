# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A line with a speed on every leg."""

from dp_sim.course import Course
import numpy as np
import pytest


def test_each_leg_has_its_speed():
    course = Course(np.array([[0.0, 0.0], [0.1, 0.0], [0.1, 0.05]]), [0.1, 0.05])
    assert course.advance(0.5) == pytest.approx([0.05, 0.0])
    assert course.advance(0.7) == pytest.approx([0.1, 0.01])  # 0.5 s to the corner, then slower
    assert course.done_on_last_leg == pytest.approx(0.01)
    assert not course.is_finished
    assert course.advance(5.0) == pytest.approx([0.1, 0.05])
    assert course.is_finished


def test_a_way_of_no_length_is_finished_at_once():
    course = Course(np.zeros((2, 2)), [0.1])
    assert course.is_finished
    assert course.advance(0.1) == pytest.approx([0.0, 0.0])
