# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How the supervisor brakes: from where, and by what is known of an arm that does not follow."""

from dataclasses import replace
import time

from dp_core.feedback import Source
from dp_core.following import STANDING_GRACE_S
import numpy as np
import pytest

pytest.importorskip('dp_msgs.msg')

from dp_core.watchdog import Fault
from dp_core.watchdog import Verdict
from dp_policy_node.episode import Code
from supervised import complaint
from supervised import World


@pytest.fixture
def world():
    world = World()
    assert world.check() is None
    return world


@pytest.mark.parametrize('clock_s', [5.0, -5.0])
def test_after_a_clock_jump_the_brake_begins_where_the_arm_is(world, clock_s):
    assert world.check(clock_s).code == Code.CLOCK_JUMP
    world.supervisor.brake()
    _, _, (ros_ns, steady_ns), _ = world.brakes[0]
    assert ros_ns == world.begin_ns
    assert 0 <= time.monotonic_ns() - steady_ns < 1_000_000_000


@pytest.mark.parametrize('source', [Source.JOINT_STATES, Source.CONTROLLER_STATE])
def test_an_arm_that_stands_is_held_where_it_is_unless_its_reference_is_known(world, source):
    world.source = source
    world.speed = np.array([0.0, 0.2, 0.0])
    world.measured = np.array([0.0, 0.01, 0.0])
    assert world.check() is None
    assert 'stands still' in world.check_later(STANDING_GRACE_S + 0.05).reason
    world.supervisor.brake()
    ((*_, seen),) = world.brakes
    assert (seen is None) is (source is Source.CONTROLLER_STATE)
    if seen is not None:
        assert seen.stands and seen.position.tolist() == [0.0, 0.01, 0.0]


@pytest.mark.parametrize('source', [Source.JOINT_STATES, Source.CONTROLLER_STATE])
def test_an_arm_that_is_slowed_down_is_held_where_it_is_unless_its_reference_is_known(
    world, source
):
    """The brake waits in the controller, and goes off when the robot runs freely again."""
    world.source = source
    world.measured = np.array([0.0, 0.3, 0.0])
    assert world.check() is None
    world.verdict = Verdict(Fault.SPEED_SCALING, 'the robot runs at 0 %')
    assert world.check().code == Code.SPEED_SCALING
    world.supervisor.brake(Code.SPEED_SCALING)
    ((*_, seen),) = world.brakes
    assert (seen is None) is (source is Source.CONTROLLER_STATE)
    assert seen is None or (seen.stands and seen.position.tolist() == [0.0, 0.3, 0.0])


def test_brake_is_for_its_own_run_only_with_the_acceleration_that_was_set():
    world = World(max_acceleration=2.5)
    world.episode.epoch = 7
    world.supervisor.brake()
    assert world.brakes == [(2.5, 7, None, None)]


def falls_silent(world, stream, code):
    """0.51 s after the last of a stream, with nothing heard of the joints for 0.5 s."""
    setattr(world, stream, world.begin_ns)
    assert world.check(0.2) is None
    time.sleep(0.3)
    world.inputs.joint_silence_s = 0.5
    assert world.check(0.51).code == code
    world.supervisor.brake()


def test_a_brake_for_a_silent_robot_knows_where_it_was_seen_last(world):
    world.state_ns = world.begin_ns
    assert world.check(0.2) is None
    time.sleep(0.3)
    assert world.check(0.51).code == Code.JOINT_STATE_STALL
    world.supervisor.brake()  # stamps are old, but they arrive
    world.inputs.joint_silence_s = 0.5
    assert world.check(0.52).code == Code.JOINT_STATE_STALL
    world.supervisor.brake()
    world.inputs.complaint = complaint(future=True)  # a picture's, which explains no joints
    assert world.check(0.525).code == Code.JOINT_STATE_STALL
    world.inputs.joint_complaint = world.inputs.complaint
    assert world.check(0.53).code == Code.CLOCK_JUMP
    world.supervisor.brake()
    before, silent, after = (seen for *_, seen in world.brakes)
    assert before is None and after is None
    assert silent.position.tolist() == [0.0] * 3 and not silent.stands


def test_a_robot_is_silent_whichever_of_its_streams_is_missed_first(world):
    falls_silent(world, 'window_ns', Code.OBSERVATION_STALL)
    world.inputs.joint_silence_s = 0.0  # another stream is missed, and the arm is heard
    assert world.check(0.52).code == Code.OBSERVATION_STALL
    world.supervisor.brake()
    (*_, silent), (*_, heard) = world.brakes
    assert silent is not None and not silent.stands
    assert heard is None


def test_a_single_message_long_ago_is_not_why_the_robot_is_silent(world):
    old = replace(complaint(future=True), steady_s=time.monotonic() - 0.6)
    world.inputs.complaint = world.inputs.joint_complaint = old
    falls_silent(world, 'state_ns', Code.JOINT_STATE_STALL)
    ((*_, seen),) = world.brakes
    assert seen is not None and not seen.stands
