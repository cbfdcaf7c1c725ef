# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from dp_core.braking import brake
from dp_core.braking import LastSeen
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import Source
from dp_core.lost_brake import lost_messages
from dp_core.motion import CommandedMotion
from dp_core.motion import Trajectory
from hypothesis import given
from hypothesis import strategies as st
from motion_samples import JOINTS
from motion_samples import moving
from motion_samples import NS
from motion_samples import seeds
from motion_samples import T0
import numpy as np
import pytest

MS = NS // 1000
sources = st.sampled_from([Source.CONTROLLER_STATE, Source.JOINT_STATES])


def seen(motion, now_ns, source, lag_ms=0):
    """What is told of an arm that follows a motion; servos are late, a reference is not."""
    state = motion.at(now_ns)
    late = motion.at(now_ns - (0 if source is Source.CONTROLLER_STATE else lag_ms) * MS)
    return ControllerFeedback(
        now_ns, source, state.position, state.velocity, late.position, late.velocity
    )


def braked(random):
    """Return a motion that goes on, our model of it with a brake at T0, and that brake."""
    goes_on = moving(random)
    model = CommandedMotion(goes_on.at(0).position)
    model._sent.extend(goes_on._sent)
    sent = brake(model, JOINTS, T0, 5.0)
    model.follow(sent)
    return goes_on, model, sent


@given(seeds, sources, st.integers(0, 1500), st.integers(0, 300), st.booleans())
def test_an_arm_that_obeys_is_left_alone(seed, source, after_ms, lag_ms, from_measured):
    """Though it sags by 20 mrad, and is measured with noise."""
    random = np.random.default_rng(seed)
    _, model, _ = braked(random)
    feedback = seen(model, T0 + after_ms * MS, source, lag_ms)
    feedback = replace(
        feedback,
        measured=feedback.measured + random.uniform(-0.02, 0.02, 2),
        measured_velocity=feedback.measured_velocity + random.normal(0.0, 0.02, 2),
    )
    assert lost_messages(model, feedback, from_measured=from_measured) == 0


@given(seeds, sources, st.integers(0, 700), st.integers(0, 100))
def test_one_that_drives_on_is_found_once_it_is_apart(seed, source, after_ms, lag_ms):
    """It is found, and what it follows, or it is where the brake has it."""
    goes_on, model, _ = braked(np.random.default_rng(seed))
    now_ns = T0 + after_ms * MS
    feedback = seen(goes_on, now_ns, source, lag_ms)
    apart = np.abs(goes_on.at(now_ns).position - model.at(now_ns).position).max()
    speed = np.abs(feedback.measured_velocity).max()
    lost = lost_messages(model, feedback, from_measured=False)
    if lost:
        model.forget(lost)
        np.testing.assert_array_equal(model.at(now_ns).position, goes_on.at(now_ns).position)
    else:
        assert apart < 0.1 or speed < 0.06


@pytest.mark.parametrize(
    ('source', 'found_ms'), [(Source.CONTROLLER_STATE, 62), (Source.JOINT_STATES, 162)]
)
def test_at_half_a_radian_per_second_it_takes_so_long(source, found_ms):
    """A brake needs 0.1 s to begin; the servos are 30 ms late."""
    speed = np.array([0.5, 0.0])
    line = Trajectory(
        start_ns=T0 - NS,
        joint_names=JOINTS,
        start_position=-speed,
        start_velocity=speed,
        times_s=np.array([2.0, 2.4]),
        positions=np.array([speed, 1.2 * speed]),
        velocities=np.array([speed, 0.0 * speed]),
    )
    goes_on, model = CommandedMotion(-speed), CommandedMotion(-speed)
    goes_on.follow(line)
    model.follow(line)
    model.follow(brake(model, JOINTS, T0, 5.0))
    found = [
        after_ms
        for after_ms in range(0, 300, 2)
        if lost_messages(
            model, seen(goes_on, T0 + after_ms * MS, source, lag_ms=30), from_measured=False
        )
    ]
    assert found == list(range(found_ms, 300, 2))


@pytest.mark.parametrize('measured', [None, np.zeros(2)])
def test_an_arm_of_which_no_speed_is_told_says_nothing(measured):
    _, model, _ = braked(np.random.default_rng(0))
    feedback = ControllerFeedback(T0, Source.JOINT_STATES, np.zeros(2), None, measured)
    assert lost_messages(model, feedback, from_measured=False) == 0
    assert lost_messages(model, None, from_measured=False) == 0


@given(seeds, st.integers(50, 400), st.integers(0, 400), st.integers(0, 900), st.integers(0, 60))
def test_a_robot_that_hung_and_obeys_late_is_left_alone(seed, before_ms, after_ms, since_ms, lag):
    """It hung before a gentle brake was sent, and began it where it was when it woke up."""
    motion = moving(np.random.default_rng(seed))
    model = CommandedMotion(motion.at(0).position)
    model._sent.extend(motion._sent)
    hung = motion.at(T0 - before_ms * MS)
    sent = brake(model, JOINTS, T0, 5.0, LastSeen(hung.position, hung.velocity))
    model.follow(sent)
    late = CommandedMotion(hung.position)
    woke_ns = T0 + after_ms * MS
    late.follow(
        replace(sent, start_ns=woke_ns, start_position=hung.position, start_velocity=hung.velocity)
    )
    feedback = seen(late, woke_ns + since_ms * MS, Source.JOINT_STATES, lag)
    assert lost_messages(model, feedback, from_measured=False) == 0
