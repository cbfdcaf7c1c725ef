# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Messages become samples, whoever deserialised them; everything doubtful is refused by name."""

from pathlib import Path
from types import SimpleNamespace

from dp_core.contract import Stream
from dp_core.decode import decode
from dp_core.decode import joint_positions
from dp_core.errors import ObservationError
import numpy as np
import pytest

SAMPLE = Path(__file__).parents[4] / 'shared' / 'data' / 'so101_rosbag2' / 'ep4'
JOINTS = Stream('arm', 'joint_state', 'joint_states', joints=('a', 'b', 'c'))
POINTS = ((0.1, 0.0), (0.0, 0.2))


def header(frame='world', sec=12, nanosec=500_000_000):
    return SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=nanosec), frame_id=frame)


def joint_state(names='abc', positions=(0.0, 1.0, 2.0), **kwargs):
    return SimpleNamespace(header=header(**kwargs), name=list(names), position=list(positions))


def pose_stamped(x=1.0, y=2.0, z=3.0, q=(0.0, 0.0, 0.0, 1.0), **kwargs):
    orientation = SimpleNamespace(x=q[0], y=q[1], z=q[2], w=q[3])
    pose = SimpleNamespace(position=SimpleNamespace(x=x, y=y, z=z), orientation=orientation)
    return SimpleNamespace(header=header(**kwargs), pose=pose)


def about_z(angle):
    return (0.0, 0.0, np.sin(angle / 2), np.cos(angle / 2))


# ---- headers


def test_the_stamp_is_the_header_stamp_less_the_latency():
    assert decode(JOINTS, joint_state())[0] == 12_500_000_000
    late = Stream('arm', 'joint_state', 't', joints=('a',), latency_s=0.12)
    assert decode(late, joint_state())[0] == 12_380_000_000


def test_a_message_without_stamp_is_refused():
    with pytest.raises(ObservationError, match='joint_states: header stamp is 0 ns; the source'):
        decode(JOINTS, joint_state(sec=0, nanosec=0))
    with pytest.raises(ObservationError, match='header stamp is -1000000000 ns'):
        decode(JOINTS, joint_state(sec=-1, nanosec=0))


def test_another_frame_is_refused():
    stream = Stream('tool', 'pose', 'tool_pose', features=('x',), frame='world')
    assert decode(stream, pose_stamped())[1].tolist() == [1.0]
    with pytest.raises(ObservationError, match="frame_id is 'base', the contract says 'world'"):
        decode(stream, pose_stamped(frame='base'))


def test_a_vector_has_no_message():
    with pytest.raises(ObservationError, match="'v' of kind 'vector' has no ROS message"):
        decode(Stream('v', 'vector', length=1), joint_state())


# ---- joints


def test_joints_come_in_the_order_of_the_contract():
    shuffled = joint_state('cxab', (2.0, 9.0, 0.0, 1.0))
    value = decode(JOINTS, shuffled)[1]
    assert value.tolist() == [0.0, 1.0, 2.0]
    assert value.dtype == np.float32


@pytest.mark.parametrize(
    ('message', 'words'),
    [
        (
            joint_state('ab', (0.0, 1.0)),
            r"joints \['c'\] are missing; the message has \['a', 'b'\]",
        ),
        (joint_state('abcc', (0.0, 1.0, 2.0, 3.0)), r"joints \['c'\] are named more than once"),
        (joint_state('abc', (0.0, 1.0)), '3 names but 2 positions'),
        (joint_state('abc', ()), '3 names but 0 positions'),
        (joint_state('abc', (0.0, np.nan, 2.0)), 'NaN or infinity'),
        (joint_state('abc', (0.0, np.inf, 2.0)), 'NaN or infinity'),
    ],
)
def test_joint_states_that_cannot_be_used_are_refused(message, words):
    with pytest.raises(ObservationError, match=f'joint_states: .*{words}'):
        decode(JOINTS, message)


def test_joints_that_nobody_asked_for_may_be_anything():
    message = joint_state('abxx', (0.0, 1.0, np.nan, np.nan))
    assert joint_positions(message, ('b', 'a'), 'joint_states').tolist() == [1.0, 0.0]


# ---- poses


def test_pose_features_come_in_the_order_of_the_contract():
    stream = Stream('t', 'pose', 't', features=('z', 'x', 'sin_yaw', 'cos_yaw'))
    value = decode(stream, pose_stamped(q=about_z(np.pi / 6)))[1]
    assert value == pytest.approx([3.0, 1.0, 0.5, np.sqrt(3) / 2])


def test_points_turn_and_move_with_the_body():
    stream = Stream('t', 'pose', 't', features=('points',), points=POINTS)
    assert decode(stream, pose_stamped())[1] == pytest.approx([1.1, 2.0, 1.0, 2.2])
    turned = decode(stream, pose_stamped(q=about_z(np.pi / 2)))[1]
    assert turned == pytest.approx([1.0, 2.1, 0.8, 2.0])


def test_a_tool_that_points_down_has_a_yaw_as_well():
    # A half turn about x, then 30 degrees about z: the x axis of the tool stays in the plane.
    half = np.pi / 12
    q = (np.cos(half), np.sin(half), 0.0, 0.0)
    stream = Stream('t', 'pose', 't', features=('cos_yaw', 'sin_yaw'))
    assert decode(stream, pose_stamped(q=q))[1] == pytest.approx([np.sqrt(3) / 2, 0.5])


def test_the_two_signs_of_a_quaternion_are_one_rotation():
    features = ('rotation_6d', 'cos_yaw', 'sin_yaw', 'points')
    stream = Stream('t', 'pose', 't', features=features, points=POINTS)
    q = np.array([0.5, -0.5, 0.1, 0.7]) / np.linalg.norm([0.5, -0.5, 0.1, 0.7])
    plus, minus = (decode(stream, pose_stamped(q=s * q))[1] for s in (1, -1))
    assert plus.tolist() == minus.tolist()


def test_rotation_6d_is_the_first_two_rows_of_the_matrix():
    stream = Stream('t', 'pose', 't', features=('rotation_6d',))
    value = decode(stream, pose_stamped(q=about_z(np.pi / 2)))[1]
    assert value == pytest.approx([0, -1, 0, 1, 0, 0], abs=1e-7)


def test_an_orientation_that_was_never_set_is_refused():
    empty = pose_stamped(q=(0.0, 0.0, 0.0, 0.0))
    stream = Stream('t', 'pose', 'tool_pose', features=('cos_yaw',))
    with pytest.raises(ObservationError, match='tool_pose: orientation .* norm 0.000, valid: 1'):
        decode(stream, empty)
    only_place = Stream('t', 'pose', 't', features=('x', 'y'))
    assert decode(only_place, empty)[1].tolist() == [1.0, 2.0]


@pytest.mark.parametrize('bad', [np.nan, np.inf])
def test_a_pose_that_is_not_finite_is_refused(bad):
    stream = Stream('t', 'pose', 't', features=('x', 'cos_yaw'))
    for message in (pose_stamped(x=bad), pose_stamped(q=(0.0, 0.0, 0.0, np.nan))):
        with pytest.raises(ObservationError, match='NaN or infinity'):
            decode(stream, message)


# ---- the recorded sample, read by rosbags


@pytest.mark.skipif(not SAMPLE.is_dir(), reason='the recorded sample is not on this machine')
def test_recorded_messages_decode_like_any_other():
    highlevel = pytest.importorskip('rosbags.highlevel')
    joints = ('gripper', 'shoulder_pan', 'elbow_flex')
    camera = '/camera/wrist/image_raw/compressed'
    streams = {
        '/joint_states': Stream('arm', 'joint_state', '/js', joints=joints, frame='base'),
        camera: Stream('wrist', 'image', camera, size=(90, 160)),
    }
    first = {}
    with highlevel.AnyReader([SAMPLE]) as reader:
        chosen = [c for c in reader.connections if c.topic in streams]
        for connection, _, raw in reader.messages(chosen):
            if connection.topic not in first:
                message = reader.deserialize(raw, connection.msgtype)
                first[connection.topic] = message, decode(streams[connection.topic], message)
    message, (stamp, value) = first['/joint_states']
    assert stamp == 1_700_000_000_000_000_000
    by_name = dict(zip(message.name, message.position))
    assert value == pytest.approx([by_name[joint] for joint in joints])
    _, (stamp, picture) = first[camera]
    assert stamp == 1_700_000_000_000_000_000
    assert picture.shape == (90, 160, 3)
    assert picture.std() > 10
