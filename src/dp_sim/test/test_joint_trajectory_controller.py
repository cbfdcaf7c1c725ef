# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The stand-in of joint_trajectory_controller, by numbers that a person can check."""

from dp_sim.joint_trajectory_controller import JointTrajectoryController
from dp_sim.trajectory_rules import ControllerParameters
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import TrajectoryPoint
from dp_sim.trajectory_rules import Verdict
import numpy as np
import pytest

EPOCH_NS = 10**18  # of the clock that stamps are of
MS = 1_000_000


def _controller(**changes):
    controller = JointTrajectoryController(ControllerParameters(joints=('a', 'b'), **changes))
    controller.activate(EPOCH_NS, np.zeros(2))
    return controller


def _message(*points, names=('a', 'b'), stamp_ns=0):
    return TrajectoryMessage(
        names, tuple(TrajectoryPoint(t * MS, *fields) for t, *fields in points), stamp_ns
    )


def _run(controller, first, last, step_ms=2):
    """Tick from `first` to `last` milliseconds after the epoch; return the last reference."""
    for ms in range(first, last + 1, step_ms):
        state = controller.command[:2].copy()
        controller.update(EPOCH_NS + ms * MS, step_ms * MS, *state)
    return controller.reference


def test_positions_alone_move_on_a_line_and_the_end_is_held():
    controller = _controller()
    assert controller.receive(_message((100, (0.1, -0.1))), EPOCH_NS).verdict is Verdict.ACCEPTED
    reference = _run(controller, 2, 52)
    np.testing.assert_allclose(reference[0], (0.05, -0.05), atol=1e-3)
    np.testing.assert_allclose(_run(controller, 54, 104)[0], (0.1, -0.1))
    assert controller.ran_out


def test_names_in_another_order_are_sorted():
    controller = _controller()
    controller.receive(_message((100, (0.2, 0.1)), names=('b', 'a')), EPOCH_NS)
    np.testing.assert_allclose(_run(controller, 2, 200)[0], (0.1, 0.2))


def test_hand_over_advances_two_periods_in_one_tick():
    """The known artefact: the last command is stored with the stamp of its own tick."""
    controller = _controller()
    controller.receive(_message((1000, (1.0, 0.0))), EPOCH_NS)
    before = _run(controller, 2, 100)[0, 0]
    controller.receive(_message((1000, (before + 1.002, 0.0))), EPOCH_NS)
    after = _run(controller, 102, 102)[0, 0]
    assert after - before == pytest.approx(0.004, abs=1e-4)  # 2 periods at 1 rad/s, not 1


def test_without_desired_state_the_motion_restarts_from_the_measured_one():
    controller = _controller(interpolate_from_desired_state=False)
    controller.receive(_message((100, (0.1, 0.1))), EPOCH_NS)
    controller.update(EPOCH_NS + 2 * MS, 2 * MS, np.array([-0.3, 0.3]), np.zeros(2))
    np.testing.assert_allclose(controller.reference[0], (-0.3, 0.3))


def test_newest_of_two_messages_in_one_tick_wins():
    controller = _controller()
    controller.receive(_message((50, (0.5, 0.5))), EPOCH_NS)
    controller.receive(_message((50, (0.1, 0.1))), EPOCH_NS)
    np.testing.assert_allclose(_run(controller, 2, 100)[0], (0.1, 0.1))
    assert controller.accepted == 2


def test_refused_message_changes_nothing_and_is_counted():
    controller = _controller()
    judgement = controller.receive(_message((50, (0.5,)), names=('a',)), EPOCH_NS)
    assert judgement.log == "Joints on incoming trajectory don't match the controller joints."
    assert controller.rejected == 1
    np.testing.assert_allclose(_run(controller, 2, 100)[0], (0.0, 0.0))


def test_message_that_would_kill_the_real_process_is_refused_loudly():
    controller = _controller()
    judgement = controller.receive(_message((50, (0.5, 0.5)), stamp_ns=-1), EPOCH_NS)
    assert judgement.verdict is Verdict.PROCESS_DIED
    assert 'would end the process of the real joint_trajectory_controller' in judgement.log
    assert controller.rejected == 1


def test_partial_message_freezes_the_joints_that_it_leaves_out():
    controller = _controller(allow_partial_joints_goal=True)
    controller.receive(_message((20, (0.2, 0.3))), EPOCH_NS)
    _run(controller, 2, 40)
    controller.receive(_message((20, (0.7,)), names=('b',)), EPOCH_NS)
    np.testing.assert_allclose(_run(controller, 42, 80)[0], (0.2, 0.7))


def test_inactive_controller_drops_messages_and_reactivation_holds():
    controller = _controller()
    controller.deactivate()
    judgement = controller.receive(_message((50, (0.5, 0.5))), EPOCH_NS)
    assert judgement.verdict is Verdict.DROPPED_INACTIVE
    controller.activate(EPOCH_NS, np.array([0.1, 0.2]))
    np.testing.assert_allclose(_run(controller, 2, 100)[0], (0.1, 0.2))


@pytest.mark.parametrize('ms', [60_000, -60_000])
def test_a_clock_that_is_set_does_not_move_the_arm_at_once(ms):
    controller = _controller()
    controller.receive(_message((1000, (1.0, 0.0))), EPOCH_NS)
    before = _run(controller, 2, 500)
    controller.receive(_message((1000, (1.0, 0.0))), EPOCH_NS)
    after = _run(controller, ms, ms)
    np.testing.assert_allclose(after[0], before[0], atol=3e-3)


def test_deferral_waits_for_the_stamp_and_has_room_for_one():
    controller = _controller(generation='B')
    controller.receive(_message((1000, (1.0, 0.0))), EPOCH_NS)
    _run(controller, 2, 100)
    controller.receive(_message((100, (9.0, 9.0)), stamp_ns=EPOCH_NS + 200 * MS), EPOCH_NS)
    _run(controller, 102, 110)
    controller.receive(_message((100, (0.5, 0.1)), stamp_ns=EPOCH_NS + 300 * MS), EPOCH_NS)
    assert _run(controller, 112, 298)[0, 0] == pytest.approx(0.296, abs=1e-4)  # the old line
    np.testing.assert_allclose(_run(controller, 300, 500)[0], (0.5, 0.1))


def test_deferral_never_moves_where_each_message_waits_longer_than_the_next_one_takes():
    controller = _controller(generation='B')
    for ms in range(0, 1000, 100):
        stamp_ns = EPOCH_NS + (ms + 150) * MS
        controller.receive(_message((50, (1.0, 1.0)), stamp_ns=stamp_ns), EPOCH_NS + ms * MS)
        np.testing.assert_array_equal(_run(controller, ms + 2, ms + 100)[0], (0.0, 0.0))


def test_a_message_for_now_takes_the_place_of_a_deferred_one():
    controller = _controller(generation='B')
    controller.receive(_message((50, (9.0, 9.0)), stamp_ns=EPOCH_NS + 100 * MS), EPOCH_NS)
    _run(controller, 2, 10)
    controller.receive(_message((50, (0.1, 0.2))), EPOCH_NS)
    np.testing.assert_allclose(_run(controller, 12, 300)[0], (0.1, 0.2))


def test_deactivation_forgets_a_deferred_message():
    controller = _controller(generation='B')
    controller.receive(_message((50, (9.0, 9.0)), stamp_ns=EPOCH_NS + 20 * MS), EPOCH_NS)
    _run(controller, 2, 10)
    controller.deactivate()
    controller.activate(EPOCH_NS + 12 * MS, np.zeros(2))
    np.testing.assert_allclose(_run(controller, 14, 200)[0], (0.0, 0.0))


def test_splicing_repeats_one_tick_and_stays_on_the_line():
    controller = _controller(generation='C', interpolate_from_desired_state=False)
    controller.receive(_message((100, (0.1, 0.0)), (1000, (1.0, 0.0))), EPOCH_NS)
    before = _run(controller, 2, 200)[0, 0]
    controller.receive(_message((1000, (before + 1.0, 0.0)), (1100, (9.0, 0.0))), EPOCH_NS)
    controller.update(EPOCH_NS + 202 * MS, 2 * MS, np.array([-9.0, 9.0]), np.zeros(2))
    assert controller.reference[0, 0] == pytest.approx(before, abs=1e-12)
    assert _run(controller, 204, 204)[0, 0] == pytest.approx(before + 0.002, abs=1e-9)


def test_splicing_takes_a_stamp_in_the_past_as_now():
    past, zero = _controller(generation='C'), _controller(generation='C')
    for controller, stamp_ns in ((past, EPOCH_NS - 50 * MS), (zero, 0)):
        controller.receive(_message((100, (0.1, 0.0)), (1000, (1.0, 0.0))), EPOCH_NS)
        _run(controller, 2, 100)
        message = _message((100, (0.2, 0.0)), (900, (1.0, 0.0)), stamp_ns=stamp_ns)
        controller.receive(message, EPOCH_NS + 100 * MS)
    np.testing.assert_array_equal(_run(past, 102, 150), _run(zero, 102, 150))


def test_single_points_are_not_spliced():
    """Known bug of the real one, issue 2615: it restarts, here from the measured state."""
    controller = _controller(generation='C', interpolate_from_desired_state=False)
    controller.receive(_message((1000, (1.0, 0.0))), EPOCH_NS)
    _run(controller, 2, 100)
    controller.receive(_message((1000, (1.0, 0.0))), EPOCH_NS)
    controller.update(EPOCH_NS + 102 * MS, 2 * MS, np.array([-0.3, 0.3]), np.zeros(2))
    np.testing.assert_allclose(controller.reference[0], (-0.3, 0.3))


@pytest.mark.parametrize('generation', ['A', 'B', 'C'])
def test_at_half_the_speed_half_the_way_is_covered(generation):
    controller = _controller(generation=generation)
    controller.receive(_message((1000, (1.0, 0.0))), EPOCH_NS)
    _run(controller, 2, 2)
    controller.scaling = 0.5
    # The line begins with the tick of its message; from then on a tick counts half.
    assert _run(controller, 4, 402)[0, 0] == pytest.approx(0.2, abs=1e-3)
    controller.scaling = 0.0
    stopped = _run(controller, 404, 404)[0, 0]
    assert _run(controller, 406, 600)[0, 0] == stopped


def test_unknown_generation_is_refused():
    with pytest.raises(ValueError, match="'A', 'B', 'C'.*'D'"):
        ControllerParameters(joints=('a',), generation='D')


def test_deactivation_leaves_a_command_at_rest():
    controller = _controller()
    controller.receive(_message((100, (0.1, -0.1), (0.0, 0.0))), EPOCH_NS)
    _run(controller, 2, 50)
    where = controller.command[0].copy()
    controller.deactivate()
    _run(controller, 52, 60)
    np.testing.assert_array_equal(controller.command, [where, (0.0, 0.0), (0.0, 0.0)])


def test_parameters_refuse_doubled_joints():
    with pytest.raises(ValueError, match='unique'):
        ControllerParameters(joints=('a', 'a'))
