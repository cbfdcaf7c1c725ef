# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Two cameras and joint states between two processes: what arrives, and how late. For bench.py.

`python -m dp_bringup.image_traffic send SECONDS` publishes two 640 x 480 colour images at 30 Hz
and joint states at 125 Hz; `receive SECONDS FILE` counts them and writes the counts as JSON.
"""

from __future__ import annotations

from array import array
import json
from pathlib import Path
import sys
import time

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from sensor_msgs.msg import JointState

CAMERAS = ('left', 'right')
HEIGHT, WIDTH = 480, 640
IMAGE_HZ, JOINT_HZ = 30.0, 125.0
SETTLE_S = 1.0  # after the receiver is there


class Sender(Node):
    """Publishes for a while, once somebody listens; the header's frame_id counts."""

    def __init__(self, seconds: float) -> None:
        """Create publishers and timers."""
        super().__init__('image_sender')
        qos = qos_profile_sensor_data
        self._images = [self.create_publisher(Image, name, qos) for name in CAMERAS]
        self._joints = self.create_publisher(JointState, 'joint_states', 10)
        self._pixels = array('B', bytes(HEIGHT * WIDTH * 3))
        self._left = {'image': round(seconds * IMAGE_HZ), 'joint': round(seconds * JOINT_HZ)}
        self.create_timer(1.0 / IMAGE_HZ, self._send_images)
        self.create_timer(1.0 / JOINT_HZ, self._send_joints)
        self._start_s = time.monotonic() + 3600.0

    @property
    def is_done(self) -> bool:
        """Whether everything was sent."""
        return not any(self._left.values())

    def _is_on(self, kind: str) -> bool:
        if self._joints.get_subscription_count() and self._start_s > time.monotonic() + 60.0:
            self._start_s = time.monotonic() + SETTLE_S
        if time.monotonic() < self._start_s or not self._left[kind]:
            return False
        self._left[kind] -= 1
        return True

    def _send_images(self) -> None:
        if not self._is_on('image'):
            return
        for publisher in self._images:
            message = Image(height=HEIGHT, width=WIDTH, encoding='rgb8', step=WIDTH * 3)
            message.data = self._pixels
            message.header.stamp = self.get_clock().now().to_msg()
            publisher.publish(message)

    def _send_joints(self) -> None:
        if self._is_on('joint'):
            message = JointState(position=array('d', [0.0] * 6))
            message.header.stamp = self.get_clock().now().to_msg()
            self._joints.publish(message)


class Receiver(Node):
    """Counts what comes and how old it is."""

    def __init__(self) -> None:
        """Create subscriptions."""
        super().__init__('image_receiver')
        self.ages_ms: dict[str, list[float]] = {'image': [], 'joint': []}
        self.last_s = time.monotonic()
        for name in CAMERAS:
            self.create_subscription(Image, name, self._on_image, qos_profile_sensor_data)
        self.create_subscription(JointState, 'joint_states', self._on_joints, 10)

    def _on_image(self, message: Image) -> None:
        self._note('image', message)

    def _on_joints(self, message: JointState) -> None:
        self._note('joint', message)

    def _note(self, kind: str, message: Image | JointState) -> None:
        stamp = message.header.stamp
        now_ns = self.get_clock().now().nanoseconds
        self.ages_ms[kind].append((now_ns - stamp.sec * 1_000_000_000 - stamp.nanosec) * 1e-6)
        self.last_s = time.monotonic()


def counts(ages_ms: dict[str, list[float]], seconds: float) -> dict[str, float]:
    """Return sent, received and latencies [ms]."""
    images, joints = ages_ms['image'], ages_ms['joint']
    result = {
        'images_sent': round(seconds * IMAGE_HZ) * len(CAMERAS),
        'images_received': len(images),
        'joint_states_sent': round(seconds * JOINT_HZ),
        'joint_states_received': len(joints),
    }
    for name, ages in (('image', images), ('joint_state', joints)):
        for percent in (50, 99):
            value = float(np.percentile(ages, percent)) if ages else float('nan')
            result[f'{name}_latency_p{percent}_ms'] = round(value, 2)
    return result


def main(arguments: list[str]) -> None:
    """Send or receive."""
    role, seconds = arguments[0], float(arguments[1])
    rclpy.init()
    end_s = time.monotonic() + seconds + 30.0
    node = Sender(seconds) if role == 'send' else Receiver()
    while time.monotonic() < end_s:
        rclpy.spin_once(node, timeout_sec=0.1)
        if isinstance(node, Sender) and node.is_done:
            break
        if isinstance(node, Receiver) and node.ages_ms['joint']:
            if time.monotonic() > node.last_s + 1.0:
                break
    if isinstance(node, Receiver):
        text = json.dumps(counts(node.ages_ms, seconds))
        Path(arguments[2]).write_text(text, encoding='utf-8')
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == '__main__':
    main(sys.argv[1:])
