# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What configure refuses, and that it says why; the node lives in the process of the test."""

import threading

import pytest

rclpy = pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

from dp_policy_node.policy_node import PolicyNode  # noqa: E402
from fake_arm import FakeArm  # noqa: E402
from rclpy.context import Context  # noqa: E402
from rclpy.executors import MultiThreadedExecutor  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
import three_joints  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture
def configure():
    """Configure a node beside an arm; returns '' or why it failed."""
    context = Context()
    rclpy.init(context=context)
    closing = []

    def configure(policies, arm=(), **parameters):
        if arm is not None:
            closing.append(FakeArm(context, **dict(arm)))
        values = {'policies': policies, 'startup_timeout': 10.0, **parameters}
        node = PolicyNode(
            context=context,
            parameter_overrides=[Parameter(name, value=value) for name, value in values.items()],
        )
        executor = MultiThreadedExecutor(4, context=context)
        executor.add_node(node)
        threading.Thread(target=executor.spin, daemon=True).start()
        result = node.trigger_configure()
        reason = node.status.message().reason
        executor.shutdown()
        node.close()
        node.destroy_node()
        if result == TransitionCallbackReturn.SUCCESS:
            return ''
        assert result != TransitionCallbackReturn.SUCCESS
        assert reason
        return reason

    yield configure
    for arm in closing:
        arm.close()
    rclpy.shutdown(context=context)


@pytest.fixture
def wave(tmp_path):
    return three_joints.save(tmp_path / 'wave')


def test_everything_in_order(configure, wave):
    assert configure([f'wave={wave}']) == ''


def test_missing_checkpoint(configure, tmp_path):
    assert 'no checkpoint folder' in configure([f'wave={tmp_path / "absent"}'])


def test_missing_file(configure, wave, tmp_path):
    (tmp_path / 'wave' / 'weights.safetensors').unlink()
    assert 'weights.safetensors is missing' in configure([f'wave={wave}'])


def test_truncated_weights(configure, wave, tmp_path):
    weights = tmp_path / 'wave' / 'weights.safetensors'
    weights.write_bytes(weights.read_bytes()[:-100])
    assert 'truncated or corrupt' in configure([f'wave={wave}'])


def test_checkpoint_of_another_robot(configure, tmp_path):
    joints = ['left', 'right', 'grip']
    action = {'name': 'arm', 'kind': 'joint_position', 'dims': joints, 'joints': joints,
              'controller': three_joints.CONTROLLER}  # fmt: skip
    other = three_joints.save(tmp_path / 'other', actions=[action])
    assert "no joints ['left', 'right', 'grip']" in configure([f'other={other}'])


def test_controller_of_other_joints(configure, wave):
    reason = configure([f'wave={wave}'], arm={'joints': ('base_joint', 'gripper')})
    assert 'gripper' in reason
    assert 'elbow_joint' in reason


def test_dangerous_controller_is_refused_unless_allowed(configure, wave):
    dangerous = {'from_desired': False}
    reason = configure([f'wave={wave}'], arm=dangerous)
    assert 'interpolate_from_desired_state' in reason
    assert configure([f'wave={wave}'], arm=None, allow_unsafe_controller=True) == ''


def test_absent_controller_and_robot(configure, wave):
    assert 'robot_description' in configure([f'wave={wave}'], arm=None, startup_timeout=0.5)


def test_chunks_too_short_for_the_horizon(configure, tmp_path):
    greedy = three_joints.save(tmp_path / 'greedy', n_action_steps=15)
    assert 'lower n_action_steps' in configure([f'greedy={greedy}'])


def test_policies_that_are_not_named(configure):
    assert "'wave'" in configure(['wave'])
    assert 'empty' in configure([''])


def test_a_network_that_fails_in_its_first_prediction_is_told(configure, wave, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError('CUDA error: no kernel image is available')

    monkeypatch.setattr('dp_policy_node.policies.warm_up', fail)
    assert 'the first predictions failed: CUDA error' in configure([f'wave={wave}'])


def test_an_error_that_nobody_foresaw_frees_everything_and_is_told(configure, wave, monkeypatch):
    def fail(*_, **__):
        raise KeyError('surprise')

    monkeypatch.setattr('dp_policy_node.robot.check_timing', fail)
    assert "an error in the transition from 'unconfigured'" in configure([f'wave={wave}'])
