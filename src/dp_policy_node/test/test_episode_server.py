# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How an episode begins; `test_policy_node.py` holds the rest of the action, over ROS."""

from types import SimpleNamespace

from dp_core.trajectory import TrajectorySettings
from dp_core.watchdog import Fault
from dp_core.watchdog import Verdict
import numpy as np
import pytest

pytest.importorskip('dp_msgs.msg')

from doubles import SteadyClock
from dp_policy_node import episode_server
from dp_policy_node.episode import Code
from dp_policy_node.episode import Ending
from dp_policy_node.episode import Episode
from dp_policy_node.observation_input import ObservationInput
from dp_policy_node.settings import Settings
from sensor_msgs.msg import JointState
import three_joints

T0 = 1_000_000_000


class Listener:
    """Hands messages over at once."""

    def __init__(self):
        self.handlers = []

    def add(self, topic, kind, handler):
        self.handlers.append(handler)

    def send(self, stamp_ns, position):
        message = JointState(name=list(three_joints.JOINTS), position=[position] * 3)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 10**9)
        for handler in self.handlers:
            handler(message, stamp_ns)


@pytest.fixture
def inputs():
    """Observations of a policy that heard a NaN long ago, and is well now."""
    result = ObservationInput(three_joints.contract(), three_joints.JOINTS, 'joint_states')
    listener = Listener()
    result.listen(listener, listener)
    listener.send(T0, float('nan'))
    for k in range(1, 4):
        listener.send(T0 + k * 100_000_000, 0.1)
    assert result.complaint.invalid
    return result


@pytest.fixture
def server(inputs, monkeypatch):
    monkeypatch.setattr(episode_server, 'ActionServer', lambda *_, **__: None)
    node = SimpleNamespace(
        get_clock=SteadyClock, get_logger=lambda: SimpleNamespace(info=lambda text: None)
    )
    result = episode_server.EpisodeServer(node, lambda *_: None, lambda: None)
    brakes = []
    output = SimpleNamespace(
        begin=lambda: 7,
        joint_names=three_joints.JOINTS,
        brake=lambda *_: brakes.append(1),
        is_moving=lambda now_ns: result.moves,
    )
    worker = SimpleNamespace(start=lambda run: None)
    safety = SimpleNamespace(check=lambda: result.verdict)
    result.verdict, result.brakes, result.moves = None, brakes, True
    robot = SimpleNamespace(
        inputs={'wave': inputs}, output=output, worker=worker, controllers=None
    )
    result.safety = safety
    result.activate(robot)
    monkeypatch.setattr(episode_server, 'read', lambda node: Settings())
    return result


@pytest.fixture
def episode():
    policy = SimpleNamespace(name='wave')
    plan = SimpleNamespace(
        policy=policy, task='', timeout_s=1.0, speed_scale=1.0,
        trajectory=TrajectorySettings(), settings=Settings(),
    )  # fmt: skip
    return Episode(plan, T0, b'new')


@pytest.mark.parametrize('replaces', [True, False])
def test_no_episode_ends_by_what_was_refused_before_it(server, inputs, episode, replaces):
    server._begin(episode, replaces=replaces)
    assert inputs.complaint is None


def test_a_goal_that_takes_over_sees_what_was_seen_before_it(server, inputs, episode):
    now_ns = T0 + 300_000_000
    server._begin(episode, replaces=True)
    np.testing.assert_allclose(inputs.window(now_ns).low_dim['joints'], 0.1)
    server._begin(episode, replaces=False)
    assert 'no sample' in inputs.why_missing(now_ns, 0.5)


def test_who_cancels_the_goal_that_was_replaced_does_not_cancel_the_new_one(server, episode):
    def cancel(goal_id):
        server._on_cancel(SimpleNamespace(goal_id=SimpleNamespace(uuid=goal_id)))

    server._episode = episode
    cancel(b'old')
    assert episode.wait(0.0) is None
    cancel(b'new')
    assert episode.wait(0.0).code == Code.CANCELED


def test_a_program_that_stopped_ends_the_goal_for_good_whatever_it_does_later(server, episode):
    server._episode = episode
    assert server.interrupt(Verdict(Fault.ROBOT_PROGRAM, 'the program does not run'))
    assert episode.wait(0.0).code == Code.ROBOT_PROGRAM
    assert not server.stopped  # a new goal may come


def test_without_a_goal_a_signal_only_refuses(server):
    assert not server.interrupt(Verdict(Fault.DEADMAN, 'let go'))
    server.verdict = Verdict(Fault.DEADMAN, 'let go')
    assert server.why_not_ready() == 'let go'


def test_an_emergency_stop_brakes_at_once_and_holds_until_it_is_released_and_reset(
    server, episode
):
    server._episode = episode
    pressed = Verdict(Fault.EMERGENCY_STOP, 'the emergency stop is pressed')
    for _ in range(3):  # as a switch that is told at 10 Hz
        assert server.interrupt(pressed)
    assert episode.wait(0.0).code == Code.EMERGENCY_STOP
    assert server.brakes == [1]
    server.moves = False  # it should have come to rest; the output looks whether it has
    server.interrupt(pressed)
    assert server.brakes == [1, 1]
    server.verdict = pressed
    assert server.reset() == 'the emergency stop is pressed'
    server.verdict = None
    assert server.why_not_ready() == 'the emergency stop is pressed; call ~/reset'
    assert server.reset() == ''
    assert not server.stopped


def test_of_two_emergency_stops_that_are_told_in_turn_the_first_one_brakes(server):
    """Each brake begins gently: one after the other would make the way longer."""
    for topic in ('cell', 'hand', 'cell', 'hand'):
        server.interrupt(Verdict(Fault.EMERGENCY_STOP, f'the one on {topic} is pressed'))
    assert server.brakes == [1]
    assert server.stopped == 'the one on cell is pressed'


def test_an_emergency_stop_is_told_before_a_stop_that_came_first(server):
    server.stop(Code.STOPPED, 'stopped by ~/stop')
    server.stop(Code.EMERGENCY_STOP, 'pressed')
    server.stop(Code.STOPPED, 'stopped by ~/stop')
    assert server.stopped == 'pressed' and server.brakes == [1]


def test_an_emergency_stop_that_fell_silent_holds_until_it_is_reset(server, episode, monkeypatch):
    monkeypatch.setattr(episode_server, 'why_refused', lambda *_, **__: '')
    server._episode = episode
    server._on_end(episode, Ending(Code.EMERGENCY_STOP, 'silent for 0.6 s'))
    assert server.why_not_ready('wave') == 'silent for 0.6 s; call ~/reset'
    assert server.reset() == '' and server.why_not_ready('wave') == ''
    server._robot.policies = {'wave': None}
    server.reserve('the arm goes home')
    server.verdict = Verdict(Fault.EMERGENCY_STOP, 'silent for 0.7 s')
    server.release()
    server.verdict = None
    assert server.stopped == 'silent for 0.7 s'


def test_a_stop_brakes_an_arm_that_drives_on_though_the_node_is_inactive(server):
    """The brake of the deactivation may be lost; until cleanup there is who can send another."""
    server.deactivate('the node was deactivated')
    assert server.brakes == [1]
    server.stop(Code.STOPPED, 'stopped by ~/stop')
    assert server.brakes == [1, 1]
    server.free()
    server.reset()
    server.stop(Code.STOPPED, 'stopped by ~/stop')
    assert server.brakes == [1, 1]


def test_a_goal_that_has_ended_is_not_replaced_before_its_brake(server, episode, monkeypatch):
    monkeypatch.setattr(episode_server, 'why_refused', lambda *_, **__: '')
    monkeypatch.setattr(episode_server, 'read', lambda node: Settings(preempt='replace'))
    server._episode = episode
    assert server.why_not_ready('wave') == ''
    episode.end(Code.CANCELED, 'cancelled by a client')
    assert server.why_not_ready('wave') == 'the arm still brakes'


def test_an_emergency_stop_cannot_be_reset_before_the_node_is_active(server):
    server.deactivate('not yet')
    server.stop(Code.EMERGENCY_STOP, 'pressed')
    server.verdict = Verdict(Fault.EMERGENCY_STOP, 'the emergency stop is pressed')
    assert server.reset() == 'the emergency stop is pressed'
    assert server.stopped == 'pressed'


def test_a_goal_that_begins_as_a_stop_comes_ends_by_it(server, episode):
    server.stop(Code.EMERGENCY_STOP, 'pressed')
    assert server._begin(episode, replaces=False) is None
    ending = episode.wait(0.0)
    assert (ending.code, ending.reason) == (Code.EMERGENCY_STOP, 'pressed as the goal began')


def test_no_errand_begins_after_a_stop(server, monkeypatch):
    monkeypatch.setattr(episode_server, 'why_refused', lambda *_, **__: '')
    server.stop(Code.STOPPED, 'stopped by ~/stop')
    why, robot, _ = server.reserve('the arm goes home')
    assert (why, robot) == ('stopped by ~/stop; call ~/reset', None)
    assert server.errand == ''


def test_a_signal_brakes_an_errand_however_short_it_is(server, monkeypatch):
    monkeypatch.setattr(episode_server, 'why_refused', lambda *_, **__: '')
    server._robot.policies = {'wave': None}
    server.reserve('the arm goes home')
    for _ in range(3):  # as it is told, again and again
        assert not server.interrupt(Verdict(Fault.ROBOT_PROGRAM, 'the program does not run'))
    assert server.brakes == [1]
    assert server.release() == 'the program does not run'


def test_a_robot_that_is_slowed_down_is_braked_by_who_watches_the_errand(server, monkeypatch):
    """It lasts, and the arm is held where it stands; a brake of now would wait for the robot."""
    monkeypatch.setattr(episode_server, 'why_refused', lambda *_, **__: '')
    server._robot.policies = {'wave': None}
    server.reserve('the arm goes home')
    server.interrupt(Verdict(Fault.SPEED_SCALING, 'the robot runs at 0 %'))
    assert server.brakes == [] and server.release() == ''


def test_while_something_else_moves_the_arm_goals_wait(server, episode, monkeypatch):
    monkeypatch.setattr(episode_server, 'why_refused', lambda *_, **__: '')
    server._robot.policies = {'wave': None}
    why, robot, epoch = server.reserve('the arm goes home')
    assert (why, epoch) == ('', 7) and robot is not None
    assert server.why_not_ready() == 'the arm goes home'
    assert server.reserve('again') == ('the arm goes home', None, 0)
    assert server._begin(episode, replaces=False) is None  # accepted in the same moment
    assert episode.wait(0.0).code == Code.PREEMPTED
    server.release()
    server._episode = episode
    assert server.reserve('the arm goes home') == ('a goal runs', None, 0)
