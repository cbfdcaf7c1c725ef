# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Tolerances at every tick of a controller, in the figures of joint_trajectory_controller 5.17.

An arm stands still while its reference goes at 0.1 rad/s: after n ticks of 2 ms it is 0.2 n mrad
behind (a tick less in the first segment: what is sampled begins at the command before).
"""

from dataclasses import replace

from dp_sim.follow_goal import DEACTIVATED
from dp_sim.follow_goal import FollowedGoal
from dp_sim.follow_goal import GOAL_VIOLATED
from dp_sim.follow_goal import LEFT_PATH
from dp_sim.follow_goal import REACHED
from dp_sim.joint_trajectory_controller import JointTrajectoryController
from dp_sim.tolerances import Tolerances
from dp_sim.trajectory_rules import ControllerParameters
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import TrajectoryPoint
import numpy as np
import pytest

MS = 1_000_000
EPOCH_NS = 1_000_000 * MS
PLACE = np.zeros(2)


class Arm:
    """A controller of two joints that measures what the test says."""

    def __init__(self, **parameters):
        self.parameters = ControllerParameters(('a', 'b'), **parameters)
        self.controller = JointTrajectoryController(self.parameters)
        self.controller.activate(EPOCH_NS, PLACE)
        self.ms = 0
        self.measured = PLACE

    @property
    def events(self):
        return list(self.controller.progress.events)

    def send(self, *points, goal=None, **fields):
        rows = tuple(TrajectoryPoint(t * MS, *rest) for t, *rest in points)
        message = TrajectoryMessage(('a', 'b'), rows, goal=goal, **fields)
        self.controller.receive(message, EPOCH_NS + self.ms * MS)

    def goal(self, *points, **changes):
        tolerances = Tolerances.of_parameters(self.parameters)
        goal = FollowedGoal(replace(tolerances, **changes))
        self.send(*points, goal=goal)
        return goal

    def run(self, ms, until=lambda: False):
        """Tick for so long, or until something holds; returns the command."""
        end = self.ms + ms
        while self.ms < end and not until():
            self.ms += 2
            self.controller.update(EPOCH_NS + self.ms * MS, 2 * MS, self.measured, None)
        return self.controller.command[0]


LINE = (1000, (0.1, 0.0))


def test_a_joint_that_leaves_the_path_is_held_where_it_was_measured_one_tick_later():
    arm = Arm(path_tolerances=(0.02, 0.0))
    arm.send(LINE)
    arm.measured = np.array([0.0, 0.5])  # b is not checked
    arm.run(2000, lambda: bool(arm.events))
    assert arm.events == ['Holding position due to state tolerance violation']
    # The reference passes 20 mrad after 200 ms; this tick's command is not written.
    assert arm.ms == pytest.approx(204, abs=2)
    assert arm.controller.reference[0, 0] == pytest.approx(0.0202, abs=2e-4)
    assert arm.controller.command[0, 0] == pytest.approx(0.0202, abs=2e-4)
    arm.run(2)
    assert arm.controller.command[0].tolist() == [0.0, 0.5]
    arm.measured = np.array([9.0, 9.0])
    arm.run(500)
    assert len(arm.events) == 1  # who holds is not judged
    arm.measured = np.array([0.0, 0.5])
    arm.send((100, (0.001, 0.5)))  # the topic has no latch
    assert arm.run(100)[0] == pytest.approx(0.001)


def test_a_goal_that_leaves_the_path_aborts_and_says_so_without_a_line():
    arm = Arm(path_tolerances=(0.02, 0.0))
    goal = arm.goal(LINE)
    arm.run(198)
    assert goal.outcome is None
    arm.run(10)
    assert goal.outcome is LEFT_PATH and arm.events == []
    assert arm.controller.command[0, 0] == 0.0


def test_tolerances_of_a_goal_hold_for_the_topic_after_it():
    """As in the real one, where only the next goal puts them back."""
    arm = Arm(path_tolerances=(0.02, 0.0))
    arm.goal((10, (0.0, 0.0)), path=np.full((2, 2), 0.004))
    arm.run(20)
    arm.send(LINE)
    arm.run(1000, lambda: bool(arm.events))
    assert arm.ms == pytest.approx(64, abs=4)


def test_a_goal_succeeds_in_the_tick_before_its_last_point_is_due():
    """The command that is sampled one period ahead has passed the end."""
    arm = Arm()
    goal = arm.goal((100, (0.0, 0.0)))
    arm.run(98)
    assert goal.outcome is None
    arm.run(2)
    assert goal.outcome is REACHED
    arm.measured = np.array([5.0, 5.0])
    arm.run(100)
    assert arm.events == [] and goal.outcome is REACHED


def test_the_end_is_waited_for_without_a_goal_time():
    arm = Arm(goal_tolerances=(0.01, 0.0))
    goal = arm.goal((100, (0.05, 0.0)))
    arm.run(5000)
    assert goal.outcome is None
    arm.measured = np.array([0.041, 0.0])
    arm.run(2)
    assert goal.outcome is REACHED


@pytest.mark.parametrize('is_goal', [True, False])
def test_an_end_that_is_not_reached_in_time_is_held(is_goal):
    arm = Arm(goal_tolerances=(0.01, 0.0), goal_time=0.5)
    points = (100, (0.05, 0.0))
    goal = arm.goal(points) if is_goal else arm.send(points)
    arm.run(600)
    assert arm.controller.command[0, 0] == pytest.approx(0.05) and arm.events == []
    arm.run(4)
    arm.run(4)
    assert arm.controller.command[0, 0] == 0.0
    if is_goal:
        assert goal.outcome.code == GOAL_VIOLATED and arm.events == []
        assert goal.outcome.text.startswith('Aborted due to goal_time_tolerance exceeding by 0.50')
    else:
        assert arm.events == ['Exceeded goal_time_tolerance: holding position...']


def test_velocities_count_with_a_velocity_interface_only():
    for interfaces, reached in ((('position',), True), (('position', 'velocity'), False)):
        arm = Arm(command_interfaces=interfaces)
        goal = arm.goal((10, (0.0, 0.0)))
        for ms in range(2, 40, 2):
            arm.controller.update(EPOCH_NS + ms * MS, 2 * MS, PLACE, np.array([0.02, 0.0]))
        assert (goal.outcome is REACHED) is reached


def test_a_slow_robot_has_more_time():
    """At half speed the trajectory's own time counts, for the end and for what comes after it."""
    arm = Arm(goal_tolerances=(0.01, 0.0), goal_time=0.1)
    arm.controller.scaling = 0.5
    goal = arm.goal((100, (0.05, 0.0)))
    arm.run(396)
    assert goal.outcome is None
    arm.run(12)
    assert goal.outcome.code == GOAL_VIOLATED


def test_a_new_trajectory_is_judged_at_its_first_tick_even_when_it_is_its_last():
    arm = Arm(path_tolerances=(0.02, 0.0))
    goal = arm.goal((0, (0.05, 0.0)))
    arm.run(2)
    assert goal.outcome is LEFT_PATH


def test_deactivation_aborts_the_goal_and_ends_all_judging():
    arm = Arm(path_tolerances=(0.02, 0.0))
    goal = arm.goal(LINE)
    arm.run(50)
    arm.controller.deactivate()
    arm.controller.activate(EPOCH_NS + arm.ms * MS, PLACE)
    arm.measured = np.array([5.0, 0.0])
    arm.run(500)
    assert goal.outcome is DEACTIVATED and arm.events == []


@pytest.mark.parametrize('waits', ['before its first tick', 'for its stamp'])
def test_a_reset_aborts_a_goal_that_has_not_begun(waits):
    arm = Arm(generation='B')
    goal = FollowedGoal(Tolerances.of_parameters(arm.parameters))
    arm.send(LINE, goal=goal, stamp_ns=EPOCH_NS + 500 * MS)
    if waits == 'for its stamp':
        arm.run(50)
    arm.controller.activate(EPOCH_NS + arm.ms * MS, PLACE)
    assert goal.outcome is DEACTIVATED
    arm.run(1000)
    assert arm.controller.command[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize('generation', ['A', 'B', 'C'])
def test_a_goal_outlives_a_message_that_arrives_in_its_first_tick(generation):
    arm = Arm(generation=generation)
    goal = arm.goal(LINE)
    arm.send((100, (0.02, 0.0)))
    arm.run(50)
    assert goal.outcome is None
    assert arm.run(150)[0] == pytest.approx(0.02)  # succeeds by the other motion
    assert goal.outcome is REACHED


@pytest.mark.parametrize('stamp_ms', [0, 300])
def test_a_goal_that_is_deferred_outlives_the_message_that_takes_its_place(stamp_ms):
    arm = Arm(generation='B')
    goal = FollowedGoal(Tolerances.of_parameters(arm.parameters))
    arm.send(LINE, goal=goal, stamp_ns=EPOCH_NS + 200 * MS)
    arm.run(50)
    arm.send((100, (0.02, 0.0)), stamp_ns=stamp_ms and EPOCH_NS + stamp_ms * MS)
    arm.run(50)
    assert goal.outcome is None
    assert arm.run(400)[0] == pytest.approx(0.02)
    assert goal.outcome is REACHED


def test_a_cancel_in_the_first_tick_of_a_goal_drops_it():
    arm = Arm()
    goal = arm.goal(LINE)
    arm.send((0, (0.0, 0.0)), is_hold=True)
    arm.run(2000)
    assert goal.outcome is None and arm.controller.command[0].tolist() == [0.0, 0.0]


def test_a_hold_of_the_controller_itself_leaves_what_is_deferred():
    """As update() of 6.9.0, where only a message or a cancel takes a deferred one away."""
    arm = Arm(generation='B', path_tolerances=(0.02, 0.0))
    arm.send(LINE)
    arm.run(50)
    arm.send((1, (0.0, 0.0)), (100, (0.01, 0.0)), stamp_ns=EPOCH_NS + 400 * MS)
    arm.run(330)
    assert len(arm.events) == 1 and arm.controller.command[0, 0] == 0.0
    assert arm.run(200)[0] == pytest.approx(0.01)
