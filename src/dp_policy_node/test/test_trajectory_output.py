# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import threading
import time
from types import SimpleNamespace

from dp_core.braking import brake
from dp_core.braking import LastSeen
from dp_core.errors import ExpiredError
from dp_core.errors import LimitError
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import from_joint_states
from dp_core.feedback import Source
import numpy as np
import pytest

pytest.importorskip('rclpy')

from doubles import MeasuredOutput
from doubles import onward
from doubles import pretend_clock
from doubles import SilentNode
from doubles import slowly
from dp_policy_node.dry_run import DryRun
from dp_policy_node.jtc_topic import JtcTopic
from dp_policy_node.trajectory_output import PLANNING_NS
import three_joints


@pytest.fixture
def node():
    return SilentNode()


@pytest.fixture
def output(node):
    return MeasuredOutput(node, three_joints.contract().actions)


@pytest.fixture
def now(output, monkeypatch):
    """The only clock there is [ns]."""
    return pretend_clock(monkeypatch, output)


def test_a_run_starts_at_the_measured_joints_when_nothing_was_commanded(output):
    output.begin(np.array([1.0, 2.0, 3.0]))
    assert output.command_at(0)[0].tolist() == [1.0, 2.0, 3.0]


def test_a_newer_run_continues_the_commanded_motion(output, node):
    assert output.send(output.begin(np.zeros(3)), onward) is not None
    before = output.command_at(time.monotonic_ns() + 500_000_000)
    output.begin(np.full(3, 0.3))  # the measured arm lags behind
    after = output.command_at(time.monotonic_ns() + 500_000_000)
    assert np.abs(after[0] - before[0]).max() < 0.05
    assert [topic for topic, _ in node.published] == ['arm_controller/joint_trajectory']


def test_an_arm_that_someone_moved_is_continued_where_it_is(output):
    epoch = output.begin(np.zeros(3))
    output.send(epoch, lambda m, now: brake(m, three_joints.JOINTS, now, 5.0))
    time.sleep(0.3)
    output.begin(np.full(3, 0.005))
    assert output.command_at(time.monotonic_ns())[0].tolist() == [0.0] * 3
    output.begin(np.full(3, 0.5))
    assert output.command_at(time.monotonic_ns())[0].tolist() == [0.5] * 3


def test_an_arm_that_is_heard_to_be_elsewhere_after_the_begin_of_a_run_is_continued_there(output):
    """As where a scene was reset, and its joint states came late: 0.4 rad in 0.1 s is 6 rad/s."""
    epoch = output.begin(np.zeros(3))
    output.measured = np.full(3, 0.4)
    assert output.send(epoch, onward).start_position.tolist() == [0.4] * 3
    output.measured = np.full(3, 0.2)  # it is late, which is nothing new
    assert output.send(epoch, onward).start_position == pytest.approx(0.4, abs=1e-3)


def test_nothing_follows_a_brake(output, node):
    epoch = output.begin(np.zeros(3))
    output.send(epoch, onward)
    assert output.brake(5.0) is not None
    assert output.send(epoch, onward) is None
    assert not output.is_current(epoch)
    assert len(node.published) == 2


@pytest.mark.parametrize(('moved_rad', 'brakes'), [(0.0, True), (0.5, True), (1.0, False)])
def test_a_silent_robot_is_braked_slowly_or_left_to_the_end_of_what_was_sent(
    output, node, moved_rad, brakes
):
    """At 1 rad/s it takes longer the farther the arm may hang behind; 1.2 s are left."""
    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    output._model.motion.shift(-300_000_000)  # which have passed
    end_ns = output.end_ns
    sent = output.brake(5.0, epoch, None, LastSeen(np.full(3, 0.3 - moved_rad)))
    assert (sent is not None) is brakes
    assert sent is None or sent.end_ns < end_ns
    assert output.send(epoch, slowly) is None  # in any case nothing follows
    assert len(node.published) == (2 if brakes else 1)


def show(output, clock_ns, simulated=False):
    output._model.clock = SimpleNamespace(
        now=lambda: SimpleNamespace(nanoseconds=clock_ns), ros_time_is_active=simulated
    )


@pytest.mark.parametrize('jump_s', [-10.0, -0.2, 0.4, 10.0])
def test_the_arm_does_not_jump_with_the_clock(output, node, jump_s):
    """After 0.5 s at 1 rad/s a clock jumps: the brake begins at 0.5 rad, by the new clock."""
    begin_ns = output.send(output.begin(np.zeros(3)), slowly).start_ns
    before_ns, after_ns = (begin_ns + round(t * 1e9) for t in (0.5, 0.5 + jump_s))
    show(output, after_ns)
    brake = output.brake(5.0, before_jump=(before_ns, time.monotonic_ns()))
    np.testing.assert_allclose(brake.start_position, 0.5, atol=0.05)
    np.testing.assert_allclose(brake.start_velocity, 1.0)
    assert brake.start_ns == after_ns  # a chunk is planned for later, a brake for now
    assert len(node.published) == 2
    assert output.is_moving(after_ns)


@pytest.mark.parametrize('ahead_s', [0.0, -10.0, 2.0])
def test_what_was_sent_since_the_last_look_at_the_clock_tells_where_its_clock_was(output, ahead_s):
    """Sent by the old clock or by the new one: after 0.5 s at 1 rad/s the arm is at 0.5 rad."""
    now_ns = time.monotonic_ns()
    looked = (now_ns - 1_000_000_000, now_ns - 1_000_000_000)
    epoch = output.begin(np.zeros(3))
    show(output, now_ns + round(ahead_s * 1e9))
    output.send(epoch, slowly)
    start_ns, steady_ns = output._sent
    output._sent = start_ns, steady_ns - 500_000_000
    output._model.clocks = output._model.clocks[0], output._model.clocks[1] - 500_000_000
    show(output, now_ns + 2_000_000_000)
    brake = output.brake(5.0, epoch, looked)
    np.testing.assert_allclose(brake.start_position, 0.505, atol=0.05)
    np.testing.assert_allclose(brake.start_velocity, 1.0)


def test_a_brake_that_was_held_up_is_planned_anew(output, node, monkeypatch):
    """A process that is frozen for 50 ms between plan and message would hurry by 25 mrad."""
    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    held_up = iter([0.05, 0.0, 0.0, 0.0])  # the machine may hold it up as well
    prepare = output._executor.prepare

    def held(trajectory):
        time.sleep(next(held_up))
        return prepare(trajectory)

    monkeypatch.setattr(output._executor, 'prepare', held)
    before_ns = time.monotonic_ns()
    assert output.brake(5.0, epoch).start_ns - before_ns >= 50_000_000


def test_an_old_run_cannot_brake_a_newer_one(output, node):
    old = output.begin(np.zeros(3))
    new = output.begin(np.zeros(3))
    output.send(new, onward)
    assert output.brake(5.0, old) is None
    assert output.is_current(new)
    assert output.brake(5.0, new) is not None


def test_braking_at_rest_sends_nothing(output, node):
    assert output.brake(5.0) is None
    epoch = output.begin(np.zeros(3))
    assert output.brake(5.0) is None
    assert output.send(epoch, onward) is None
    assert node.published == []


def test_a_plan_that_fails_changes_nothing(output, node):
    def fail(motion, now_ns):
        raise LimitError('too fast')

    epoch = output.begin(np.zeros(3))
    with pytest.raises(LimitError):
        output.send(epoch, fail)
    assert node.published == []
    assert output.is_current(epoch)


def test_no_chunk_after_a_brake_under_fire(output, node):
    """Two threads send a thousand times a second while a third brakes, a hundred times."""
    for _ in range(100):
        epoch = output.begin(np.zeros(3))
        output.send(epoch, onward)
        over = threading.Event()

        def fire(epoch=epoch, over=over):
            while output.send(epoch, onward) and not over.wait(0.001):
                pass

        threads = [threading.Thread(target=fire) for _ in range(2)]
        for thread in threads:
            thread.start()
        output.brake(50.0)
        count = len(node.published)
        over.set()
        for thread in threads:
            thread.join()
        assert len(node.published) == count


def test_a_brake_has_its_turn_before_a_thread_that_sends_without_a_pause(output):
    """It waits for the plan under way, and for one whose thread was about to take the lock."""
    meanwhile = []

    def slowly_planned(motion, now_ns):
        if not output._no_brake_waits.is_set():
            meanwhile.append(now_ns)
        time.sleep(0.002)
        return onward(motion, now_ns)

    def fire(epoch):
        while output.send(epoch, slowly_planned):
            pass

    for _ in range(20):
        epoch = output.begin(np.zeros(3))
        output.send(epoch, onward)
        thread = threading.Thread(target=fire, args=(epoch,))
        thread.start()
        meanwhile.clear()
        assert output.brake(50.0)
        assert len(meanwhile) <= 1
        thread.join()


def test_an_arm_at_rest_starts_where_its_controller_holds_it(output, node):
    """An arm hangs 4 mrad below what the controller commands; nobody else moved it."""
    output._model.feedback = lambda motion, now_ns: ControllerFeedback(
        now_ns, Source.CONTROLLER_STATE, np.full(3, 0.1), np.zeros(3), np.full(3, 0.096)
    )
    output.begin()
    assert output.command_at(time.monotonic_ns()).position.tolist() == [0.1] * 3


def test_every_plan_begins_where_a_controller_that_was_slowed_down_is(output, now):
    """After 0.5 s at 1 rad/s our model is at 0.5 rad, the controller at 0.25 rad."""
    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    show(output, output._sent[0] + 500_000_000, simulated=True)
    output._model.feedback = lambda motion, now_ns: ControllerFeedback(
        now_ns, Source.CONTROLLER_STATE, np.full(3, 0.25), np.ones(3), speed_scaling=0.5
    )
    assert output.send(epoch, onward).start_position == pytest.approx(0.25 + 0.011 * 1.0)
    assert output.brake(5.0, epoch).start_position == pytest.approx(0.25)


def test_with_the_dangerous_parameter_chunk_and_brake_begin_at_the_measured_arm(node, monkeypatch):
    """It lags by 30 mrad and is measured at 0.9 rad/s."""
    output = MeasuredOutput(node, three_joints.contract().actions, from_measured=True)
    pretend_clock(monkeypatch, output)
    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    show(output, output._sent[0] + 500_000_000)
    output.seen = output._model.feedback = lambda motion, now_ns: from_joint_states(
        now_ns, np.full(3, 0.47), np.full(3, 0.9), motion
    )
    sent = output.send(epoch, onward)
    assert sent.start_position == pytest.approx(0.47 + 0.011 * 0.9)
    assert sent.start_velocity == pytest.approx(0.9)
    brake = output.brake(5.0, epoch)
    assert brake.start_position == pytest.approx(0.47)  # it is planned for now
    assert brake.start_velocity == pytest.approx(0.9)


def test_a_dry_run_plans_from_the_arm_and_sends_nothing(node, monkeypatch):
    output = MeasuredOutput(node, three_joints.contract().actions, DryRun(), from_measured=True)
    pretend_clock(monkeypatch, output)
    epoch = output.begin(np.full(3, 0.1))
    assert output.send(epoch, onward).start_position == pytest.approx(0.1)
    output.measured = np.full(3, 0.2)  # a person moves it
    # It goes on with the velocity of our model, which is small 10 ms after the begin.
    assert output.send(epoch, onward).start_position == pytest.approx(0.2, abs=0.02)
    assert not output.moves_arm and node.published == []


@pytest.mark.parametrize(('simulated', 'ahead_s'), [(False, 0.0), (True, 0.2)])
def test_a_clock_that_is_set_between_two_chunks_does_not_move_the_arm(
    output, now, simulated, ahead_s
):
    """0.2 s at 1 rad/s are in the motion only where controllers share the clock that jumped."""
    epoch = output.begin(np.zeros(3))
    first = output.send(epoch, slowly)
    looked_ns = first.start_ns - PLANNING_NS - JtcTopic.arrival_ns
    show(output, looked_ns + 200_000_000, simulated)
    second = output.send(epoch, slowly)
    np.testing.assert_allclose(second.start_position, ahead_s, atol=0.05)
    assert second.start_ns == first.start_ns + 200_000_000


@pytest.mark.parametrize(('seen_rad', 'begins_rad'), [(0.4, 0.4), (1.245, 1.25)])
def test_a_run_on_a_clock_that_went_back_begins_where_the_arm_is(output, seen_rad, begins_rad):
    """A simulation was begun anew: not where the oldest motion that is remembered began.

    An arm that hangs 5 mrad from where our last command ended holds that command.
    """
    output.send(output.begin(np.zeros(3)), onward)
    show(output, 5_000_000_000, simulated=True)
    epoch = output.begin(np.full(3, seen_rad))
    assert output.send(epoch, onward).start_position.tolist() == [begins_rad] * 3


def test_a_run_after_a_clock_was_set_back_begins_where_someone_moved_the_arm(output):
    """The arm came to rest, the clock is set back by an hour, and the arm is moved by hand."""
    epoch = output.begin(np.zeros(3))
    sent = output.send(epoch, lambda m, now: brake(m, three_joints.JOINTS, now, 5.0))
    time.sleep(0.3)
    show(output, sent.end_ns - 3600 * 1_000_000_000)
    epoch = output.begin(np.full(3, 0.4))
    assert output.send(epoch, onward).start_position.tolist() == [0.4] * 3


def test_a_brake_after_a_chunk_that_a_jump_let_expire_begins_where_the_arm_is(output):
    """After 0.2 s at 1 rad/s the clock jumps, and a chunk expires before anybody brakes."""

    def expired(motion, now_ns):
        raise ExpiredError('the chunk has expired')

    epoch = output.begin(np.zeros(3))
    output.send(epoch, slowly)
    time.sleep(0.2)
    looked = (time.monotonic_ns(), time.monotonic_ns())
    show(output, time.monotonic_ns() + 5_000_000_000)
    with pytest.raises(ExpiredError):
        output.send(epoch, expired)
    brake = output.brake(5.0, epoch, looked)
    np.testing.assert_allclose(brake.start_position, 0.2, atol=0.1)
    np.testing.assert_allclose(brake.start_velocity, 1.0)
