# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""sim_node as a process, and a node of the test that speaks with it over ROS."""

import os
import signal
import subprocess
import sys
import time

from dp_msgs.srv import ResetScene
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import qos_profile_sensor_data
from rclpy.qos import QoSProfile

PATIENCE_S = 60.0  # a bound for a machine under load, not a measurement
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Terminal:
    """A node that is spun while a condition is waited for."""

    def __init__(self, name, domain):
        self.context = Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = Node(name, context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)

    def collect(self, kind, topic, qos=qos_profile_sensor_data):
        messages = []
        self.node.create_subscription(kind, topic, messages.append, qos)
        return messages

    def until(self, condition, what):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f'waited in vain for {what}'
            self.executor.spin_once(timeout_sec=0.1)

    def call(self, future, what):
        self.until(future.done, what)
        return future.result()

    def reset(self, seed):
        client = self.node.create_client(ResetScene, '/reset_scene')
        self.until(client.service_is_ready, 'reset_scene')
        time.sleep(0.3)  # a service just discovered may not know yet whom to answer
        return self.call(client.call_async(ResetScene.Request(seed=seed)), 'reset')

    def close(self):
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


def start(domain, *arguments, **variables):
    """Start sim_node in a ROS domain, with variables in its environment."""
    environment = dict(
        os.environ, ROS_DOMAIN_ID=str(domain), ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST'
    )
    environment |= variables
    command = [sys.executable, '-m', 'dp_sim.sim_node', '--ros-args', *arguments]
    return subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def end(process, number=signal.SIGINT):
    """Send a signal; return the exit code and what was said. Nothing may be left behind."""
    process.send_signal(number)
    try:
        _, said = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    return process.returncode, said
