# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which topic becomes which signal, and what is told of them; no ROS graph."""

from dataclasses import replace
import sys
from types import SimpleNamespace

from dp_core.errors import ConfigError
from dp_core.watchdog import Fault
import pytest

pytest.importorskip('rclpy')

from dp_policy_node import safety_inputs
from dp_policy_node.safety_inputs import SafetyInputs
from dp_policy_node.settings import Settings
from std_msgs.msg import Bool
from std_msgs.msg import Float64

MS = 1_000_000
TOPICS = Settings(
    emergency_stop_topics=('button',),
    deadman_topics=('pedal',),
    program_running_topics=('left/runs', 'right/runs'),
    speed_scaling_topics=('speed',),
)


class Listener:
    """Hands messages over when the test sends them."""

    def __init__(self, *_, **__):
        self.handlers, self.kinds, self.latched = {}, {}, set()
        self.started = self.is_deaf = False
        Listener.last = self

    def add(self, topic, kind, handler, *, latched):
        self.handlers[topic], self.kinds[topic] = handler, kind
        self.latched |= {topic} if latched else set()

    def start(self):
        self.started = True

    def send(self, topic, value):
        self.handlers[topic](self.kinds[topic](data=value), 0)


class Heard:
    """Safety inputs whose faults and log lines are kept."""

    def __init__(self, settings=TOPICS, has_goal=False):
        self.faults, self.lines = [], []
        self.has_goal = has_goal
        log = SimpleNamespace(warning=self.lines.append, info=self.lines.append)
        node = SimpleNamespace(get_logger=lambda: log)
        self.inputs = SafetyInputs(node, settings, self.on_fault)
        self.who = self.lines.pop()
        self.listener = Listener.last

    def on_fault(self, verdict):
        self.faults.append(verdict.fault)
        return self.has_goal

    def say_all_is_well(self):
        for topic, value in (
            ('button', False), ('pedal', True), ('left/runs', True), ('right/runs', True),
            ('speed', 100.0),
        ):  # fmt: skip
            self.listener.send(topic, value)


@pytest.fixture(autouse=True)
def _no_graph(monkeypatch):
    Listener.last = None
    monkeypatch.setattr(safety_inputs, 'Listener', Listener)


def test_without_topics_nothing_is_heard_and_everything_allowed():
    heard = Heard(Settings())
    assert Listener.last is None
    assert heard.inputs.check() is None
    assert heard.who == 'who may forbid motion: nobody'
    assert heard.inputs.speed_scaling != heard.inputs.speed_scaling  # NaN
    heard.inputs.close()


def test_the_log_tells_who_may_forbid_motion():
    settings = Settings(deadman_topics=('pedal',), emergency_stop_topics=('button',))
    assert Heard(settings).who == (
        "who may forbid motion: the emergency stop on 'button', the deadman switch on 'pedal'"
    )


def test_a_thread_that_hears_no_more_forbids_motion():
    heard = Heard()
    heard.say_all_is_well()
    heard.listener.is_deaf = True
    verdict = heard.inputs.check()
    assert verdict.fault is Fault.EMERGENCY_STOP and 'restart the node' in verdict.reason


def test_what_holds_is_heard_from_before_and_a_deadman_only_anew():
    heard = Heard()
    assert heard.listener.started
    assert heard.listener.latched == {'button', 'left/runs', 'right/runs', 'speed'}
    assert heard.listener.kinds['pedal'] is Bool and heard.listener.kinds['speed'] is Float64
    assert 'nothing was heard' in heard.inputs.check().reason
    heard.say_all_is_well()
    assert heard.inputs.check() is None
    assert heard.inputs.values()['program of the robot left/runs'] == 1.0


@pytest.mark.parametrize(('percent', 'fraction'), [(100.0, 1.0), (30.0, 0.3)])
def test_speed_scaling_of_a_hundred_is_full_speed(percent, fraction):
    heard = Heard()
    heard.listener.send('speed', percent)
    assert heard.inputs.speed_scaling == pytest.approx(fraction)
    heard = Heard(replace(TOPICS, speed_scaling_full=1.0))
    heard.listener.send('speed', fraction)
    assert heard.inputs.speed_scaling == pytest.approx(fraction)


@pytest.fixture
def now(monkeypatch):
    """The steady clock as the test sets it [ns]."""
    now = [1_000 * MS]
    monkeypatch.setattr(safety_inputs, 'time', SimpleNamespace(monotonic_ns=lambda: now[0]))
    return now


def test_a_deadman_switch_may_be_silent_for_as_long_as_was_set(now):
    heard = Heard(Settings(deadman_topics=('pedal',), deadman_timeout=0.3))
    heard.listener.send('pedal', True)
    now[0] += 290 * MS
    assert heard.inputs.check() is None
    now[0] += 20 * MS
    verdict = heard.inputs.check()
    assert verdict.fault is Fault.DEADMAN
    assert 'silent for 0.31 s, allowed are 0.3 s' in verdict.reason


def test_an_emergency_stop_whose_publisher_died_is_noticed_where_that_was_asked_for(now):
    for timeout, ends in ((0.0, False), (0.4, True)):
        heard = Heard(Settings(emergency_stop_topics=('estop',), emergency_stop_timeout=timeout))
        heard.listener.send('estop', False)
        now[0] += 390 * MS
        assert heard.inputs.check() is None
        now[0] += 20 * MS
        verdict = heard.inputs.check()
        assert (verdict is not None) is ends
    assert verdict.fault is Fault.EMERGENCY_STOP
    assert 'silent for 0.41 s, allowed are 0.4 s' in verdict.reason


def test_a_robot_may_be_as_slow_as_was_set_and_slower_only_for_a_moment(now):
    heard = Heard(Settings(speed_scaling_topics=('speed',), min_speed_scaling=0.6))
    heard.listener.send('speed', 60.0)
    now[0] += 1_000 * MS
    assert heard.inputs.check() is None
    heard.listener.send('speed', 50.0)
    now[0] += 199 * MS
    assert heard.inputs.check() is None
    now[0] += MS
    verdict = heard.inputs.check()
    assert verdict.fault is Fault.SPEED_SCALING
    assert 'at 50 % of the commanded speed, min_speed_scaling is 60 %' in verdict.reason


def test_a_program_that_stops_and_goes_on_by_itself_is_told_once_in_each_direction():
    heard = Heard()
    heard.say_all_is_well()
    assert heard.lines == []
    for runs in (False, False, True, True):
        heard.listener.send('left/runs', runs)
    assert heard.faults == [Fault.ROBOT_PROGRAM] * 2
    assert heard.lines == [
        "no goal can run: the program of the robot does not run ('left/runs')",
        "the program of the robot on 'left/runs' allows motion again",
    ]


def test_the_end_of_a_goal_tells_the_reason_itself():
    heard = Heard(has_goal=True)
    heard.say_all_is_well()
    heard.listener.send('button', True)
    assert heard.faults == [Fault.EMERGENCY_STOP]
    assert heard.lines == []


MODES = replace(Settings(), safety_mode_topics=('safety',), robot_mode_topics=('mode',))


def test_modes_of_universal_robots_need_their_package(monkeypatch):
    monkeypatch.setitem(sys.modules, 'ur_dashboard_msgs', None)
    with pytest.raises(
        ConfigError, match="'safety' is to tell the safety mode.*ur_dashboard_msgs"
    ):
        Heard(MODES)


def test_modes_are_numbers_in_messages_of_that_package(monkeypatch):
    def message(data):
        return SimpleNamespace(mode=data)

    package = SimpleNamespace(SafetyMode=message, RobotMode=message)
    monkeypatch.setitem(sys.modules, 'ur_dashboard_msgs', SimpleNamespace(msg=package))
    monkeypatch.setitem(sys.modules, 'ur_dashboard_msgs.msg', package)
    heard = Heard(MODES)
    heard.listener.send('safety', 1)
    heard.listener.send('mode', 7)
    assert heard.inputs.check() is None
    heard.listener.send('safety', 3)
    assert heard.faults == [Fault.SAFETY_MODE]
    assert 'protective stop' in heard.inputs.check().reason
