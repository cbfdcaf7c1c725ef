# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""When a tick counts as late."""

from dp_sim.goal_watch import GoalChange
from dp_sim.goal_watch import GoalWatch

GOAL = frozenset({b'a'})
NONE = frozenset()


def test_ticks_without_a_goal_are_never_late():
    watch = GoalWatch()
    assert not watch.tick(ran_out=True, accepted=5)
    assert watch.late_ticks == 0


def test_ticks_before_the_first_trajectory_of_a_goal_are_not_late():
    watch = GoalWatch()
    assert watch.follow(GOAL, accepted=3) is GoalChange.BEGUN
    assert not watch.tick(ran_out=True, accepted=3)
    assert not watch.tick(ran_out=False, accepted=4)
    assert watch.tick(ran_out=True, accepted=4)
    assert watch.late_ticks == 1


def test_nothing_is_late_after_the_goal():
    watch = GoalWatch()
    watch.follow(GOAL, accepted=0)
    assert watch.follow(GOAL, accepted=1) is GoalChange.NONE
    assert watch.follow(NONE, accepted=1) is GoalChange.ENDED
    assert not watch.tick(ran_out=True, accepted=2)


def test_a_goal_that_replaces_another_begins_anew():
    watch = GoalWatch()
    watch.follow(GOAL, accepted=0)
    assert watch.follow(frozenset({b'b'}), accepted=7) is GoalChange.BEGUN
    assert not watch.tick(ran_out=True, accepted=7)


def test_reset_sets_the_count_to_zero():
    watch = GoalWatch()
    watch.follow(GOAL, accepted=0)
    watch.tick(ran_out=True, accepted=1)
    watch.reset(accepted=0)
    assert watch.late_ticks == 0
