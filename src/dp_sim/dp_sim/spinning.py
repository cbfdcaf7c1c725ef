# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Runs small nodes until Ctrl-C or SIGTERM, and ends them in order."""

from __future__ import annotations

from collections.abc import Callable
import signal
import threading

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

SPIN_S = 0.1


def initialize(args: list[str] | None) -> threading.Event:
    """Start ROS; return what is set by SIGINT and SIGTERM, which do not end it."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    return stop


def spin(node: Node, stop: threading.Event) -> None:
    """Run the callbacks of a node until ``stop`` is set."""
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        while not stop.is_set():
            executor.spin_once(timeout_sec=SPIN_S)
    finally:
        executor.shutdown()


def run(make_node: Callable[[], Node], args: list[str] | None) -> int:
    """Run one node until it is asked to end; return the exit status."""
    stop = initialize(args)
    try:
        node = make_node()
        spin(node, stop)
        node.destroy_node()
    finally:
        rclpy.shutdown()
    return 0
