# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import math
from types import SimpleNamespace

from dp_core.errors import ConfigError
import pytest

pytest.importorskip('dp_msgs.msg')

from builtin_interfaces.msg import Duration
from dp_policy_node.goal import plan_goal
from dp_policy_node.settings import Settings
import three_joints

POLICIES = {
    name: SimpleNamespace(name=name, contract=three_joints.contract(), worst_s=0.1)
    for name in ('first', 'second')
}


def plan(settings=None, **fields):
    values = {
        'policy': '', 'task': '', 'timeout': Duration(), 'speed_scale': 0.0, 'seam': '', **fields
    }  # fmt: skip
    return plan_goal(SimpleNamespace(**values), POLICIES, settings or Settings())


def test_an_empty_goal_means_the_defaults():
    goal = plan(Settings(timeout=12.0, seam='replace', max_blind_s=0.9))
    assert goal.policy.name == 'first'
    assert (goal.task, goal.timeout_s, goal.speed_scale) == ('wave', 12.0, 1.0)
    assert (goal.trajectory.seam, goal.trajectory.max_blind_s) == ('replace', 0.9)


def test_a_full_goal_means_what_it_says():
    goal = plan(policy='second', task='point', timeout=Duration(sec=3, nanosec=500_000_000),
                speed_scale=0.5, seam='fade')  # fmt: skip
    assert (goal.policy.name, goal.task, goal.timeout_s) == ('second', 'point', 3.5)
    assert (goal.speed_scale, goal.trajectory.seam) == (0.5, 'fade')


def test_the_speed_stretches_chunks_and_nothing_else():
    """It is `connect` that lets a stretched chunk reach farther; twice would be too far."""
    assert plan(speed_scale=0.5).trajectory == plan().trajectory


def test_parameters_that_would_let_chunks_run_out_are_refused():
    with pytest.raises(ConfigError, match='max_blind_s'):
        plan(Settings(max_blind_s=0.5))


@pytest.mark.parametrize(
    ('fields', 'complaint'),
    [
        ({'policy': 'third'}, "'third', valid: .'first', 'second'."),
        ({'task': 'juggle'}, "'juggle', policy 'first' knows .'wave', 'point'."),
        ({'timeout': Duration(sec=-1)}, 'timeout is -1.0 s'),
        ({'speed_scale': 1.01}, 'speed_scale is 1.01'),
        ({'speed_scale': math.nan}, 'speed_scale is nan'),
        ({'seam': 'glue'}, "seam is 'glue', valid: .'replace', 'fade', 'ensemble'"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(fields, complaint):
    with pytest.raises(ConfigError, match=complaint):
        plan(**fields)
