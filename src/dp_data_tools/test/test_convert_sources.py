# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Actions come from where the user says: commands, the controller's reference, or the future."""

from bag_samples import contract
from bag_samples import header
from bag_samples import JOINT_STATE
from bag_samples import recording
from bag_samples import STORE
from bag_samples import T0
from conversion import run
from dp_core.replay_buffer import load_dataset
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.typesys import get_types_from_msg
from rosbags.typesys import get_typestore
from rosbags.typesys import Stores

STATE = 'control_msgs/msg/JointTrajectoryControllerState'
POINT = 'trajectory_msgs/msg/JointTrajectoryPoint'
REFERENCE = ('--action-reference', '/jtc/controller_state')
# The beginning is the same in every version: the point that is wanted comes first.
VERSIONS = {
    'old': 'desired actual error',
    'new': 'reference feedback error output',
}


def controller_state(ms, values, version):
    """State of a controller whose arm wants to be at ``values``; it follows 0.5 late."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    points = VERSIONS[version].split()
    fields = ''.join(f'trajectory_msgs/JointTrajectoryPoint {name}\n' for name in points)
    more = 'float64 speed_scaling_factor\n' if version == 'new' else ''
    text = f'std_msgs/Header header\nstring[] joint_names\n{fields}{more}'
    store.register(get_types_from_msg(text, STATE))
    zero = STORE.types['builtin_interfaces/msg/Duration'](0, 0)
    empty = np.zeros(0)
    made = [
        store.types[POINT](np.array([b, a]) - 0.5 * i, empty, empty, empty, zero)
        for i, (a, b) in enumerate([values] * len(points))
    ]
    rest = [1.0] if version == 'new' else []
    return store, store.types[STATE](header(ms), ['b', 'a'], *made, *rest)


def write_with_reference(path, version, storage=StoragePlugin.MCAP):
    """As `recording`, and the controller's state at 50 Hz, whose reference is 30 ms ahead."""
    entries = [(t, k, ms, m, STORE) for t, k, ms, m in recording(2.0)]
    for i in range(100):
        t = 0.02 * i + 0.03
        store, message = controller_state(20 * i, (t, t * t), version)
        entries.append(('/jtc/controller_state', STATE, 20 * i + 5, message, store))
    with Writer(path, version=9, storage_plugin=storage) as writer:
        topics = {}
        for topic, kind, ms, message, store in sorted(entries, key=lambda entry: entry[2]):
            if topic not in topics:
                topics[topic] = writer.add_connection(topic, kind, typestore=store)
            data = store.serialize_cdr(message, kind)
            writer.write(topics[topic], T0 + round(ms * 1e6), data)
    return path


@pytest.mark.parametrize('version', VERSIONS)
def test_the_reference_of_a_controller_is_read_where_it_is_meant_for(tmp_path, version):
    bag = write_with_reference(tmp_path / 'bag', version)
    assert run(tmp_path, bag, contract(offset_s=0.1), action=REFERENCE) == 0
    data = load_dataset(tmp_path / 'out')[1].data
    # What is wanted at the time of the row and the offset, as every step is meant.
    assert data['action'][:, 0] == pytest.approx(data['arm'][:, 0] + 0.1 + 0.03, abs=1e-5)


def test_a_definition_is_not_needed(tmp_path):
    bag = write_with_reference(tmp_path / 'bag', 'new', StoragePlugin.SQLITE3)
    import sqlite3

    with sqlite3.connect(next(bag.glob('*.db3'))) as database:
        database.execute('DELETE FROM message_definitions')
    assert run(tmp_path, bag, action=REFERENCE) == 0
    assert load_dataset(tmp_path / 'out')[1].episode_ends.tolist() == [20]


@pytest.mark.parametrize(
    ('action', 'words'),
    [
        (
            ('--action-reference', '/commands'),
            f"/commands is of type {JOINT_STATE}, valid: ['{STATE}']",
        ),
        (
            ('--action-state', '/jtc/controller_state'),
            f"controller_state is of type {STATE}, valid: ['{JOINT_STATE}']",
        ),
    ],
)
def test_a_reference_is_no_state_and_a_command_no_reference(tmp_path, capsys, action, words):
    bag = write_with_reference(tmp_path / 'bag', 'new')
    assert run(tmp_path, bag, action=action) == 1
    assert words in capsys.readouterr().err
