# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""An arm that strays, stands or crawls; each at its own time, and nothing else."""

from dp_core.errors import ConfigError
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import Source
from dp_core.following import Following
from dp_core.following import FollowingSettings
from dp_core.watchdog import Fault
import numpy as np
import pytest

MS = 1_000_000
STILL = np.zeros(2)


class Arm:
    """Joints a and b with a reference; asked at milliseconds on both clocks."""

    def __init__(self, **settings):
        self.following = Following(('a', 'b'), FollowingSettings(**settings))

    def at(self, ms, reference=0.0, measured=0.0, speed=0.0, scaling=1.0, is_seen=True):
        feedback = ControllerFeedback(
            ms * MS,
            Source.CONTROLLER_STATE,
            np.array([0.0, reference]),
            STILL,
            np.array([0.0, measured]) if is_seen else None,
            speed_scaling=scaling,
        )
        return self.following.check(feedback, np.array([0.0, speed]), ms * MS)


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
