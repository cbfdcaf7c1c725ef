# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Odd messages in a bag: what can be used is used, the rest is refused with topic and time."""

import sys
from types import SimpleNamespace

from bag_samples import contract
from bag_samples import IMAGE
from bag_samples import image
from bag_samples import JOINT_STATE
from bag_samples import joints
from bag_samples import recording
from bag_samples import STORE
from bag_samples import T0
from bag_samples import write_bag
from conversion import run
from dp_core.replay_buffer import load_dataset
import numpy as np
import pytest
from rosbags.rosbag2 import Writer
import yaml

FRONT = '/front/image_raw'
DEPTH = {'name': 'front', 'kind': 'image', 'topic': 'front/image_raw', 'size': [8, 8]}
ARM = {'name': 'arm', 'kind': 'joint_state', 'topic': 'joint_states', 'joints': ['a', 'b']}


def changed(change, seconds=1.0):
    """`recording` with every message changed by ``change(topic, ms, message)`` -> message."""
    return [(t, k, ms, change(t, ms, m) or m) for t, k, ms, m in recording(seconds)]


def with_pictures(tmp_path, make, seconds=1.0):
    entries = changed(lambda t, ms, m: make(ms - 5) if t == FRONT else None, seconds)
    return write_bag(tmp_path / 'bag', entries)


@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize(
    ('encoding', 'pixel', 'rgb'),
    [
        ('rgb8', (1, 2, 3), (1, 2, 3)),
        ('bgr8', (3, 2, 1), (1, 2, 3)),
        ('rgba8', (1, 2, 3, 0), (1, 2, 3)),
        ('bgra8', (3, 2, 1, 0), (1, 2, 3)),
        ('mono8', (7,), (7, 7, 7)),
        ('bayer_rggb8', (7,), (7, 7, 7)),
    ],
)
def test_encodings_and_odd_row_strides(tmp_path, encoding, pixel, rgb, padding):
    pixels = np.tile(np.array(pixel, np.uint8), (16, 12, 1))
    bag = with_pictures(tmp_path, lambda ms: image(ms, pixels, encoding, padding))
    assert run(tmp_path, bag) == 0
    front = load_dataset(tmp_path / 'out')[1].data['front']
    assert np.unique(front.reshape(-1, 3), axis=0).tolist() == [list(rgb)]


@pytest.mark.parametrize(
    ('encoding', 'value'), [('16UC1', np.uint16(1000)), ('32FC1', np.float32(1.0))]
)
def test_depth_between_near_and_far(tmp_path, encoding, value):
    what = contract(observations=[ARM, {**DEPTH, 'depth_m': [0.5, 1.5]}])
    bag = with_pictures(tmp_path, lambda ms: image(ms, np.full((8, 8, 1), value), encoding))
    assert run(tmp_path, bag, what) == 0
    assert set(load_dataset(tmp_path / 'out')[1].data['front'].ravel().tolist()) == {128}


def test_an_encoding_that_nobody_knows_is_named_with_those_that_are(tmp_path, capsys):
    pixels = np.zeros((8, 8, 2), np.uint8)
    assert run(tmp_path, with_pictures(tmp_path, lambda ms: image(ms, pixels, 'yuv422'))) == 1
    said = capsys.readouterr().err
    assert f"bag: {FRONT}: encoding 'yuv422' is not supported; valid: ['rgb8'," in said
    assert 'more where cv_bridge is installed, recorded at 1700000000.' in said


def test_what_cv_bridge_cannot_decode_is_told_with_topic_and_time(tmp_path, monkeypatch, capsys):
    class CvBridge:
        def imgmsg_to_cv2(self, message, encoding):
            raise TypeError('buffer is too small for requested array')

    cv_bridge = SimpleNamespace(CvBridge=CvBridge, CvBridgeError=RuntimeError)
    monkeypatch.setitem(sys.modules, 'cv_bridge', cv_bridge)
    pixels = np.zeros((8, 8, 2), np.uint8)
    assert run(tmp_path, with_pictures(tmp_path, lambda ms: image(ms, pixels, 'yuv422'))) == 1
    said = capsys.readouterr().err
    assert f"bag: {FRONT}: encoding 'yuv422': buffer is too small for requested array, rec" in said


def test_a_change_of_resolution_is_refused_with_its_time(tmp_path, capsys):
    def make(ms):
        size = (16, 16, 3) if ms < 500 else (8, 12, 3)
        return image(ms, np.zeros(size, np.uint8), 'rgb8')

    assert run(tmp_path, with_pictures(tmp_path, make)) == 1
    said = capsys.readouterr().err
    assert "pictures of 'front' change from 16 x 16 to 12 x 8 pixel at 1700000000.5" in said
    assert f"['front' is topic {FRONT}]" in said


def test_other_sizes_in_other_bags_are_told(tmp_path, capsys):
    wide = np.zeros((8, 16, 3), np.uint8)
    bags = [
        write_bag(tmp_path / 'square', recording(1.0)),
        with_pictures(tmp_path, lambda ms: image(ms, wide, 'rgb8')),
    ]
    assert run(tmp_path, bags) == 0
    said = capsys.readouterr().out
    assert 'pictures have other sizes in other bags' in said
    found = yaml.safe_load((tmp_path / 'out' / 'episodes.yaml').read_text())
    assert [e['picture_sizes'] for e in found] == [{'front': [8, 8]}, {'front': [8, 16]}]


def test_a_damaged_picture_matters_only_where_it_is_used(tmp_path, capsys):
    def broken_at(*numbers):
        def change(topic, ms, message):
            if topic == FRONT and round((ms - 5) * 0.03) in numbers:
                message.step = 1
            return message

        return changed(change)

    assert run(tmp_path, write_bag(tmp_path / 'unused', broken_at(1, 2, 4)), output='x') == 0
    assert run(tmp_path, write_bag(tmp_path / 'used', broken_at(6)), output='y') == 1
    said = capsys.readouterr().err
    assert f'used: {FRONT}: 192 byte with step 1 cannot hold 8 x 8 rgb8, recorded at 17' in said


@pytest.mark.parametrize('topic', ['/joint_states', FRONT, '/commands'])
def test_stamps_of_zero_are_refused_with_topic_and_time(tmp_path, capsys, topic):
    def change(name, ms, message):
        if name == topic and ms > 500:
            message.header.stamp.sec = message.header.stamp.nanosec = 0
        return message

    assert run(tmp_path, write_bag(tmp_path / 'bag', changed(change))) == 1
    said = capsys.readouterr().err
    assert f'bag: {topic}: header stamp is 0 ns; the source must stamp its messages' in said
    assert 'recorded at 1700000000.5' in said


def test_stamps_that_stand_still_are_refused(tmp_path, capsys):
    def change(name, ms, message):
        if name == '/joint_states' and ms > 500:
            message.header.stamp = joints(500, (0, 0)).header.stamp
        return message

    assert run(tmp_path, write_bag(tmp_path / 'bag', changed(change, 3.0))) == 1
    said = capsys.readouterr().err
    assert "the stamps of 'arm' stand still at 1700000000." in said
    assert "['arm' is topic /joint_states]" in said


def test_the_order_of_joints_may_change_with_every_message(tmp_path):
    orders = set()

    def change(name, ms, message):
        if name == '/joint_states':
            if round(ms - 5) // 8 % 2:
                message.name.reverse()
                message.position = message.position[::-1].copy()
            orders.add(tuple(message.name))
        return message

    plain = write_bag(tmp_path / 'plain', recording(1.0))
    shuffled = write_bag(tmp_path / 'shuffled', changed(change))
    assert orders == {('a', 'b'), ('b', 'a')}
    assert run(tmp_path, plain, output='a') == run(tmp_path, shuffled, output='b') == 0
    one, two = (load_dataset(tmp_path / name)[1].data['arm'] for name in 'ab')
    assert np.array_equal(one, two)


def test_another_robot_on_the_topic_is_told_and_changes_nothing(tmp_path, capsys):
    other = [
        ('/joint_states', JOINT_STATE, ms + 6, joints(ms, (9.0, 9.0), ('c', 'd')))
        for ms in range(0, 1000, 10)
    ]
    both = sorted([*recording(1.0), *other], key=lambda entry: entry[2])
    assert run(tmp_path, write_bag(tmp_path / 'one', recording(1.0)), output='a') == 0
    assert run(tmp_path, write_bag(tmp_path / 'two', both), output='b') == 0
    assert 'arm: joint states of another device on its topic left out' in capsys.readouterr().out
    one, two = (load_dataset(tmp_path / name)[1].data['arm'] for name in 'ab')
    assert np.array_equal(one, two)


def test_only_another_robot_is_refused_with_its_joints(tmp_path, capsys):
    def change(name, ms, message):
        return joints(ms - 5, (0, 0), ('c', 'd')) if name == '/joint_states' else message

    assert run(tmp_path, write_bag(tmp_path / 'bag', changed(change))) == 1
    said = capsys.readouterr().err
    assert "no sample of ['arm']" in said
    assert "[/joint_states names the joints ['c', 'd']]" in said


def test_bytes_that_are_no_message_are_refused_with_topic_and_time(tmp_path, capsys):
    text = STORE.serialize_cdr(STORE.types['std_msgs/msg/String']('hello'), 'std_msgs/msg/String')
    with Writer(tmp_path / 'odd', version=9) as writer:
        for topic, kind in (
            (FRONT, IMAGE),
            ('/commands', JOINT_STATE),
            ('/joint_states', JOINT_STATE),
        ):
            writer.write(writer.add_connection(topic, kind, typestore=STORE), T0, text)
    assert run(tmp_path, tmp_path / 'odd') == 1
    said = capsys.readouterr().err
    assert f'odd: {FRONT}: 14 byte recorded at 1700000000.000 are no message of its type' in said


def test_a_bag_of_the_wrong_frame_is_refused(tmp_path, capsys):
    what = contract(observations=[{**ARM, 'frame': 'base'}])
    assert run(tmp_path, write_bag(tmp_path / 'bag', recording(1.0)), what) == 1
    said = capsys.readouterr().err
    assert "/joint_states: frame_id is 'world', the contract says 'base', recorded at 17" in said
