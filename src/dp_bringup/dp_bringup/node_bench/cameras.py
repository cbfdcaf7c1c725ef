# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Two 640 x 480 colour cameras at 30 Hz for `node_bench`; the pictures stand still, the stamps go.

`python -m dp_bringup.node_bench.cameras FILE` publishes until it is asked to end, and then writes
the stamps of all that it has published.
"""

from __future__ import annotations

from array import array
from pathlib import Path
import signal
import sys
import threading
import time

from dp_sim.convert import to_time
from dp_sim.pacing import Pacer
from dp_sim.rendering import RenderError
from dp_sim.simulation import Simulation
import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image

CAMERAS = ('front', 'wrist')
HEIGHT, WIDTH = 480, 640
RATE_HZ = 30.0


def topic(camera: str) -> str:
    """Return where a camera publishes."""
    return f'/{camera}_camera/image_raw'


def pictures() -> dict[str, array[int]]:
    """Return one picture of the scene per camera; without GL, grey ones."""
    grey = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    simulation = Simulation()
    try:
        shown = {name: simulation.render(name, HEIGHT, WIDTH) for name in CAMERAS}
    except RenderError:
        shown = dict.fromkeys(CAMERAS, grey)
    finally:
        simulation.close()
    return {name: array('B', image.tobytes()) for name, image in shown.items()}


class Cameras(Node):
    """Publishes the cameras in turn, half a period apart."""

    def __init__(self, data: dict[str, array[int]]) -> None:
        """Create the publishers."""
        super().__init__('synthetic_cameras')
        self.stamps_ns: dict[str, list[int]] = {topic(name): [] for name in CAMERAS}
        self._data = data
        self._outputs = {
            name: self.create_publisher(Image, topic(name), qos_profile_sensor_data)
            for name in CAMERAS
        }

    def publish(self, camera: str) -> None:
        """Publish one picture, stamped now."""
        message = Image(height=HEIGHT, width=WIDTH, encoding='rgb8', step=WIDTH * 3)
        message.data = self._data[camera]
        stamp_ns = time.time_ns()
        message.header.stamp = to_time(stamp_ns)
        self.stamps_ns[topic(camera)].append(stamp_ns)
        self._outputs[camera].publish(message)


def main(file: Path) -> None:
    """Publish until SIGINT or SIGTERM, then write."""
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    data = pictures()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = Cameras(data)
    pacer = Pacer(1.0 / (RATE_HZ * len(CAMERAS)))
    while not done.is_set():
        for camera in CAMERAS:
            pacer.wait()
            node.publish(camera)
    np.savez(file, **{name: np.array(values) for name, values in node.stamps_ns.items()})
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == '__main__':
    main(Path(sys.argv[1]))
