# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Messages reach their handlers, each once and in order, until the listener is closed."""

import threading

import pytest

rclpy = pytest.importorskip('rclpy')

from dp_policy_node.listener import Listener  # noqa: E402
from node_process import until  # noqa: E402
from rclpy.context import Context  # noqa: E402
from rclpy.node import Node  # noqa: E402
from std_msgs.msg import Int64  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture
def node():
    context = Context()
    rclpy.init(context=context)
    node = Node('owner', context=context, namespace='robot')
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_every_message_reaches_every_handler_in_order(node):
    first, second, other = [], [], []
    listener = Listener(node, 'numbers', depth=100)
    listener.add('a', Int64, lambda message, now_ns: first.append(message.data))
    listener.add('/robot/a', Int64, lambda message, now_ns: second.append(now_ns))
    listener.add('b', Int64, lambda message, now_ns: other.append(message.data))
    a, b = (node.create_publisher(Int64, name, 100) for name in 'ab')
    listener.start()
    until(lambda: a.get_subscription_count() and b.get_subscription_count(), 'the listener')
    assert a.get_subscription_count() == 1  # one subscription, though two handlers
    before_ns = node.get_clock().now().nanoseconds
    for number in range(50):
        a.publish(Int64(data=number))
    b.publish(Int64(data=7))
    until(lambda: len(second) == 50 and other, 'all messages')
    assert first == list(range(50))
    assert second == sorted(second)
    assert second[0] >= before_ns
    assert other == [7]
    listener.close()
    assert not [t for t in threading.enumerate() if t.name == 'numbers']


def test_what_is_sent_once_and_reliably_is_had_reliably(node):
    listener = Listener(node, 'safety', depth=10)
    heard = []
    listener.add('stop', Int64, lambda message, now_ns: heard.append(message.data), latched=True)
    stop = node.create_publisher(Int64, 'stop', 1)  # as a button does: reliable, not latched
    listener.start()
    until(lambda: stop.get_subscription_count() == 2, 'two ways of hearing it')
    stop.publish(Int64(data=1))
    until(lambda: heard == [1, 1], 'the message, by both')
    listener.close()


def test_a_handler_that_fails_costs_one_message(node):
    listener, heard = Listener(node, 'safety', depth=10), []

    def handle(message, now_ns):
        heard.append(message.data)
        if message.data == 1:
            raise RuntimeError('of this message')

    listener.add('a', Int64, handle)
    publisher = node.create_publisher(Int64, 'a', 10)
    listener.start()
    until(publisher.get_subscription_count, 'the listener')
    for number in (1, 2):
        publisher.publish(Int64(data=number))
    until(lambda: heard == [1, 2], 'both messages')
    listener.close()


@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_a_thread_that_died_is_told(node):
    class Death(BaseException):
        """Nothing that a thread could go on after."""

    def die(message, now_ns):
        raise Death

    listener = Listener(node, 'safety', depth=10)
    listener.add('a', Int64, die)
    publisher = node.create_publisher(Int64, 'a', 10)
    listener.start()
    until(publisher.get_subscription_count, 'the listener')
    assert not listener.is_deaf
    publisher.publish(Int64(data=1))
    until(lambda: listener.is_deaf, 'the end of the thread')
    listener.close()
    assert not listener.is_deaf  # it shall not listen


def test_a_listener_that_never_started_can_be_closed(node):
    Listener(node, 'images', depth=2).close()


def test_listeners_that_were_closed_leave_nothing_in_the_graph(node):
    """A service of theirs that stays costs memory at every activation."""
    for _ in range(3):
        listener = Listener(node, 'numbers', depth=2)
        listener.add('a', Int64, lambda message, now_ns: None)
        listener.start()
        listener.close()
    left = [name for name, _ in node.get_service_names_and_types() if '_numbers' in name]
    assert left == []
