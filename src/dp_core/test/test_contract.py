# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Contracts: what is refused, with which words, and that files come back as they were."""

import copy
import dataclasses

from dp_core.contract import Contract
from dp_core.errors import ContractError
import pytest
import yaml

GOOD = {
    'name': 'demo',
    'tasks': ['push'],
    'dt_s': 0.1,
    'n_obs_steps': 2,
    'horizon': 16,
    'n_action_steps': 8,
    'action_offset_s': 0.1,
    'observations': [
        {'name': 'tool', 'kind': 'pose', 'topic': 'tool_pose', 'features': ['x', 'y']},
        {'name': 'front', 'kind': 'image', 'topic': 'front/image_raw', 'size': [96, 128]},
        {'name': 'arm', 'kind': 'joint_state', 'topic': 'joint_states', 'joints': ['a', 'b', 'c']},
    ],
    'actions': [
        {
            'name': 'arm',
            'kind': 'joint_position',
            'dims': ['a', 'b', 'c'],
            'joints': ['a', 'b', 'c'],
            'controller': 'jtc',
        }
    ],
}
PLANE = {
    'name': 'arm',
    'kind': 'tool_plane',
    'dims': ['x', 'y'],
    'joints': ['a', 'b'],
    'controller': 'jtc',
    'frame': 'world',
    'tool_frame': 'tip',
    'low': [-0.3, -0.3],
    'high': [0.3, 0.3],
}


def changed(**top):
    """Return GOOD with top-level values replaced."""
    return {**copy.deepcopy(GOOD), **top}


def stream(**values):
    """Return GOOD with one more observation."""
    data = copy.deepcopy(GOOD)
    data['observations'].append(values)
    return data


def group(**values):
    """Return GOOD whose only action group is PLANE with values replaced."""
    return changed(actions=[{**PLANE, **values}])


def test_sizes_follow_from_the_streams():
    contract = Contract.from_dict(GOOD)
    assert [s.dim for s in contract.observations] == [2, 0, 3]
    assert [s.name for s in contract.low_dim] == ['tool', 'arm']
    assert [s.name for s in contract.images] == ['front']
    assert (contract.action_dim, contract.dt_ns, contract.offset_ns) == (3, 10**8, 10**8)


def test_pose_features_count_what_they_stand_for():
    data = stream(
        name='block',
        kind='pose',
        topic='b',
        features=['x', 'rotation_6d', 'points'],
        points=[[0, 0], [0, 0.1], [0.1, 0]],
    )
    assert Contract.from_dict(data).stream('block').dim == 1 + 6 + 2 * 3


def test_yaml_round_trip_keeps_every_value(tmp_path):
    contract = Contract.from_dict(group(height_m=0.02))
    contract.save(tmp_path / 'contract.yaml')
    assert Contract.load(tmp_path / 'contract.yaml') == contract
    assert Contract.from_dict(contract.to_dict()) == contract
    text = (tmp_path / 'contract.yaml').read_text()
    assert 'latency_s' not in text  # values at their default stay out of the file
    assert yaml.safe_load(text)['actions'][0]['height_m'] == 0.02


def test_latencies_of_stream_and_device_are_stored():
    data = stream(name='x', kind='vector', length=2, latency_s=0.03)
    data['actions'] = [{**PLANE, 'latency_s': 0.08}]
    contract = Contract.from_dict(data)
    assert (contract.stream('x').latency_s, contract.actions[0].latency_s) == (0.03, 0.08)
    assert Contract.from_dict(contract.to_dict()) == contract


# Each case: data, then words the refusal must contain: the value received and what is valid.
REFUSED = [
    ([], 'expected a mapping', 'list'),
    ({**GOOD, 'horizn': 16}, "unknown keys ['horizn']", "'horizon'"),
    ({k: v for k, v in GOOD.items() if k != 'dt_s'}, "missing keys ['dt_s']"),
    (changed(dt_s=0.0), 'dt_s is 0.0', 'a positive number'),
    (changed(dt_s='1e-1'), "dt_s is '1e-1'", 'a number'),
    (changed(dt_s=float('nan')), 'dt_s is nan'),
    (changed(horizon=16.5), 'horizon is 16.5', 'a whole number'),
    (changed(n_obs_steps=True), 'n_obs_steps is True', 'a whole number'),
    (changed(n_obs_steps=0), 'n_obs_steps is 0', '1 or more'),
    (changed(n_action_steps=16), '17 exceeds horizon 16'),
    (changed(action_offset_s=float('inf')), 'action_offset_s is inf', 'finite'),
    (changed(tasks='push'), "tasks is 'push'", 'a list'),
    (changed(name=None), 'name is None', 'a text'),
    (changed(observations=[]), 'must not be empty'),
    (changed(observations=5), 'observations is 5', 'a list'),
    (changed(observations=['tool']), 'observations[0]', 'expected a mapping, got str'),
    (changed(observations=GOOD['observations'][:1] * 2), "['tool', 'tool']", 'not unique'),
    (stream(name='x', kind='lidar', topic='t'), "kind is 'lidar'", "'joint_state'"),
    (stream(name='x', kind='pose', topic='t', features=['qw']), "features is 'qw'", "'cos_yaw'"),
    (stream(name='x', kind='pose', features=['x']), 'needs a topic'),
    (stream(name='x', kind='pose', topic='t'), 'has no values'),
    (stream(name='x', kind='pose', topic='t', features=['points']), "'points' must be both"),
    (stream(name='x', kind='pose', topic='t', features=['x', 'x']), 'not unique'),
    (stream(name='x', kind='pose', topic='t', features=['x'], joints=['a']), 'takes no joints'),
    (stream(name='x', kind='image', topic='t', size=[96, 4]), 'size is [96, 4]', '>= 8 pixel'),
    (stream(name='x', kind='image', topic='t', size=[96]), 'size is [96]', 'a list of 2 values'),
    (stream(name='x', kind='joint_state', topic='t', joints=['a', 'a']), "['a', 'a']"),
    (stream(name='x', kind='joint_state', topic='t', joints='a'), "joints is 'a'", 'a list'),
    (stream(name='a/b', kind='vector', length=2), "'a/b'", 'letters, digits and underscores'),
    (stream(name='action', kind='vector', length=2), "not 'action'"),
    (stream(name='x', kind='vector', length=2, max_age_s=-1), 'max_age_s is -1', 'positive'),
    (stream(name='x', kind='vector', length=2, latency_s=float('nan')), 'latency_s is nan'),
    (group(kind='magic'), "kind is 'magic'", "'tool_plane'"),
    (group(dims=[]), 'dims is empty'),
    (group(dims='xy'), "dims is 'xy'", 'a list'),
    (group(joints=[]), 'needs joints and controller'),
    (group(joints=['a', 'a']), "['a', 'a']", 'not unique'),
    (group(tool_frame=''), 'needs two dims, frame and tool_frame'),
    (group(low=[0.0]), 'low has 1 values', '2 or none'),
    (group(low=[0.3, 0.0]), 'low [0.3, 0.0] is not below high'),
    (group(high=[0.3, float('nan')]), 'high is nan'),
    (group(kind='joint_position'), 'takes no frame', "'world'"),
    (group(latency_s=-0.01), 'latency_s is -0.01', '0 or more'),
    (group(latency_s=float('nan')), 'latency_s is nan'),
    (changed(actions=[PLANE, {**PLANE, 'joints': ['c']}]), 'action group names'),
    (changed(actions=[PLANE, {**PLANE, 'name': 'left'}]), 'joints of all action groups', "'a'"),
    (
        changed(actions=[{**GOOD['actions'][0], 'dims': ['a']}]),
        '1 dims for 3 joints',
    ),
]


@pytest.mark.parametrize('case', REFUSED, ids=lambda case: case[1][:40])
def test_a_bad_contract_is_refused_with_value_and_choices(case):
    data, *words = case
    with pytest.raises(ContractError) as error:
        Contract.from_dict(data, 'robot.yaml')
    for word in ('robot.yaml', *words):
        assert word in str(error.value)


def test_an_unreadable_file_is_named(tmp_path):
    with pytest.raises(ContractError, match='cannot read contract .*nowhere.yaml: No such file'):
        Contract.load(tmp_path / 'nowhere.yaml')
    broken = tmp_path / 'broken.yaml'
    broken.write_text('name: [')
    with pytest.raises(ContractError, match='broken.yaml is not valid YAML'):
        Contract.load(broken)
    broken.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(ContractError, match='broken.yaml is not valid YAML'):
        Contract.load(broken)


def test_an_unknown_stream_is_answered_with_those_there_are():
    with pytest.raises(ContractError, match=r"no observation 'rear'; it has \['tool', 'front'"):
        Contract.from_dict(GOOD).stream('rear')


def test_equal_contracts_match():
    Contract.from_dict(GOOD).require_equal(Contract.from_dict(GOOD), 'the checkpoint')


def test_the_first_difference_is_named():
    contract = Contract.from_dict(GOOD)
    front = dataclasses.replace(contract.stream('front'), max_age_s=0.5)
    streams = (contract.observations[0], front, contract.observations[2])
    cases = {
        'horizon is 16, there it is 8': dataclasses.replace(contract, horizon=8, n_action_steps=4),
        "observations 'front'.max_age_s is 0.2, there it is 0.5": dataclasses.replace(
            contract, observations=streams
        ),
        "observations are ['tool', 'front', 'arm'], there they are ['tool', 'front']": (
            dataclasses.replace(contract, observations=contract.observations[:2])
        ),
        "tasks is ['push'], there it is []": dataclasses.replace(contract, tasks=()),
    }
    for words, other in cases.items():
        with pytest.raises(ContractError) as error:
            contract.require_equal(other, 'the checkpoint x')
        assert f"contract 'demo' does not match the checkpoint x: {words}" in str(error.value)


def test_history_of_a_window_reaches_back_to_its_oldest_sample():
    """Two steps of 0.1 s; with a stream of 32 samples, 10 ms apart, 0.31 s longer."""
    steps = Contract.from_dict(changed(n_obs_steps=2, dt_s=0.1))
    assert steps.history_ns == 100_000_000
    shape = {'kind': 'wrench', 'topic': 'ft', 'samples': 32, 'sample_dt_s': 0.01}
    force = {**changed(n_obs_steps=2, dt_s=0.1)}
    force['observations'].append({'name': 'force', 'max_age_s': 0.1, **shape})
    assert Contract.from_dict(force).history_ns == 410_000_000
