# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What does not fit is told in one sentence before anything moves."""

from pathlib import Path
import shutil

from dp_msgs.msg import PolicyStatus
from lifecycle_msgs.msg import Transition
from motion_record import until
import pytest

pytestmark = pytest.mark.ros

PUSHT = Path(__file__).parents[2] / 'src' / 'dp_bringup' / 'policies' / 'pusht_state'


def absent(folder):
    shutil.rmtree(folder)


def without_statistics(folder):
    (folder / 'statistics.safetensors').unlink()


def truncated(folder):
    weights = folder / 'weights.safetensors'
    weights.write_bytes(weights.read_bytes()[:-1000])


def of_another_arm(folder):
    document = folder / 'policy.yaml'
    document.write_text(document.read_text().replace('wrist_3_joint', 'wrist_4_joint'))


def of_another_window(folder):
    document = folder / 'policy.yaml'
    document.write_text(document.read_text().replace('n_obs_steps: 2', 'n_obs_steps: 3'))


def of_another_scene(folder):
    shutil.rmtree(folder)
    shutil.copytree(PUSHT, folder)


SPOILED = [
    (absent, 'no checkpoint folder at'),
    (without_statistics, 'statistics.safetensors is missing'),
    (truncated, 'weights.safetensors is truncated or corrupt'),
    (of_another_arm, 'wrist_4_joint'),
    (of_another_window, 'policy.yaml needs'),
    (of_another_scene, 'commands no robot'),
]


def configure_fails(stack, **parameters):
    """Start a node that must end by itself; returns the sentence that it leaves."""
    begin_ns = stack.motion.now_ns
    log = stack.start('policy_node', **parameters)
    assert stack.exit_code('policy_node') == 1
    lines = log.read_text().splitlines()
    assert not [line for line in lines if 'Traceback' in line]
    stack.motion.assert_still(begin_ns)
    assert not stack.motion.sent
    (told,) = [line for line in lines if 'configure failed: ' in line]
    return told.partition('configure failed: ')[2]


@pytest.fixture
def scene(running):
    """The stack with a simulation only."""
    running.stop('policy_node')
    if not running.is_running('sim_node'):
        running.start('sim_node')
    running.client.play('')
    running.motion.clear()
    return running


@pytest.mark.parametrize(('spoil', 'sentence'), SPOILED)
def test_checkpoint_that_cannot_be_used_is_refused(
    scene, checkpoint, tmp_path, spoil, sentence, record_property
):
    folder = shutil.copytree(checkpoint, tmp_path / 'policy')
    spoil(folder)
    told = configure_fails(scene, policies=(f'spoiled={folder}',))
    record_property('error_msg', told)
    assert sentence in told


def test_goal_before_activation_is_refused_with_the_reason(scene):
    scene.start('policy_node', autostart=False)
    client = scene.client
    begin_ns = scene.motion.now_ns
    assert 'the node is not active; configure and activate it' in client.refusal()
    assert client.transition(Transition.TRANSITION_CONFIGURE)
    until(lambda: client.status.state == PolicyStatus.INACTIVE, 'the state inactive')
    assert 'the node is not active; configure and activate it' in client.refusal()
    assert client.transition(Transition.TRANSITION_ACTIVATE)
    client.wait_ready()
    assert not scene.motion.sent
    scene.motion.assert_still(begin_ns)


def test_controller_that_would_jerk_the_arm_is_refused_unless_allowed(running, record_property):
    for name in ('policy_node', 'sim_node'):
        running.stop(name)
    running.motion.clear()
    running.start('sim_node', interpolate_from_desired_state=False)
    told = configure_fails(running)
    record_property('error_msg', told)
    assert 'interpolate_from_desired_state' in told and 'allow_unsafe_controller' in told
    running.start('policy_node', allow_unsafe_controller=True)
    running.client.wait_ready()
    running.move()
    begin_ns = running.motion.now_ns
    running.client.cancel_all()
    until(lambda: running.motion.rests_after(begin_ns), 'the arm at rest')
    running.motion.simulate(1.0)
    running.motion.assert_still(running.motion.now_ns - 500_000_000)
    for name in ('policy_node', 'sim_node'):  # the next test shall have a safe controller
        running.stop(name)
