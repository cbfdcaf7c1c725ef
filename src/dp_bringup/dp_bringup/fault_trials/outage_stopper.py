# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Calls ~/stop for each line on standard input, and answers each: a process of its own.

Fast DDS keeps the addresses of the first network that a process has seen, so nobody can be on two.
"""

from __future__ import annotations

import sys

import rclpy
from rclpy.node import Node
from std_srvs.srv import Trigger

READY, STOPPED, IN_VAIN = 'ready', 'stopped', 'no answer'
PATIENCE_S = 10.0


def main() -> int:
    """Serve until standard input ends."""
    rclpy.init()
    node = Node('outage_stopper', enable_rosout=False)
    client = node.create_client(Trigger, '/policy_node/stop')
    print(READY, flush=True)
    for _ in sys.stdin:
        future = client.call_async(Trigger.Request())
        rclpy.spin_until_future_complete(node, future, timeout_sec=PATIENCE_S)
        print(STOPPED if future.done() else IN_VAIN, flush=True)
    node.destroy_node()
    rclpy.try_shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
