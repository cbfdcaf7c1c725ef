# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The same facts from three sources, and where the next plan begins by each of them."""

from types import SimpleNamespace

from dp_core.errors import ObservationError
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import from_controller_state
from dp_core.feedback import from_joint_states
from dp_core.feedback import from_model
from dp_core.feedback import hand_over
from dp_core.feedback import Source
from dp_core.motion import CommandedMotion
from dp_core.motion import Trajectory
import numpy as np
import pytest

MS = 1_000_000
T0 = 1_700_000_000_000 * MS
NAN = float('nan')
JOINTS = ('a', 'b')


def point(positions=(), velocities=()):
    return SimpleNamespace(positions=list(positions), velocities=list(velocities))


def state(
    names=JOINTS, reference=(0.1, 0.2), speeds=(1.0, 2.0), measured=(0.09, 0.17),
    measured_speeds=(0.9, 1.8), stamp_ns=T0, scaling=1.0,
):  # fmt: skip
    """Has the fields of control_msgs/JointTrajectoryControllerState."""
    sec, nanosec = divmod(stamp_ns, 10**9)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=nanosec)),
        joint_names=list(names),
        reference=point(reference, speeds),
        feedback=point(measured, measured_speeds),
        error=point(),
        output=point(),  # as after a NaN
        speed_scaling_factor=scaling,
    )


def moving(speed=0.5):
    """Joint a at `speed`, from 0 rad at T0, for a second and then to rest."""
    motion = CommandedMotion(np.zeros(2))
    v = np.array([speed, 0.0])
    motion.follow(
        Trajectory(
            T0, JOINTS, np.zeros(2), v, np.array([1.0, 1.2]), np.array([v, 1.1 * v]),
            np.array([v, 0 * v]),
        )
    )  # fmt: skip
    return motion


def test_a_controller_tells_reference_measurement_and_error():
    feedback = from_controller_state({'state': state()}, JOINTS)
    assert (feedback.stamp_ns, feedback.source) == (T0, Source.CONTROLLER_STATE)
    assert feedback.position.tolist() == [0.1, 0.2]
    assert feedback.velocity.tolist() == [1.0, 2.0]
    np.testing.assert_allclose(feedback.error, [0.01, 0.03])
    assert feedback.measured_velocity.tolist() == [0.9, 1.8]
    assert feedback.speed_scaling == 1.0


def test_joints_of_two_controllers_are_read_by_name_the_older_and_slower_counts():
    messages = {
        'left': state(('b',), (0.2,), (2.0,), (0.17,), (1.8,), T0 + 5 * MS, 0.5),
        'right': state(('x', 'a'), (9.0, 0.1), (9.0, 1.0), (9.0, 0.09), (9.0, 0.9)),
    }
    feedback = from_controller_state(messages, JOINTS)
    assert feedback.position.tolist() == [0.1, 0.2]
    np.testing.assert_allclose(feedback.error, [0.01, 0.03])
    assert (feedback.stamp_ns, feedback.speed_scaling) == (T0, 0.5)


def test_a_controller_that_tells_no_speed_does_not_hide_that_of_the_other():
    messages = {
        'left': state(('b',), (0.2,), (2.0,), (0.17,), (1.8,), scaling=0.1),
        'right': state(('a',), (0.1,), (1.0,), (0.09,), (0.9,), scaling=NAN),
    }
    assert from_controller_state(messages, JOINTS).speed_scaling == 0.1


@pytest.mark.parametrize('speeds', [(), (NAN, 1.0)])
def test_what_is_not_told_is_unknown(speeds):
    feedback = from_controller_state(
        {'state': state(speeds=speeds, measured=(NAN, 0.1), measured_speeds=())}, JOINTS
    )
    assert feedback.velocity is None
    assert feedback.measured is None and feedback.error is None
    assert feedback.measured_velocity is None


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'reference': (0.1, NAN)}, r"reference of \['b'\] is not a number"),
        ({'reference': ()}, 'has 0 positions for 2 joints'),
        ({'names': ('a', 'c')}, r"nothing of the joints \['b'\]"),
    ],
)
def test_a_reference_that_cannot_be_used_is_told(changes, words):
    with pytest.raises(ObservationError, match=words):
        from_controller_state({'state': state(**changes)}, JOINTS)


def test_joint_states_are_compared_with_the_model_at_their_stamp():
    feedback = from_joint_states(T0 + 200 * MS, np.array([0.08, 0.0]), None, moving())
    assert feedback.source is Source.JOINT_STATES
    np.testing.assert_allclose(feedback.position, [0.1, 0.0])
    np.testing.assert_allclose(feedback.velocity, [0.5, 0.0])
    np.testing.assert_allclose(feedback.error, [0.02, 0.0])
    assert np.isnan(feedback.speed_scaling)


def test_before_the_first_command_an_arm_holds_where_it_is():
    feedback = from_joint_states(T0, np.array([0.3, 0.4]), None, None)
    assert feedback.position.tolist() == [0.3, 0.4]
    assert feedback.error.tolist() == [0.0, 0.0] and feedback.velocity.tolist() == [0.0, 0.0]


def test_the_model_alone_knows_no_arm():
    feedback = from_model(moving(), T0 + 200 * MS)
    np.testing.assert_allclose(feedback.position, [0.1, 0.0])
    assert feedback.source is Source.MODEL and feedback.error is None


def handed_over(feedback, ms, from_measured=False):
    """State that the next plan begins with, so long after T0."""
    motion = moving()
    hand_over(motion, feedback, JOINTS, from_measured=from_measured)
    return motion.at(T0 + ms * MS)


def test_a_controller_that_is_where_we_think_changes_nothing():
    feedback = from_controller_state(
        {'state': state(reference=(0.114, 0.0), speeds=(0.5, 0.0), stamp_ns=T0 + 200 * MS)}, JOINTS
    )  # 28 ms early: 20 of them are the time on the way, and 4 mrad are let pass
    np.testing.assert_allclose(handed_over(feedback, 300).position, [0.15, 0.0])


def test_a_controller_a_little_farther_off_is_believed():
    feedback = from_controller_state(
        {'state': state(reference=(0.116, 0.0), speeds=(0.5, 0.0), stamp_ns=T0 + 200 * MS)}, JOINTS
    )
    np.testing.assert_allclose(handed_over(feedback, 210).position, [0.121, 0.0])


def accelerated(start_ns, acceleration):
    """Joint a from rest at 0 rad for half a second, and to rest."""
    speed, way = 0.5 * acceleration, 0.125 * acceleration
    return Trajectory(
        start_ns, JOINTS, np.zeros(2), np.zeros(2), np.array([0.5, 1.0]),
        np.array([[way, 0.0], [2.0 * way, 0.0]]), np.array([[speed, 0.0], [0.0, 0.0]]),
    )  # fmt: skip


def told(source, ms, position, speed):
    """A controller or an arm at ``position``, so long after T0."""
    place, velocity = np.array([position, 0.0]), np.array([speed, 0.0])
    if source == 'controller_state':
        return ControllerFeedback(T0 + ms * MS, Source.CONTROLLER_STATE, place, velocity, place)
    return from_joint_states(T0 + ms * MS, place, velocity, CommandedMotion(place))


@pytest.mark.parametrize('source', ['controller_state', 'joint_states'])
def test_a_controller_that_lost_a_message_still_follows_the_one_before(source):
    """Position, velocity and acceleration are those of what it heard; here after 0.4 s."""
    motion = CommandedMotion(np.zeros(2))
    motion.follow(accelerated(T0, 1.0))
    motion.follow(accelerated(T0 + 1 * MS, -1.0))  # never heard
    hand_over(motion, told(source, 400, 0.08, 0.4), JOINTS, from_measured=False)
    start = motion.at(T0 + 400 * MS)
    np.testing.assert_allclose([start.position[0], start.velocity[0]], [0.08, 0.4])
    assert start.acceleration[0] == pytest.approx(1.0)
    assert motion.remembered == 1


@pytest.mark.parametrize(
    ('ms', 'position', 'speed'),
    [
        (400, 0.05, 0.5),  # 0.3 s late
        (400, 0.21, 0.5),  # 10 mrad ahead
        (400, 0.10, 0.0),  # farther back, but stands: it began to move and hangs
        (400, 0.90, 0.3),  # somewhere else, and moves: who knows
        (1500, 0.53, 0.0),  # rests where it was sent, less what a servo leaves
    ],
)
def test_an_arm_that_is_late_pushed_or_at_rest_changes_nothing(ms, position, speed):
    motion = moving()
    before = motion.at(T0 + ms * MS)
    if speed == 0.0 and ms == 400:
        position = before.position[0] - 0.04
    hand_over(motion, told('joint_states', ms, position, speed), JOINTS, from_measured=False)
    np.testing.assert_allclose(motion.at(T0 + ms * MS).position, before.position)


def test_an_arm_that_sags_is_not_followed_down():
    """Its controller holds what it was sent; a plan from where the arm hangs would be a step."""
    motion = moving()
    before = motion.at(T0 + 1500 * MS).position
    told_arm = told('joint_states', 1500, float(before[0]) - 0.06, 0.0)
    hand_over(motion, told_arm, JOINTS, from_measured=False)
    np.testing.assert_allclose(motion.at(T0 + 1500 * MS).position, before)


def test_an_arm_that_sags_is_not_thought_to_follow_what_it_is_nearer_to_by_chance():
    """Of two motions to 0.045 and to 0.06 rad it was sent the second, and hangs 25 mrad below."""
    motion = CommandedMotion(np.zeros(2))
    motion.follow(accelerated(T0, 0.18))
    motion.follow(accelerated(T0 + 1 * MS, 0.24))
    hand_over(motion, told('joint_states', 1500, 0.035, 0.0), JOINTS, from_measured=False)
    assert motion.remembered == 2
    hand_over(motion, told('joint_states', 1500, 0.0, 0.0), JOINTS, from_measured=False)
    assert motion.remembered == 2


def test_an_arm_of_which_no_velocity_is_known_is_not_said_to_stand():
    motion = moving()
    feedback = from_joint_states(T0 + 400 * MS, np.array([-0.3, 0.0]), None, motion)
    hand_over(motion, feedback, JOINTS, from_measured=False)
    np.testing.assert_allclose(motion.at(T0 + 400 * MS).position, [0.2, 0.0])


def test_a_plan_begins_where_a_slow_controller_is():
    """At half speed it is at 0.05 rad after 0.2 s, and its trajectory's velocity is the same."""
    feedback = from_controller_state(
        {'state': state(reference=(0.05, 0.0), speeds=(0.5, 0.0), stamp_ns=T0 + 200 * MS,
                        scaling=0.5)},
        JOINTS,
    )  # fmt: skip
    start = handed_over(feedback, 210)
    np.testing.assert_allclose(start.position, [0.055, 0.0])
    np.testing.assert_allclose(start.velocity, [0.5, 0.0])


def test_a_reference_without_velocities_goes_on_by_the_velocity_of_the_model():
    feedback = from_controller_state(
        {'state': state(reference=(0.05, 0.0), speeds=(), stamp_ns=T0 + 200 * MS)}, JOINTS
    )
    np.testing.assert_allclose(handed_over(feedback, 210).velocity, [0.5, 0.0])


def test_joint_states_say_nothing_of_the_reference():
    feedback = from_joint_states(T0 + 200 * MS, np.array([0.0, 0.0]), None, moving())
    np.testing.assert_allclose(handed_over(feedback, 300).position, [0.15, 0.0])


@pytest.mark.parametrize('source', ['controller_state', 'joint_states'])
def test_the_dangerous_parameter_begins_every_plan_at_the_measured_arm(source):
    """An arm that lags by 30 ms at 0.5 rad/s is 15 mrad behind its command."""
    at_ns, measured, speed = T0 + 200 * MS, np.array([0.085, 0.0]), np.array([0.4, 0.0])
    if source == 'controller_state':
        told = state(reference=(0.1, 0.0), speeds=(0.5, 0.0), measured=measured,
                     measured_speeds=speed, stamp_ns=at_ns)  # fmt: skip
        feedback = from_controller_state({'state': told}, JOINTS)
    else:
        feedback = from_joint_states(at_ns, measured, speed, moving())
    start = handed_over(feedback, 210, from_measured=True)
    np.testing.assert_allclose(start.position, [0.089, 0.0])
    np.testing.assert_allclose(start.velocity, [0.4, 0.0])


def test_without_a_measurement_the_dangerous_controller_is_met_where_we_think():
    for feedback in (None, from_model(moving(), T0 + 200 * MS)):
        start = handed_over(feedback, 300, from_measured=True)
        np.testing.assert_allclose(start.position, [0.15, 0.0])


def test_a_state_known_at_one_instant_only_comes_to_rest():
    feedback = from_joint_states(T0, np.array([0.0, 0.0]), np.array([0.4, 0.0]), moving())
    start = handed_over(feedback, 10_000, from_measured=True)
    np.testing.assert_allclose(start.position, [0.06, 0.0])
    assert not start.velocity.any()
