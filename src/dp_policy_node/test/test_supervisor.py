# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Every reason to end an episode, one at a time, with a healthy rest."""

import time

from dp_core.following import STANDING_GRACE_S
from dp_core.following import TRACKING_GRACE_S
from dp_core.watchdog import Fault
from dp_core.watchdog import Verdict
import numpy as np
import pytest

pytest.importorskip('dp_msgs.msg')

from dp_policy_node.convert import RobotState
from dp_policy_node.episode import Code
from supervised import complaint
from supervised import World


@pytest.fixture
def world():
    world = World()
    assert world.check() is None
    return world


@pytest.mark.parametrize(
    ('fault', 'code'),
    [
        (Fault.EMERGENCY_STOP, Code.EMERGENCY_STOP),
        (Fault.DEADMAN, Code.DEADMAN),
        (Fault.ROBOT_PROGRAM, Code.ROBOT_PROGRAM),
        (Fault.SAFETY_MODE, Code.SAFETY_MODE),
        (Fault.SPEED_SCALING, Code.SPEED_SCALING),
    ],
)
def test_a_signal_that_forbids_motion_ends_the_goal_with_its_reason(world, fault, code):
    world.verdict = Verdict(fault, 'not now')
    ending = world.check()
    assert (ending.code, ending.reason) == (code, 'not now')


def test_timeout():
    world = World()
    world.episode.plan.timeout_s = 0.1
    assert world.check(0.05) is None
    assert world.check(0.11).code == Code.TIMEOUT


def test_observations_may_pause_but_not_stay_away(world):
    world.window_ns = 0
    assert world.check(0.2) is None
    assert world.supervisor.stalled
    time.sleep(0.3)
    ending = world.check(0.51)
    assert ending.code == Code.OBSERVATION_STALL
    assert "'front'" in ending.reason


def test_a_node_that_was_held_up_reads_first_what_has_arrived(world):
    world.state_ns = world.begin_ns
    time.sleep(0.3)
    world.inputs.robot_state = RobotState(world.begin_ns, np.zeros(3), None)
    late_ns = world.begin_ns + 510_000_000
    assert world.supervisor.check(late_ns) is None  # 0.3 s after the check before
    ending = None
    while ending is None:  # a busy machine may hold this test up, too
        time.sleep(0.06)
        ending = world.supervisor.check(late_ns)
    assert ending.code == Code.JOINT_STATE_STALL


def test_a_node_that_was_held_up_once_reads_first_however_long_that_was(world):
    time.sleep(0.45)
    world.inputs.robot_state = RobotState(world.begin_ns, np.zeros(3), None)
    assert world.supervisor.check(world.begin_ns + 510_000_000) is None


def test_a_node_that_is_held_up_all_the_time_is_not_waited_for_for_ever():
    world = World(stall_timeout=0.2)
    world.window_ns = 0
    ends = []
    while not any(ends) and len(ends) < 20:
        time.sleep(0.11)  # between two checks
        world.inputs.robot_state = RobotState(time.monotonic_ns(), np.zeros(3), None)
        ends.append(world.supervisor.check(time.monotonic_ns()) is not None)
    assert any(ends) and ends.index(True) >= 2  # after 0.22 s it still reads what has arrived


def test_joint_states_must_arrive_even_when_the_clock_stands_still(world):
    world.inputs.joint_silence_s = 4.0
    assert world.check().code == Code.JOINT_STATE_STALL


def test_a_stall_of_messages_that_were_refused_says_why(world):
    world.window_ns = 0
    world.inputs.complaint = complaint()
    time.sleep(0.3)
    ending = world.check(0.51)
    assert ending.code == Code.INVALID_OBSERVATION
    assert 'a bad message' in ending.reason


def test_stamps_from_the_future_are_a_matter_of_clocks(world):
    world.window_ns = 0
    world.inputs.complaint = complaint(future=True)
    time.sleep(0.3)
    assert world.check(0.51).code == Code.CLOCK_JUMP


def test_what_can_never_be_right_ends_at_once(world):
    world.inputs.complaint = complaint(invalid=True)
    assert world.check().code == Code.INVALID_OBSERVATION


def test_clock_jump(world):
    assert world.check(5.0).code == Code.CLOCK_JUMP


def test_inference_that_is_dead_or_takes_longer_than_was_set():
    world = World(inference_timeout=0.7)
    world.worker.busy_s = 0.69
    assert world.check() is None
    world.worker.busy_s = 0.71
    assert 'takes longer than 0.7 s' in world.check().reason
    assert world.check().code == Code.INFERENCE_FAILED
    world.worker.busy_s, world.worker.is_alive = 0.0, False
    assert world.check().code == Code.INFERENCE_FAILED


@pytest.mark.parametrize(('expired', 'ends'), [(0, False), (3, True)])
def test_a_policy_too_slow_for_its_chunks_may_let_the_arm_wait_but_not_for_long(
    world, expired, ends
):
    world.worker.expired_in_row = expired
    world.output.end_ns = world.begin_ns + 100_000_000
    time.sleep(0.4)
    assert world.check(0.6) is None
    ending = world.check(0.61)
    assert (ending is not None and ending.code == Code.OVERRUN) is ends
    assert not ends or '0.51 s; chunks in a row' in ending.reason


@pytest.mark.parametrize('how', ['deaf', 'refused', 'lost'])
def test_a_controller_that_does_not_listen_refuses_or_falls_silent(world, how):
    setattr(world, how, f'the controller is {how}')
    ending = world.check()
    assert (ending.code, ending.reason) == (Code.CONTROLLER, f'the controller is {how}')


def test_a_dry_run_moves_no_arm(world):
    world.output.moves_arm = False
    world.command = np.array([0.0, 0.4, 0.0])
    world.lost = 'the controller is off'
    assert world.check() is None
    assert world.check_later(TRACKING_GRACE_S + 0.05) is None


def test_an_arm_off_its_command_for_longer_than_a_lag(world):
    world.command = np.array([0.0, 0.4, 0.0])
    assert world.check() is None
    time.sleep(TRACKING_GRACE_S + 0.05)
    ending = world.check()
    assert ending.code == Code.CONTROLLER
    assert 'b is 0.400 rad' in ending.reason


def test_an_arm_that_catches_up_goes_on(world):
    world.command = np.array([0.0, 0.4, 0.0])
    assert world.check() is None
    world.command = np.zeros(3)
    assert world.check() is None
    time.sleep(TRACKING_GRACE_S + 0.05)
    world.command = np.array([0.0, 0.4, 0.0])
    assert world.check() is None


@pytest.mark.parametrize(('moved', 'ends'), [(0.004, True), (0.006, False)])
def test_an_arm_that_stands_still_while_commanded_to_move(world, moved, ends):
    world.speed = np.array([0.2, 0.0, 0.0])
    assert world.check() is None
    world.measured = np.array([moved, 0.0, 0.0])
    ending = world.check_later(STANDING_GRACE_S + 0.02)
    assert (ending is not None and ending.code == Code.CONTROLLER) is ends


def test_an_arm_may_rest_where_it_is_commanded_to(world):
    assert world.check() is None
    assert world.check_later(STANDING_GRACE_S + 0.02) is None


def test_an_arm_of_which_nothing_is_heard_is_not_said_to_stand(world):
    world.speed = np.array([0.2, 0.0, 0.0])
    world.state_ns = world.begin_ns
    assert world.check_later(STANDING_GRACE_S + 0.02) is None  # the stall timeout is longer


def test_joint_states_and_controllers_may_not_stay_away_for_longer_than_was_set():
    world = World(stall_timeout=0.2)
    world.state_ns = world.begin_ns
    assert world.check() is None
    assert world.check(0.2) is None
    ending = world.check(0.21)
    assert ending.code == Code.JOINT_STATE_STALL
    assert 'joint states stopped 0.210 s ago, allowed are 0.2 s' in ending.reason
    world.state_ns, world.lost = None, 'silent for {} s'
    assert world.check(0.22).reason == 'silent for 0.2 s'


@pytest.mark.parametrize(
    ('setting', 'off_rad', 'scaling', 'words'),
    [
        ({'tracking_tolerance': 0.05}, 0.06, 1.0, 'allowed are 0.05 rad'),
        ({'tracking_tolerance': 0.5}, 0.4, 1.0, ''),
        ({'min_speed_scaling': 0.6}, 0.0, 0.5, 'min_speed_scaling is 60 %'),
        ({'min_speed_scaling': 0.1}, 0.0, 0.15, ''),
    ],
)
def test_an_arm_is_held_to_the_tolerances_that_were_set(setting, off_rad, scaling, words):
    world = World(**setting)
    world.command, world.scaling = np.array([0.0, off_rad, 0.0]), scaling
    assert world.check() is None
    time.sleep(TRACKING_GRACE_S + 0.05)
    ending = world.check()
    assert words in ending.reason if words else ending is None


def test_of_several_endings_the_first_one_stands(world):
    assert world.episode.end(Code.CANCELED, 'cancelled')
    assert not world.episode.end(Code.LIMIT, 'too late')
    assert world.episode.wait(0.0).code == Code.CANCELED
