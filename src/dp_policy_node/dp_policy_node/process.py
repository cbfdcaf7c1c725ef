# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""From the first parameter to the exit code: the executor's thread, autostart, a safe end."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time

from dp_policy_node.parameters import read
from dp_policy_node.policy_node import PolicyNode
from dp_policy_node.policy_process import kill_all
import rclpy
from rclpy.exceptions import InvalidHandle
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.executors import MultiThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.logging import get_logger
from rclpy.signals import SignalHandlerOptions

# A goal keeps one thread, a transition another; the rest is for callbacks.
THREADS = 6
# Python hands the interpreter from thread to thread this often, so that callbacks stay on time
# while the policy computes [s].
SWITCH_INTERVAL_S = 0.001
# Time for the last messages, the brake among them, to leave the process [s].
FAREWELL_S = 0.1


class _Spinner:
    """Spins the executor in a thread of its own; signals reach the main thread meanwhile."""

    def __init__(self, node: PolicyNode, done: threading.Event):
        self._done = done
        self._executor = MultiThreadedExecutor(num_threads=THREADS)
        self._executor.add_node(node)
        self.failed = False
        self._thread = threading.Thread(target=self._spin, name='executor', daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        self.failed = True  # unless it ends in one of the two ways that are meant to be
        try:
            while not self._done.is_set():
                self._spin_on()
            self.failed = False
        finally:
            self._done.set()

    def _spin_on(self) -> None:
        try:
            self._executor.spin()
        except InvalidHandle:
            pass  # cleanup took an entity away while rclpy was about to wait for it
        except ExternalShutdownException:
            self._done.set()

    def close(self) -> None:
        self._executor.shutdown(timeout_sec=2.0)
        self._thread.join(timeout=2.0)


class _Starter:
    """Configures and activates the node, for the parameter ``autostart``."""

    def __init__(self, node: PolicyNode, done: threading.Event):
        self._node = node
        self._done = done
        self.failed = False
        self._thread = threading.Thread(target=self._start, name='autostart', daemon=True)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        self._thread.join(timeout=0.5)
        return self._thread.is_alive()

    def _start(self) -> None:
        success = TransitionCallbackReturn.SUCCESS
        if self._node.trigger_configure() != success or self._node.trigger_activate() != success:
            self.failed = True
            self._done.set()


def run(args: list[str] | None, done: threading.Event) -> int:
    """Run the node until ``done``; returns 0, or 1 when it could not work."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = PolicyNode()
    except ParameterException as error:
        get_logger('policy_node').error(str(error))
        rclpy.try_shutdown()
        return 1
    spinner = _Spinner(node, done)
    starter = _Starter(node, done) if read(node).autostart else None
    done.wait()
    node.halt('the node is shutting down')
    time.sleep(FAREWELL_S)
    spinner.close()
    if starter is not None and starter.is_busy:  # nothing moves yet: leave without waiting for it
        rclpy.try_shutdown()
        kill_all()
        os._exit(0)
    node.close()
    node.destroy_node()
    failed = spinner.failed or (starter is not None and starter.failed)
    del node, spinner, starter
    gc.unfreeze()  # what was frozen at configure may hold handles of ROS in cycles, and these hold
    gc.collect()  # shared memory that stays behind when the process ends with them
    rclpy.try_shutdown()
    return int(failed)
