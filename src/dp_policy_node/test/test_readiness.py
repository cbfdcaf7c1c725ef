# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy')

from dp_policy_node.convert import RobotState
from dp_policy_node.readiness import why_refused


class Scene:
    """A robot at rest that is ready for a goal."""

    def __init__(self):
        self.missing = ''
        self.deaf = self.lost = ''
        self.moving = False
        self.robot = SimpleNamespace(
            worker=SimpleNamespace(is_alive=True),
            policies={'p': SimpleNamespace(name='p', is_alive=True)},
            output=SimpleNamespace(
                why_deaf=lambda: self.deaf, is_moving=lambda now_ns: self.moving, moves_arm=True
            ),
            controllers=SimpleNamespace(why_lost=lambda timeout_s: self.lost),
        )
        self.inputs = SimpleNamespace(
            why_missing=lambda now_ns, max_age_s: self.missing,
            robot_state=RobotState(0, np.zeros(3), np.zeros(3)),
        )

    def why(self, replaces=False):
        return why_refused(self.robot, self.inputs, 0, 0.5, replaces=replaces)


@pytest.fixture
def scene():
    scene = Scene()
    assert scene.why() == ''
    return scene


def test_missing_observations(scene):
    scene.missing = "no sample yet of ['front']"
    assert scene.why() == "no sample yet of ['front']"


def test_a_controller_that_does_not_listen_or_fell_silent(scene):
    scene.lost = 'silent'
    assert scene.why() == 'silent'
    scene.deaf = 'deaf'
    assert scene.why() == 'deaf'


def test_a_dry_run_needs_no_controller_that_speaks(scene):
    """A UR's freedrive stops its controllers, and the arm may be led by hand meanwhile."""
    scene.lost = 'silent'
    scene.robot.output.moves_arm = False
    assert scene.why() == ''


def test_braking_unless_the_goal_takes_the_motion_over(scene):
    scene.moving = True
    assert 'brakes' in scene.why()
    assert scene.why(replaces=True) == ''


def test_an_arm_that_someone_else_moves(scene):
    scene.inputs.robot_state = RobotState(0, np.zeros(3), np.array([0.0, -0.2, 0.0]))
    assert '0.20 rad/s' in scene.why()


def test_unmeasured_velocities_are_no_reason(scene):
    scene.inputs.robot_state = RobotState(0, np.zeros(3), None)
    assert scene.why() == ''


def test_dead_worker(scene):
    scene.robot.worker.is_alive = False
    assert 'died' in scene.why()


def test_a_policy_whose_process_has_ended(scene):
    scene.robot.policies['p'].is_alive = False
    assert scene.why() == "the process of policy 'p' has ended; clean up and configure again"
