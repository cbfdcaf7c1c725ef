# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Small bags with numbers a person can check, written by rosbags."""

from pathlib import Path

import cv2
from dp_core.contract import Contract
import numpy as np
from rosbags.rosbag2 import CompressionFormat
from rosbags.rosbag2 import CompressionMode
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.typesys import get_typestore
from rosbags.typesys import Stores

MS = 1_000_000
T0 = 1_700_000_000_000 * MS
STORE = get_typestore(Stores.ROS2_HUMBLE)
JOINT_STATE = 'sensor_msgs/msg/JointState'
POSE = 'geometry_msgs/msg/PoseStamped'
IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED = 'sensor_msgs/msg/CompressedImage'


def contract(camera=True, offset_s=0.0, **changes):
    """Joints a and b, and a camera of 8 x 8; actions are joint positions."""
    observations = [
        {'name': 'arm', 'kind': 'joint_state', 'topic': 'joint_states', 'joints': ['a', 'b']}
    ]
    if camera:
        observations.append(
            {'name': 'front', 'kind': 'image', 'topic': 'front/image_raw', 'size': [8, 8]}
        )
    data = {
        'name': 'sample',
        'dt_s': 0.1,
        'n_obs_steps': 2,
        'horizon': 8,
        'n_action_steps': 4,
        'action_offset_s': offset_s,
        'observations': observations,
        'actions': [
            {
                'name': 'arm',
                'kind': 'joint_position',
                'dims': ['a', 'b'],
                'joints': ['a', 'b'],
                'controller': 'jtc',
            }
        ],
    }
    return Contract.from_dict({**data, **changes})


def so101_contract():
    """What the recorded sample of an SO-101 holds."""
    names = ['shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll', 'gripper']
    camera = {'name': 'wrist', 'kind': 'image', 'topic': 'camera/wrist/image_raw'}
    arm = {'name': 'arm', 'kind': 'joint_state', 'topic': 'joint_states', 'joints': names}
    group = {'name': 'arm', 'kind': 'joint_position', 'dims': names, 'joints': names}
    return contract(
        observations=[{**camera, 'size': [90, 160]}, arm],
        actions=[{**group, 'controller': 'jtc'}],
    )


def plane_contract(**changes):
    """The tool's x and y, seen and commanded."""
    return contract(
        observations=[
            {
                'name': 'tool',
                'kind': 'pose',
                'topic': 'tool_pose',
                'frame': 'world',
                'features': ['x', 'y'],
            }
        ],
        actions=[
            {
                'name': 'arm',
                'kind': 'tool_plane',
                'dims': ['x', 'y'],
                'joints': ['a', 'b'],
                'controller': 'jtc',
                'frame': 'world',
                'tool_frame': 'tip',
            }
        ],
        **changes,
    )


def header(ms, frame='world'):
    """Header stamped ``ms`` after T0."""
    stamp = T0 + round(ms * MS)
    time = STORE.types['builtin_interfaces/msg/Time'](stamp // 10**9, stamp % 10**9)
    return STORE.types['std_msgs/msg/Header'](time, frame)


def joints(ms, values, names=('b', 'a')):
    """JointState; by default in another order than the contract's."""
    by_name = dict(zip(('a', 'b'), values))
    position = np.array([by_name.get(name, 0.0) for name in names])
    empty = np.array([])
    return STORE.types[JOINT_STATE](header(ms), list(names), position, empty, empty)


def pose(ms, x, y):
    """PoseStamped without rotation."""
    point = STORE.types['geometry_msgs/msg/Point'](x, y, 0.0)
    turn = STORE.types['geometry_msgs/msg/Quaternion'](0.0, 0.0, 0.0, 1.0)
    return STORE.types[POSE](header(ms), STORE.types['geometry_msgs/msg/Pose'](point, turn))


def picture(ms, value, compressed=False):
    """Image of 8 x 8 pixels of one grey value."""
    pixels = np.full((8, 8, 3), value, np.uint8)
    if compressed:
        data = cv2.imencode('.png', pixels)[1].ravel()
        return STORE.types[COMPRESSED](header(ms, 'camera'), 'png', data)
    return STORE.types[IMAGE](header(ms, 'camera'), 8, 8, 'rgb8', 0, 24, pixels.ravel())


def image(ms, pixels, encoding, padding=0):
    """Image of any encoding whose rows end in ``padding`` stray bytes."""
    rows = pixels.reshape(len(pixels), -1).view(np.uint8)
    stray = np.full((len(rows), padding), 99, np.uint8)
    data = np.hstack([rows, stray]).ravel()
    step = rows.shape[1] + padding
    return STORE.types[IMAGE](header(ms), *pixels.shape[:2], encoding, 0, step, data)


def write_bag(path, messages, storage=StoragePlugin.MCAP, mode=CompressionMode.NONE):
    """Write (topic, type, recorded [ms after T0], message) in the order given."""
    path = Path(path)
    writer = Writer(path, version=9, storage_plugin=storage)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connections = {}
        for topic, kind, ms, message in messages:
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=STORE)
            data = STORE.serialize_cdr(message, kind)
            writer.write(connections[topic], T0 + round(ms * MS), data)
    return path


def recording(seconds=3.0, drop=lambda topic, ms: False, delay=5.0, compressed=False):
    """Messages of an arm whose joint a reads the time [s] and b its square; commands lead 50 ms.

    Joint states at 125 Hz, commands at 50 Hz, pictures at 30 Hz whose grey value is their number;
    each is recorded ``delay`` ms after its stamp. ``drop`` says which to leave out.
    """
    topic = '/front/image_raw' + ('/compressed' if compressed else '')
    kind = COMPRESSED if compressed else IMAGE
    out = []
    for i in range(round(seconds * 125)):
        ms, t = 8 * i, 0.008 * i
        out.append(('/joint_states', JOINT_STATE, ms, joints(ms, (t, t * t))))
    for i in range(round(seconds * 50)):
        ms, t = 20 * i, 0.020 * i + 0.05
        out.append(('/commands', JOINT_STATE, ms, joints(ms, (t, t * t))))
    for i in range(round(seconds * 30)):
        out.append((topic, kind, i * 1000 / 30, picture(i * 1000 / 30, i % 256, compressed)))
    kept = [(t, k, ms + delay, m) for t, k, ms, m in out if not drop(t, ms)]
    return sorted(kept, key=lambda entry: entry[2])
