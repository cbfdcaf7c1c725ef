# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Positions go to the arm as they come."""

from dp_sim.forward_position_controller import ForwardPositionController
from dp_sim.trajectory_rules import Verdict
import numpy as np
import pytest

MS = 1_000_000
NAN = float('nan')


@pytest.fixture
def controller():
    controller = ForwardPositionController(('a', 'b'))
    controller.activate(0, np.array([0.1, 0.2]))
    return controller


def positions(controller, ms):
    command = controller.update(ms * MS, 2 * MS, np.zeros(2), np.zeros(2))
    np.testing.assert_array_equal(command[1:], np.zeros((2, 2)))
    return command[0].tolist()


def test_the_arm_is_held_until_the_first_message_and_then_follows_the_newest(controller):
    assert positions(controller, 2) == [0.1, 0.2]
    for value in (0.5, 0.6):
        assert controller.receive((value, -value), 3 * MS).verdict is Verdict.ACCEPTED
    assert positions(controller, 4) == [0.6, -0.6]
    assert positions(controller, 400) == [0.6, -0.6]
    assert controller.accepted == 2


def test_a_stream_that_stops_has_run_out(controller):
    positions(controller, 2)
    assert controller.ran_out
    controller.receive((0.0, 0.0), 2 * MS)
    positions(controller, 52)
    assert not controller.ran_out
    positions(controller, 54)
    assert controller.ran_out
    positions(controller, -60_000)  # the clock was set back
    assert controller.ran_out


@pytest.mark.parametrize(
    ('message', 'log'),
    [
        ((0.1,), 'command size (1) does not match number of interfaces (2)'),
        ((0.1, NAN), 'Non-finite value received. Dropping message'),
    ],
)
def test_what_the_real_one_complains_about_is_refused(controller, message, log):
    judgement = controller.receive(message, MS)
    assert (judgement.verdict, judgement.log) == (Verdict.REJECTED, log)
    assert positions(controller, 2) == [0.1, 0.2] and controller.rejected == 1


def test_an_inactive_controller_forgets_and_drops(controller):
    controller.receive((0.5, 0.5), MS)
    positions(controller, 2)
    controller.deactivate()
    assert controller.receive((0.9, 0.9), 3 * MS).verdict is Verdict.DROPPED_INACTIVE
    assert positions(controller, 4) == [0.5, 0.5]
    controller.activate(5 * MS, np.array([0.4, 0.4]))
    assert positions(controller, 6) == [0.4, 0.4]


def test_speed_scaling_changes_nothing(controller):
    controller.scaling = 0.1
    controller.receive((0.5, 0.5), MS)
    assert positions(controller, 2) == [0.5, 0.5]
