# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Polynomials between points, with numbers that can be checked by hand."""

from dp_sim.segments import coefficients
from dp_sim.segments import deduce_positions
from dp_sim.segments import Evaluator
from dp_sim.segments import Knot
import numpy as np
import pytest

SECOND_NS = 1_000_000_000


def _knot(seconds, *fields):
    return Knot(int(seconds * SECOND_NS), *(None if f is None else np.array([f]) for f in fields))


def _at(a, b, seconds):
    return Evaluator()(coefficients(a, b), seconds)[:, 0]


def test_positions_alone_give_a_line():
    a, b = _knot(1, 1.0), _knot(3, 2.0)
    np.testing.assert_allclose(_at(a, b, 1.0), (1.5, 0.5, 0.0))


def test_velocities_at_one_end_only_give_a_line_too():
    a, b = _knot(0, 1.0, 9.0), _knot(2, 2.0)
    np.testing.assert_allclose(_at(a, b, 2.0), (2.0, 0.5, 0.0))


def test_rest_to_rest_cubic_is_the_smooth_step():
    a, b = _knot(0, 0.0, 0.0), _knot(1, 1.0, 0.0)
    np.testing.assert_allclose(_at(a, b, 0.5), (0.5, 1.5, 0.0), atol=1e-12)
    np.testing.assert_allclose(_at(a, b, 0.25)[0], 3 / 16 - 2 / 64)


def test_quintic_meets_all_three_fields_at_both_ends():
    a, b = _knot(0, 0.1, -0.2, 0.3), _knot(0.5, 0.4, 0.5, -0.6)
    np.testing.assert_allclose(_at(a, b, 0.0), (0.1, -0.2, 0.3), atol=1e-12)
    np.testing.assert_allclose(_at(a, b, 0.5), (0.4, 0.5, -0.6), atol=1e-12)


def test_accelerations_without_velocities_read_zero_inside():
    a, b = _knot(0, 1.0, None, 0.0), _knot(1, 2.0, None, 0.0)
    np.testing.assert_allclose(_at(a, b, 0.5), (0.0, 0.0, 0.0))


def test_positions_are_deduced_from_the_mean_velocity():
    a, b = _knot(0, 1.0, 0.2), _knot(2, None, 0.4)
    deduced = deduce_positions(a, b)
    np.testing.assert_allclose(deduced.positions, [1.0 + 0.3 * 2.0])
    assert deduce_positions(a, a) is a


def test_segment_without_positions_is_refused():
    with pytest.raises(ValueError, match='deduce'):
        coefficients(_knot(0, 1.0), _knot(1, None, 0.1))
