# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What holds where a parameter and a goal both say something."""

from types import SimpleNamespace

from dp_sim.tolerances import Tolerances
from dp_sim.trajectory_rules import ControllerParameters
import numpy as np
import pytest

INF = np.inf
DEFAULTS = Tolerances.of_parameters(
    ControllerParameters(
        ('a', 'b'), path_tolerances=(0.2, 0.0), goal_tolerances=(0.0, 0.1), goal_time=0.5
    )
)


def row(name, position=0.0, velocity=0.0, acceleration=0.0):
    return SimpleNamespace(
        name=name, position=position, velocity=velocity, acceleration=acceleration
    )


def goal(path=(), end=(), sec=0, nanosec=0):
    return SimpleNamespace(
        path_tolerance=path,
        goal_tolerance=end,
        goal_time_tolerance=SimpleNamespace(sec=sec, nanosec=nanosec),
    )


def test_parameters_of_zero_are_not_checked():
    assert DEFAULTS.path.tolist() == [[0.2, INF], [INF, INF]]
    assert DEFAULTS.goal.tolist() == [[INF, 0.1], [0.01, 0.01]]
    assert DEFAULTS.goal_time_s == 0.5
    nothing = Tolerances.of_parameters(
        ControllerParameters(('a',), stopped_velocity_tolerance=0.0)
    )
    assert np.isinf(nothing.path).all() and np.isinf(nothing.goal).all()
    assert nothing.goal_time_s == 0.0


def test_a_goal_sets_leaves_and_erases():
    """Above 0 it holds, 0 leaves the parameter, -1 erases it; times likewise."""
    asked = goal([row('b', 0.05, 0.3), row('a', -1.0)], [row('b'), row('a', 0.02)], 1, 250_000_000)
    got, log = DEFAULTS.of_goal(asked, ('a', 'b'))
    assert log == ''
    assert got.path.tolist() == [[INF, 0.05], [INF, 0.3]]
    assert got.goal.tolist() == [[0.02, 0.1], [0.01, 0.01]]
    assert got.goal_time_s == 1.25
    assert DEFAULTS.of_goal(goal(), ('a', 'b'))[0].goal_time_s == 0.5
    assert DEFAULTS.of_goal(goal(sec=-1), ('a', 'b'))[0].goal_time_s == 0.0
    assert DEFAULTS.path.tolist() == [[0.2, INF], [INF, INF]]  # as before


@pytest.mark.parametrize(
    ('asked', 'log'),
    [
        (
            goal([row('a', 0.01), row('c', 0.1)]),
            "joint 'c' specified in goal.path_tolerance does not exist. Using default tolerances.",
        ),
        (
            goal([row('a', 0.01)], [row('b', 0.1, -0.5)]),
            "joint 'b' specified in goal.goal_tolerance has a invalid velocity tolerance. "
            'Using default tolerances.',
        ),
        (
            goal([row('a', 0.01)], sec=-2),
            'Specified illegal goal_time_tolerance: -2.000000. Using default tolerances',
        ),
    ],
)
def test_one_wrong_number_puts_the_whole_goal_back_to_the_parameters(asked, log):
    assert DEFAULTS.of_goal(asked, ('a', 'b')) == (DEFAULTS, log)


def test_parameters_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match=r'path_tolerances must be one for each of'):
        ControllerParameters(('a', 'b'), path_tolerances=(0.1,))
    with pytest.raises(ValueError, match='goal_time must be 0 s or more, got -1'):
        ControllerParameters(('a', 'b'), goal_time=-1.0)
