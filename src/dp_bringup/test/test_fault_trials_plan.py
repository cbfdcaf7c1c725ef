# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The plan of a series is a function of its seed, and tries every fault."""

from collections import Counter

from dp_bringup.fault_trials.plan import KINDS
from dp_bringup.fault_trials.plan import plan_trials
from dp_bringup.fault_trials.plan import share
from dp_bringup.fault_trials.plan import STACKS
from dp_core.errors import ConfigError
import pytest


def test_two_hundred_trials_are_the_weights():
    assert sum(kind.weight for kind in KINDS.values()) == 200
    assert share(200) == {name: kind.weight for name, kind in KINDS.items()}
    assert share(100)['cancel'] == 5


@pytest.mark.parametrize('trials', [1, 7, 33, 200, 1000])
def test_a_share_adds_up(trials):
    assert sum(share(trials).values()) == trials


def test_the_same_seed_gives_the_same_series_and_another_one_another():
    assert plan_trials(200, 0) == plan_trials(200, 0)
    assert plan_trials(200, 0) != plan_trials(200, 1)


def test_a_series_changes_its_stack_only_twice_and_numbers_its_trials():
    plans = plan_trials(200, 0)
    assert [plan.number for plan in plans] == list(range(200))
    assert [plan.stack for plan in plans] == sorted(
        (plan.stack for plan in plans), key=STACKS.index
    )
    assert all(plan.stack == KINDS[plan.kind].stack for plan in plans)
    assert len({plan.scene_seed for plan in plans}) > 190


def test_moments_fill_the_first_three_seconds_of_a_motion():
    moments = sorted(plan.delay_s for plan in plan_trials(200, 0))
    assert 0.0 <= moments[0] < 0.1 and 2.9 < moments[-1] <= 3.0
    assert moments[100] == pytest.approx(1.5, abs=0.3)


def test_some_faults_only():
    plans = plan_trials(3, 0, ('cancel', 'camera_stop'))
    assert Counter(plan.kind for plan in plans) == {'cancel': 3, 'camera_stop': 3}
    with pytest.raises(ConfigError, match=r"\['cancle'\] are unknown, valid: \['joint_states_gap"):
        plan_trials(3, 0, ('cancle',))
    with pytest.raises(ConfigError, match='trials is 0'):
        plan_trials(0, 0)


def test_of_what_a_robot_does_itself_only_its_rest_is_judged():
    halts = {name for name, kind in KINDS.items() if kind.halts}
    assert halts == {'program_stops', 'speed_slider_10', 'controller_inactive'}
