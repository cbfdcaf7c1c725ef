# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Messages become samples, whoever deserialised them; everything doubtful is refused by name."""

from pathlib import Path
from types import SimpleNamespace

import cv2
from dp_core.contract import Stream
from dp_core.decode import decode
from dp_core.decode import decode_image
from dp_core.decode import ENCODINGS
from dp_core.decode import joint_positions
from dp_core.errors import ObservationError
import numpy as np
import pytest

SAMPLE = Path(__file__).parents[4] / 'shared' / 'data' / 'so101_rosbag2' / 'ep4'
RGB = np.array(
    [
        [[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]],
        [[1, 2, 3], [4, 5, 6], [7, 8, 9], [250, 251, 252]],
    ],
    dtype=np.uint8,
)
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


def image(pixels, encoding, padding=0, data=None):
    """Image message of ``pixels`` (H, W, channels) whose rows end in ``padding`` stray bytes."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    step = rows.shape[1] + padding
    stray = np.full((height, padding), 77, np.uint8)
    return SimpleNamespace(
        header=header('camera'),
        height=height,
        width=width,
        encoding=encoding,
        step=step,
        is_bigendian=0,
        data=np.hstack([rows, stray]).tobytes() if data is None else data,
    )


def compressed(picture, suffix, form):
    data = cv2.imencode(suffix, picture)[1].tobytes()
    return SimpleNamespace(header=header('camera'), format=form, data=data)


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


# ---- pictures


@pytest.mark.parametrize('padding', [0, 1, 13])
@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8', 'rgba8', 'bgra8'])
def test_colours_come_out_as_rgb_whatever_the_row_stride(encoding, padding):
    alpha = np.full((2, 4, 1), 9, np.uint8)
    pixels = RGB[..., ::-1] if encoding.startswith('bgr') else RGB
    pixels = np.concatenate([pixels, alpha], axis=2) if encoding.endswith('a8') else pixels
    message = image(pixels, encoding, padding)
    assert decode_image(message, (2, 4), 'camera').tolist() == RGB.tolist()


@pytest.mark.parametrize('padding', [0, 3])
def test_grey_becomes_three_equal_channels(padding):
    message = image(RGB[..., :1], 'mono8', padding)
    assert decode_image(message, (2, 4), 'c').tolist() == np.repeat(RGB[..., :1], 3, 2).tolist()


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_a_bayer_mosaic_of_one_colour_gives_that_colour(pattern):
    colour = {'r': 200, 'g': 120, 'b': 40}
    tile = np.array([colour[c] for c in pattern], np.uint8).reshape(2, 2)
    message = image(np.tile(tile, (6, 6))[..., None], f'bayer_{pattern}8')
    decoded = decode_image(message, (12, 12), 'c')
    assert decoded[6, 6].tolist() == [200, 120, 40]


def test_every_encoding_of_the_table_is_tested_above():
    plain = {'rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8'}
    assert set(ENCODINGS) == plain | {f'bayer_{p}8' for p in ('rggb', 'bggr', 'gbrg', 'grbg')}


@pytest.mark.parametrize('encoding', ['16UC1', '32FC1', 'mono16', 'yuv422', ''])
def test_an_unknown_encoding_is_refused_by_name(encoding):
    message = image(RGB, encoding)
    with pytest.raises(ObservationError, match=f"c: encoding '{encoding}' .* valid: .*'rgb8'"):
        decode_image(message, (2, 4), 'c')


def test_missing_bytes_are_refused():
    message = image(RGB, 'rgb8', data=RGB.tobytes()[:-1])
    with pytest.raises(ObservationError, match='23 byte with step 12 cannot hold 2 x 4 rgb8'):
        decode_image(message, (2, 4), 'camera')
    message.step = 11
    with pytest.raises(ObservationError, match='with step 11 cannot hold'):
        decode_image(message, (2, 4), 'camera')


def test_an_empty_picture_is_refused():
    message = image(RGB, 'rgb8', data=b'')
    message.height = message.step = 0
    with pytest.raises(ObservationError, match='0 byte with step 0 cannot hold 0 x 4'):
        decode_image(message, (2, 4), 'camera')


def test_shrinking_averages():
    checker = np.indices((16, 16)).sum(axis=0) % 2 * 200
    message = image(np.repeat(checker[..., None], 3, 2).astype(np.uint8), 'rgb8')
    assert decode_image(message, (8, 8), 'c').tolist() == np.full((8, 8, 3), 100).tolist()


def test_the_contracts_size_is_height_then_width():
    message = image(np.zeros((20, 40, 3), np.uint8), 'rgb8')
    assert decode_image(message, (10, 16), 'c').shape == (10, 16, 3)


def test_a_png_comes_back_exactly():
    message = compressed(RGB[..., ::-1], '.png', 'rgb8; png compressed bgr8')
    assert decode_image(message, (2, 4), 'c').tolist() == RGB.tolist()


def test_a_jpeg_comes_back_nearly():
    colour = np.full((16, 16, 3), (200, 120, 40), np.uint8)
    message = compressed(colour[..., ::-1], '.jpg', 'bgr8; jpeg compressed bgr8')
    assert np.abs(decode_image(message, (16, 16), 'c').astype(int) - colour).max() <= 3


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('kept', [0, 10, 0.5, -2])
def test_a_compressed_picture_that_was_cut_off_is_refused(suffix, kept):
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    message = compressed(noise, suffix, 'x')
    whole = len(message.data)
    message.data = message.data[: int(kept * whole) if kept == 0.5 else kept]
    with pytest.raises(ObservationError, match=f"{len(message.data)} byte of format 'x' are not"):
        decode_image(message, (48, 64), 'camera')


def test_a_depth_png_is_refused():
    message = compressed(np.full((8, 8), 1000, np.uint16), '.png', '16UC1; png compressed')
    with pytest.raises(
        ObservationError, match="format '16UC1; png .* uint16 values, valid: uint8"
    ):
        decode_image(message, (8, 8), 'depth')


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
