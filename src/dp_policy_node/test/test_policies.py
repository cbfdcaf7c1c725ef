# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from functools import partial

from dp_core.errors import ConfigError
from dp_core.errors import ContractError
from dp_policy_node.policies import load_policies
from dp_policy_node.policies import parse_policies
import pytest
import three_joints

load_here = partial(load_policies, own_process=False)


def test_names_and_folders_in_order():
    assert list(parse_policies(['b=/x=1', '', 'a=y']).items()) == [('b', '/x=1'), ('a', 'y')]


@pytest.mark.parametrize(
    ('entries', 'complaint'),
    [
        ([], 'empty'),
        ([''], 'empty'),
        (['folder'], "'folder' is not"),
        (['=folder'], 'is not'),
        (['name='], 'is not'),
        (['a=x', 'a=y'], "'a' is given twice"),
    ],
)
def test_bad_entries_are_told(entries, complaint):
    with pytest.raises(ConfigError, match=complaint):
        parse_policies(entries)


def test_every_policy_is_loaded_and_warm(tmp_path):
    folder = three_joints.save(tmp_path / 'p')
    loaded = load_here(
        [f'one={folder}', f'two={folder}'], three_joints.urdf(), 4, seed=1, own_process=False
    )
    assert list(loaded) == ['one', 'two']
    assert len(loaded['one'].warmup_s) == 3
    assert loaded['two'].contract == three_joints.contract()


def test_an_added_delay_counts_as_time_of_the_prediction(tmp_path):
    folder = three_joints.save(tmp_path / 'p')
    policy = load_here(
        [f'p={folder}'], three_joints.urdf(), 2, seed=1, delay_s=0.4, own_process=False
    )['p']
    assert policy.delay_s == 0.4
    assert policy.worst_s > 0.4


def test_policies_of_different_joints_do_not_share_a_node(tmp_path):
    one = three_joints.save(tmp_path / 'one')
    action = three_joints.contract().to_dict()['actions'][0]
    two = three_joints.save(tmp_path / 'two', actions=[{**action, 'controller': 'other'}])
    with pytest.raises(ContractError, match='different joints'):
        load_here([f'one={one}', f'two={two}'], three_joints.urdf(), 2, seed=1, own_process=False)
