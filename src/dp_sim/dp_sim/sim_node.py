# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The program sim_node: stands where robot, cameras and, unless asked not to, ros2_control stand.

Ctrl-C ends it cleanly at any time, so the signals are taken before the slow imports.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
from typing import Any


def main(args: list[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; return 1 when the settings are wrong or the physics failed."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    sys.setswitchinterval(0.001)  # [s]; the physics thread shall not wait long for the others
    from dp_core.errors import DpError
    import rclpy
    from rclpy.exceptions import ParameterException
    from rclpy.logging import get_logger
    from rclpy.signals import SignalHandlerOptions

    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    try:
        return _run(stop)
    except (ValueError, ParameterException, DpError) as error:
        get_logger('sim_node').fatal(str(error))
        return 1
    finally:
        rclpy.shutdown()


def _run(stop: threading.Event) -> int:
    from dp_sim.scene_node import SimNode
    from rclpy.executors import SingleThreadedExecutor

    executor, ears = SingleThreadedExecutor(), SingleThreadedExecutor()
    node = SimNode()
    for each in node.nodes:
        (executor if each is node else ears).add_node(each)
    # As on a robot, a trajectory does not wait for a service of somebody else.
    listener = threading.Thread(target=_spin, args=(ears, stop), name='controller')
    gc.collect()
    gc.freeze()  # a full collection over all that was imported would halt the physics
    node.start()
    listener.start()
    code = 1
    try:
        while not stop.is_set() and node.is_alive:
            executor.spin_once(timeout_sec=0.1)
        code = 0 if stop.is_set() else 1
    finally:
        stop.set()
        node.close()
        listener.join()
        executor.shutdown()
        ears.shutdown()
        for each in node.nodes:
            each.destroy_node()
    return code


def _spin(executor: Any, stop: threading.Event) -> None:
    while not stop.is_set():
        executor.spin_once(timeout_sec=0.1)


if __name__ == '__main__':
    sys.exit(main())
