# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How a FollowJointTrajectory goal ends."""

from types import SimpleNamespace

from dp_sim.follow_goal import GOAL_VIOLATED
from dp_sim.follow_goal import GoalProgress
from dp_sim.follow_goal import LEFT_PATH
from dp_sim.follow_goal import REACHED
import numpy as np

MS = 1_000_000
TAKEN_NS = 100 * MS


def progress(path=(), goal=(), seconds=0):
    def rows(values):
        return [SimpleNamespace(name=name, position=value) for name, value in values]

    return GoalProgress(
        SimpleNamespace(
            path_tolerance=rows(path),
            goal_tolerance=rows(goal),
            goal_time_tolerance=SimpleNamespace(sec=seconds, nanosec=500 * MS),
        ),
        ('a', 'b'),
        TAKEN_NS,
    )


def judge(goal, ms, error=(0.0, 0.0), finished=False):
    return goal.judge(ms * MS, np.array(error), finished)


def test_a_goal_succeeds_at_the_end_of_its_trajectory_and_not_of_the_one_before():
    goal = progress()
    assert judge(goal, 100, finished=True) is None
    assert judge(goal, 108, (9.0, 9.0)) is None  # no tolerance was given
    assert judge(goal, 116, (9.0, 9.0), finished=True) is REACHED


def test_a_joint_that_leaves_the_path_aborts():
    goal = progress(path=[('b', 0.1), ('a', -1.0)])
    assert judge(goal, 108, (5.0, -0.09)) is None
    assert judge(goal, 116, (5.0, -0.11)) is LEFT_PATH


def test_the_end_must_be_reached_within_its_time():
    goal = progress(goal=[('a', 0.01)])
    assert judge(goal, 200, (0.02, 1.0), finished=True) is None
    assert judge(goal, 700, (0.02, 1.0), finished=True) is None
    outcome = judge(goal, 701, (0.02, 1.0), finished=True)
    assert outcome.code == GOAL_VIOLATED and 'exceeding by 0.501000 seconds' in outcome.text
    goal = progress(goal=[('a', 0.01)])
    judge(goal, 200, (0.02, 1.0), finished=True)
    assert judge(goal, 300, (0.009, 1.0), finished=True) is REACHED
