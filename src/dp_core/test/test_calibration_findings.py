# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A made-up arm with known latencies: what a motion and a lamp tell of them, and what not."""

import dataclasses
import re

from dp_core.calibration.delay import Signal
from dp_core.calibration.excitation import Excitation
from dp_core.calibration.findings import find_latencies
from dp_core.calibration.findings import latencies
from dp_core.calibration.recording import LampRecording
from dp_core.calibration.recording import Recording
from dp_core.calibration.recording import small_picture
from dp_core.contract import Contract
import numpy as np
import pytest

TIMES = np.arange(-1.0, 9.0, 0.002)
COMMANDED = Signal(TIMES, Excitation().offsets(np.clip(TIMES, 0.0, 8.0))[:, None])
CONTRACT = Contract.from_dict(
    {
        'name': 'demo',
        'dt_s': 0.1,
        'n_obs_steps': 2,
        'horizon': 16,
        'n_action_steps': 8,
        'observations': [
            {'name': 'front', 'kind': 'image', 'topic': 'f', 'size': [96, 96]},
            {'name': 'tool', 'kind': 'pose', 'topic': 'tool', 'features': ['x', 'y']},
            {'name': 'block', 'kind': 'pose', 'topic': 'block', 'features': ['x', 'y']},
            {'name': 'joints', 'kind': 'joint_state', 'topic': 'j', 'joints': ['a']},
        ],
        'actions': [
            {
                'name': 'arm',
                'kind': 'joint_position',
                'dims': ['a'],
                'joints': ['a'],
                'controller': 'jtc',
            }
        ],
    }
)


def picture(angle, lamp=None, noise=None):
    """Draw a bar that turns with the joint, before a noisy wall, and perhaps a lamp."""
    y, x = np.mgrid[0:96, 0:96] - 48.0
    across = x * np.cos(angle) + (y + 150.0) * np.sin(angle)
    image = 60.0 + 140.0 / (1.0 + np.exp(np.abs(across) - 6.0))
    if lamp is not None:
        image[:14, :14] = 255.0 if lamp else 0.0
    image = image + (0.0 if noise is None else noise.normal(0.0, 3.0, image.shape))
    return small_picture(np.repeat(np.clip(image, 0, 255)[..., None], 3, axis=2).astype(np.uint8))


def frames(rng):
    """Stamps of a camera at 30 Hz with jitter, one picture in ten lost."""
    times = np.arange(-0.8, 8.8, 1 / 30)
    times = times + rng.uniform(-0.002, 0.002, len(times))
    return times[rng.random(len(times)) > 0.1]


def motion(command_s=0.0, joints_s=0.0, camera_s=0.0, pose_s=0.0, seed=0):
    rng = np.random.default_rng(seed)

    def angle(times_s):
        return COMMANDED.at(times_s - command_s)[:, 0]

    fast, slow = np.arange(-0.8, 8.8, 0.008), frames(rng)
    tool = np.stack([0.5 * np.cos(angle(fast - pose_s)), 0.5 * np.sin(angle(fast - pose_s))], 1)
    block = np.tile([0.1, 0.2], (len(fast), 1)) + rng.normal(0, 1e-4, (len(fast), 2))
    streams = {
        'front': Signal(slow, np.stack([picture(a, None, rng) for a in angle(slow - camera_s)])),
        'tool': Signal(fast, tool),
        'block': Signal(fast, block),
    }
    joints = angle(fast - joints_s) + rng.normal(0, 1e-4, len(fast))
    return Recording(Signal(fast, joints[:, None]), COMMANDED, streams, 'arm')


def lamp(camera_s, seed=1):
    rng = np.random.default_rng(seed)
    at = -0.7 + np.cumsum(rng.uniform(0.12, 0.3, 45))
    on = np.arange(45) % 2.0
    slow = frames(rng)
    shown = on[np.clip(np.searchsorted(at, slow - camera_s, side='right') - 1, 0, None)]
    pictures = np.stack([picture(0.1, s > 0.5, rng) for s in shown])
    return LampRecording(Signal(at, on[:, None]), {'front': Signal(slow, pictures)})


def by_name(findings):
    return {finding.name: finding for finding in findings}


def test_a_motion_tells_the_device_and_the_camera_where_joint_states_are_on_time():
    found = by_name(find_latencies(CONTRACT, [motion(0.1, 0.0, 0.12, 0.02)], None))
    assert found['arm'].latency_s == pytest.approx(0.1, abs=1e-3)
    assert found['front'].latency_s == pytest.approx(0.12, abs=3e-3)
    assert found['tool'].latency_s == pytest.approx(0.02, abs=1e-3)
    assert found['block'].latency_s is None and 'does not follow' in found['block'].refusal
    assert found['joints'].latency_s is None and 'use a lamp' in found['joints'].refusal
    assert 'equals the commanded one best' in found['arm'].words()
    values = latencies(list(found.values()))
    assert set(values.streams) == {'front', 'tool'} and set(values.groups) == {'arm'}


def test_late_joint_states_that_nobody_knows_of_go_to_the_account_of_the_others():
    found = by_name(find_latencies(CONTRACT, [motion(0.03, 0.04, 0.12)], None))
    assert found['arm'].latency_s == pytest.approx(0.07, abs=1e-3)
    assert found['front'].latency_s == pytest.approx(0.08, abs=3e-3)


def test_the_contract_may_know_how_late_joint_states_are():
    joints = dataclasses.replace(CONTRACT.stream('joints'), latency_s=0.04)
    known = dataclasses.replace(CONTRACT, observations=(*CONTRACT.observations[:3], joints))
    found = by_name(find_latencies(known, [motion(0.03, 0.04, 0.12)], None))
    assert found['arm'].latency_s == pytest.approx(0.03, abs=1e-3)
    assert found['front'].latency_s == pytest.approx(0.12, abs=3e-3)


@pytest.mark.parametrize('camera_s', [0.0, 0.05, 0.12])
def test_a_lamp_tells_the_joint_states_as_well(camera_s):
    found = by_name(find_latencies(CONTRACT, [motion(0.03, 0.04, camera_s)], lamp(camera_s)))
    assert found['front'].latency_s == pytest.approx(camera_s, abs=3e-3)
    assert found['joints'].latency_s == pytest.approx(0.04, abs=5e-3)
    assert found['arm'].latency_s == pytest.approx(0.03, abs=5e-3)
    for finding in (found['front'], found['joints'], found['arm']):
        assert finding.uncertainty_s < 0.005


def test_a_lamp_alone_tells_the_cameras():
    found = by_name(find_latencies(CONTRACT, [], lamp(0.08)))
    assert list(found) == ['front']
    assert found['front'].latency_s == pytest.approx(0.08, abs=3e-3)


def test_an_arm_that_stands_is_told_and_gives_no_latency():
    moving = motion()
    still = dataclasses.replace(
        moving, joint_states=Signal(moving.joint_states.times_s, 0 * moving.joint_states.values)
    )
    found = by_name(find_latencies(CONTRACT, [still], None))
    assert 'moved over 0.0000: the arm does not follow (protective stop' in found['arm'].refusal
    assert latencies(list(found.values())).groups == {}


def test_motion_before_the_command_means_that_clocks_disagree():
    found = by_name(find_latencies(CONTRACT, [motion(-0.03)], None))
    assert 'before it is commanded: the clocks of two' in found['arm'].refusal


def test_a_frozen_camera_is_told():
    moving = motion()
    front = moving.streams['front']
    frozen = {**moving.streams, 'front': Signal(front.times_s, 0 * front.values + 7.0)}
    found = by_name(find_latencies(CONTRACT, [dataclasses.replace(moving, streams=frozen)], None))
    assert 'frozen or dark' in found['front'].refusal


def test_a_camera_that_sends_nothing_is_told():
    silent = dataclasses.replace(motion(), streams={})
    assert by_name(find_latencies(CONTRACT, [silent], None))['front'].refusal == (
        'nothing was received'
    )


def with_gripper(**known):
    """Put joint states of a gripper, which does not move, before those of the arm."""
    data = CONTRACT.to_dict()
    gripper = {'name': 'grip', 'kind': 'joint_state', 'topic': 'g', 'joints': ['g'], **known}
    data['observations'] = [gripper, *data['observations'][:3]]
    joints = {'name': 'joints', 'kind': 'joint_state', 'topic': 'j', 'joints': ['a']}
    data['observations'].append({**joints, 'latency_s': 0.04})
    return Contract.from_dict(data)


def test_the_arm_is_measured_by_its_own_joint_states_whatever_stream_comes_first():
    found = by_name(find_latencies(with_gripper(latency_s=0.2), [motion(0.03, 0.04, 0.12)], None))
    assert found['arm'].latency_s == pytest.approx(0.03, abs=1e-3)
    assert found['front'].latency_s == pytest.approx(0.12, abs=3e-3)
    assert 'taken to be 40.0 ms late' in found['joints'].refusal


def test_joint_states_by_the_lamp_are_those_of_the_joints_that_moved():
    found = by_name(find_latencies(with_gripper(), [motion(0.03, 0.06, 0.12)], lamp(0.12)))
    assert found['joints'].latency_s == pytest.approx(0.06, abs=5e-3)
    assert found['grip'].latency_s is None
    assert 'no joint of this stream was moved' in found['grip'].words()


def test_groups_with_joint_states_of_their_own_keep_them_apart():
    data = with_gripper(latency_s=0.2).to_dict()
    arm = data['actions'][0]
    hand = {'name': 'hand', 'dims': ['g'], 'joints': ['g'], 'controller': 'hand'}
    contract = Contract.from_dict({**data, 'actions': [arm, {**arm, **hand}]})
    blind = dataclasses.replace(motion(0.25, 0.2), streams={}, group='hand')
    arms = motion(0.03, 0.04, 0.12)
    found = by_name(find_latencies(contract, [blind, arms], lamp(0.12)))
    assert found['hand'].latency_s == pytest.approx(0.25, abs=1e-3)
    assert 'taken to be 200.0 ms late' in found['grip'].refusal
    assert found['joints'].latency_s == pytest.approx(0.04, abs=5e-3)
    assert found['arm'].latency_s == pytest.approx(0.03, abs=5e-3)
    data['observations'][0]['joints'] = ['g', 'a']  # one stream of both: the lamp tells it
    both = Contract.from_dict({**data, 'actions': contract.to_dict()['actions']})
    found = by_name(
        find_latencies(both, [dataclasses.replace(arms, streams={}), arms], lamp(0.12))
    )
    assert found['grip'].latency_s == pytest.approx(0.04, abs=5e-3)


@pytest.mark.parametrize('count', [0, 1])
def test_a_camera_that_saw_no_lamp_is_named_with_the_causes(count):
    blinked = lamp(0.1)
    few = blinked.pictures['front']
    few = Signal(few.times_s[:count], few.values[:count])
    dead = dataclasses.replace(blinked, pictures={'front': few})
    found = by_name(find_latencies(CONTRACT, [], dead))
    words = rf"stream 'front' has {count} pictures .* valid: 2 or more; the camera died, or its"
    assert re.search(words, found['front'].refusal)
