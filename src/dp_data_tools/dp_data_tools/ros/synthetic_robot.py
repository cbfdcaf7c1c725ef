# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Two raw 640 x 480 cameras at 30 Hz and joint states at 500 Hz, numbered, until it is stopped.

`python -m dp_data_tools.ros.synthetic_robot`; joint states carry their number as the position,
pictures as the frame_id. Cameras are best effort, as drivers publish them.
"""

from __future__ import annotations

from array import array
import signal
import sys
import time

import rclpy
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from sensor_msgs.msg import JointState

CAMERAS = ('left', 'right')
JOINTS = tuple(f'joint_{k}' for k in range(6))
HEIGHT, WIDTH = 480, 640
JOINT_HZ, IMAGE_HZ = 500, 30


def main() -> int:
    """Publish on an even schedule; what is late is sent at once, never left out."""
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.append(1))
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('synthetic_robot')
    joints = node.create_publisher(JointState, '/joint_states', 100)
    cameras = [
        node.create_publisher(Image, f'/{name}/image_raw', qos_profile_sensor_data)
        for name in CAMERAS
    ]
    pixels = array('B', bytes(range(256)) * (HEIGHT * WIDTH * 3 // 256))
    start_s, ticks, images = time.monotonic(), 0, 0
    while not stopped:
        time.sleep(max(0.0, start_s + ticks / JOINT_HZ - time.monotonic()))
        state = JointState(name=list(JOINTS), position=array('d', [float(ticks)] * len(JOINTS)))
        state.header.stamp = node.get_clock().now().to_msg()
        joints.publish(state)
        ticks += 1
        if images * JOINT_HZ <= ticks * IMAGE_HZ:
            for camera in cameras:
                image = Image(height=HEIGHT, width=WIDTH, encoding='rgb8', step=3 * WIDTH)
                image.header.stamp = node.get_clock().now().to_msg()
                image.header.frame_id = str(images)
                image.data = pixels
                camera.publish(image)
            images += 1
    node.destroy_node()
    rclpy.shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
