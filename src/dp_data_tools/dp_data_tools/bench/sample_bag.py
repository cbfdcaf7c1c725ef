# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The bag that conversion is measured with: two raw cameras and joints, of any length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dp_core.contract import Contract
import numpy as np
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.typesys import get_typestore
from rosbags.typesys import Stores

T0_NS = 1_700_000_000_000_000_000
CAMERAS = ('front', 'back')
STATE, COMMAND = '/joint_states', '/joint_commands'
HEIGHT, WIDTH, PICTURE_HZ, STATE_HZ, COMMAND_HZ, DT_S = 480, 640, 30, 500, 50, 0.1
BYTES_PER_S = len(CAMERAS) * PICTURE_HZ * HEIGHT * WIDTH * 3
_JOINTS = [f'joint_{i}' for i in range(1, 7)]
_STORE = get_typestore(Stores.ROS2_HUMBLE)
_JOINT_STATE, _IMAGE = 'sensor_msgs/msg/JointState', 'sensor_msgs/msg/Image'
_RECORDED_LATER_NS = 2_000_000


def contract() -> Contract:
    """Two cameras and six joints at 10 Hz."""
    cameras = [
        {'name': name, 'kind': 'image', 'topic': f'{name}/image_raw', 'size': [96, 96]}
        for name in CAMERAS
    ]
    arm = {'name': 'arm', 'kind': 'joint_state', 'topic': STATE, 'joints': _JOINTS}
    group = {'name': 'arm', 'kind': 'joint_position', 'dims': _JOINTS, 'joints': _JOINTS}
    return Contract.from_dict(
        {
            'name': 'bench',
            'dt_s': DT_S,
            'n_obs_steps': 2,
            'horizon': 16,
            'n_action_steps': 8,
            'observations': [*cameras, arm],
            'actions': [{**group, 'controller': 'joint_trajectory_controller'}],
        }
    )


def write_bag(folder: Path, seconds: float) -> None:
    """Write the bag: pictures of noise, joints on slow sines, as they would be recorded."""
    pictures = np.random.default_rng(0).integers(0, 256, (16, HEIGHT, WIDTH, 3), np.uint8)
    rates = {**dict.fromkeys(CAMERAS, PICTURE_HZ), STATE: STATE_HZ, COMMAND: COMMAND_HZ}
    times = sorted(
        (round(number / rate * 1e9), topic, number)
        for topic, rate in rates.items()
        for number in range(round(seconds * rate))
    )
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        kinds = {topic: _IMAGE if topic in CAMERAS else _JOINT_STATE for topic in rates}
        names = {topic: f'/{topic}/image_raw' if topic in CAMERAS else topic for topic in rates}
        topics = {
            topic: writer.add_connection(names[topic], kind, typestore=_STORE)
            for topic, kind in kinds.items()
        }
        for after_ns, topic, number in times:
            if topic in CAMERAS:
                message = _picture(after_ns, pictures[number % len(pictures)])
            else:
                message = _joints(after_ns)
            data = _STORE.serialize_cdr(message, kinds[topic])
            writer.write(topics[topic], T0_NS + after_ns + _RECORDED_LATER_NS, data)


def _picture(after_ns: int, pixels: Any) -> Any:
    step = 3 * WIDTH
    return _STORE.types[_IMAGE](_header(after_ns), HEIGHT, WIDTH, 'rgb8', 0, step, pixels.ravel())


def _joints(after_ns: int) -> Any:
    position, empty = np.sin(after_ns * 1e-9 + np.arange(6.0)), np.zeros(0)
    return _STORE.types[_JOINT_STATE](_header(after_ns), _JOINTS, position, empty, empty)


def _header(after_ns: int) -> Any:
    stamp = _STORE.types['builtin_interfaces/msg/Time'](*divmod(T0_NS + after_ns, 10**9))
    return _STORE.types['std_msgs/msg/Header'](stamp, 'camera')
