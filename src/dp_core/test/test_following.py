# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""An arm that strays, stands or crawls; each at its own time, and nothing else."""

from dp_core.errors import ConfigError
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import Source
from dp_core.following import Following
from dp_core.following import FollowingSettings
from dp_core.motion import MotionState
from dp_core.watchdog import Fault
import numpy as np
import pytest

MS = 1_000_000
STILL = np.zeros(2)


class Arm:
    """Joints a and b with a reference; asked at milliseconds on both clocks.

    What is heard once is heard again every 100 ms until there is something new.
    """

    def __init__(self, **settings):
        self.following = Following(('a', 'b'), FollowingSettings(**settings))
        self.last = None

    def at(self, ms, **heard):
        if self.last is not None:
            last_ms, before = self.last
            for between_ms in range(last_ms + 100, ms, 100):
                self.hear(between_ms, **before)
        self.last = ms, heard
        return self.hear(ms, **heard)

    def hear(
        self, ms, reference=0.0, measured=0.0, speed=0.0, scaling=1.0, is_seen=True, command=0.0,
        reference_speed=None, source=Source.CONTROLLER_STATE,
    ):  # fmt: skip
        feedback = ControllerFeedback(
            ms * MS,
            source,
            np.array([0.0, reference]),
            None if reference_speed is None else np.array([0.0, reference_speed]),
            np.array([0.0, measured]) if is_seen else None,
            speed_scaling=scaling,
        )
        sent = MotionState(np.array([0.0, command]), np.array([0.0, speed]), STILL)
        return self.following.check(feedback, sent, ms * MS)


def test_an_arm_may_lag_for_a_moment_but_not_stray():
    arm = Arm()
    assert arm.at(1000, reference=0.31) is None
    assert arm.at(1199, reference=0.31) is None
    verdict = arm.at(1200, reference=0.31)
    assert verdict.fault is Fault.CONTROLLER
    assert 'b is 0.310 rad from its reference (by controller_state), allowed are 0.3' in (
        verdict.reason
    )


def test_an_arm_that_catches_up_begins_anew():
    arm = Arm()
    assert arm.at(1000, reference=0.31) is None
    assert arm.at(1100, reference=0.3) is None
    assert arm.at(1250, reference=0.31) is None


@pytest.mark.parametrize(('moved', 'ends'), [(0.004, True), (0.006, False)])
def test_an_arm_that_stands_though_commanded_to_move(moved, ends):
    arm = Arm()
    assert arm.at(1000, speed=0.2) is None
    assert arm.at(1299, speed=0.2, measured=moved) is None
    verdict = arm.at(1301, speed=0.2, measured=moved)
    assert (verdict is not None) is ends
    assert not ends or (verdict.fault is Fault.CONTROLLER and 'stands still' in verdict.reason)


def test_that_it_stands_is_known_as_long_as_it_does():
    arm = Arm()
    for ms, measured, stands in [(1000, 0.0, False), (1301, 0.0, True), (1310, 0.01, False)]:
        arm.at(ms, speed=0.2, measured=measured)
        assert arm.following.stands is stands


def test_an_arm_that_stands_while_its_command_creeps_away():
    """At 0.05 rad/s: it leaves (5 mrad) after 0.1 s, and is 40 mrad away after 0.8 s."""
    arm = Arm()
    for ms in range(0, 801, 20):
        assert arm.at(1000 + ms, command=5e-5 * ms, speed=0.05) is None
    verdict = arm.at(1820, command=0.041, speed=0.05)
    assert verdict.fault is Fault.CONTROLLER and 'stands still' in verdict.reason


def test_an_arm_that_is_late_by_its_lag_or_is_met_anew_does_not_wait_in_vain():
    arm = Arm()
    assert arm.at(1000) is None
    assert arm.at(5000) is None  # at rest, and so is its command
    assert arm.at(5010, command=0.01, speed=2.0) is None
    assert arm.at(5200, command=0.3, speed=2.0) is None  # 0.2 s of dead time
    assert arm.at(5290, command=0.4, speed=2.0, measured=0.006) is None
    arm = Arm()
    assert arm.at(1000) is None
    assert arm.at(1700, command=0.035) is None
    assert arm.at(1800, command=0.0) is None  # a plan began where the arm is
    assert arm.at(2500, command=0.035) is None


@pytest.mark.parametrize(('unheard_ms', 'ends'), [(149, True), (151, False)])
def test_an_arm_that_was_not_heard_of_has_not_stood(unheard_ms, ends):
    """It may have gone and come back, as a policy does that turns around."""
    arm = Arm()
    for ms in (0, 20, 20 + unheard_ms):
        assert arm.hear(1000 + ms, speed=0.2) is None
    assert (arm.hear(1301, speed=0.2) is not None) is ends
    assert arm.following.stands is ends
    for ms in range(1401, 1701, 100):  # it did stand
        last = arm.hear(ms, speed=0.2)
    assert 'stands still' in last.reason
    arm = Arm()  # the same of an arm that waits while its command creeps away
    for ms in range(0, 1000, 200):
        assert arm.hear(1000 + ms, command=1e-4 * ms) is None


def test_a_reference_that_jumps_was_dropped_by_its_controller():
    """As JTC does at a tolerance of 0.2 rad: it holds the arm where it was measured."""
    arm = Arm()
    assert arm.at(1000, reference=0.20, measured=0.01, reference_speed=0.5) is None
    assert arm.at(1010, reference=0.205, measured=0.01, reference_speed=0.5) is None
    verdict = arm.at(1020, reference=0.01, measured=0.01, reference_speed=0.0)
    assert verdict.fault is Fault.CONTROLLER
    assert 'the reference of b jumped by 0.195 rad: the controller has dropped' in verdict.reason


def test_a_reference_may_go_as_far_as_its_speed_takes_it():
    arm = Arm()
    assert arm.at(1000, reference=0.0, reference_speed=1.0) is None
    assert arm.hear(1300, reference=0.35, measured=0.3, reference_speed=1.0) is None  # late
    assert arm.hear(1310, reference=0.26, measured=0.3, reference_speed=1.0) is None
    for source in (Source.JOINT_STATES, Source.MODEL):
        arm = Arm()
        assert arm.at(1000, reference=0.2, reference_speed=0.0, source=source) is None
        assert arm.at(1010, reference=0.0, reference_speed=0.0, source=source) is None


def test_an_arm_may_rest_where_it_is_commanded_to():
    arm = Arm()
    assert arm.at(1000, speed=0.09) is None
    assert arm.at(2000, speed=0.09) is None


def test_an_arm_that_nobody_sees_is_not_judged():
    arm = Arm()
    assert arm.at(1000, reference=1.0, speed=1.0, is_seen=False) is None
    assert arm.at(2000, reference=1.0, speed=1.0, is_seen=False) is None


def test_a_tolerance_of_zero_judges_only_the_speed():
    arm = Arm(tolerance_rad=0.0)
    assert arm.at(1000, reference=1.0, speed=1.0) is None
    assert arm.at(2000, reference=1.0, speed=1.0) is None


def test_a_controller_that_is_slowed_down_too_far():
    arm = Arm()
    assert arm.at(1000, scaling=0.1) is None
    assert arm.at(1100, scaling=0.2) is None  # the minimum itself
    assert arm.at(1200, scaling=0.0) is None
    assert arm.at(1399, scaling=0.0) is None
    verdict = arm.at(1400, scaling=0.0)
    assert verdict.fault is Fault.SPEED_SCALING
    assert 'runs at 0 % of the commanded speed, min_speed_scaling is 20 %' in verdict.reason


@pytest.mark.parametrize(('scaling', 'minimum'), [(float('nan'), 0.2), (0.0, 0.0)])
def test_an_unknown_speed_or_no_minimum_is_no_fault(scaling, minimum):
    arm = Arm(min_speed_scaling=minimum)
    assert arm.at(1000, scaling=scaling) is None
    assert arm.at(2000, scaling=scaling) is None


@pytest.mark.parametrize(
    'values', [{'tolerance_rad': -0.1}, {'tolerance_rad': float('nan')}, {'min_speed_scaling': 2}]
)
def test_settings_name_what_is_valid(values):
    with pytest.raises(ConfigError, match=f'{next(iter(values))} is .*valid'):
        FollowingSettings(**values)
