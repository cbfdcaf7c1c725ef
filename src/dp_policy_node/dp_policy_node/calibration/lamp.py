# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Switches a lamp that the cameras see, by a topic, and notes when."""

from __future__ import annotations

import threading

from dp_core.calibration.delay import Signal
from dp_core.errors import CalibrationError
from dp_policy_node.calibration.swing import MotionInterruptedError
import numpy as np
from rclpy.node import Node
from std_msgs.msg import Bool

SWITCHINGS = 80
# Between two switchings, at random, so that they do not keep step with a camera [s].
INTERVAL_S = (0.12, 0.28)
FIND_S = 5.0


def blink(node: Node, topic: str, seed: int, stop: threading.Event) -> tuple[Signal, int]:
    """Switch the lamp on and off for a quarter of a minute.

    Args:
        node: that publishes.
        topic: std_msgs/Bool that the lamp listens to.
        seed: of the intervals.
        stop: set by another thread to end it at once.

    Returns:
        When it was switched (N, 1), on as 1 and off as 0, and the instant that times count
        from [ns].

    Raises:
        CalibrationError: nobody listens to the topic.
        MotionInterruptedError: ``stop`` was set.
    """
    publisher = node.create_publisher(Bool, topic, 10)
    waited_s = 0.0
    while publisher.get_subscription_count() == 0:
        if waited_s > FIND_S:
            raise CalibrationError(f'no lamp listens to {publisher.topic_name!r}')
        if stop.wait(0.1):
            raise MotionInterruptedError
        waited_s += 0.1
    origin_ns = node.get_clock().now().nanoseconds
    times_s, values = [], []
    intervals_s = np.random.default_rng(seed).uniform(*INTERVAL_S, SWITCHINGS)
    for k, interval_s in enumerate(intervals_s):
        on = k % 2 == 1
        times_s.append((node.get_clock().now().nanoseconds - origin_ns) * 1e-9)
        values.append(float(on))
        publisher.publish(Bool(data=on))
        if stop.wait(float(interval_s)):
            raise MotionInterruptedError
    times_s.append((node.get_clock().now().nanoseconds - origin_ns) * 1e-9)
    values.append(values[-1])
    node.destroy_publisher(publisher)
    return Signal(np.array(times_s), np.array(values)[:, None]), origin_ns
