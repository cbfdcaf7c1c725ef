# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures: what is kept of a message of any encoding, and what that tells of a camera."""

import struct
from types import SimpleNamespace
import zlib

import cv2
from dp_data_tools.quality.collect import PictureCollector
from dp_data_tools.quality.collect import thumbnail
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import Pictures
from dp_data_tools.quality.episode import Track
from dp_data_tools.quality.pictures import check_pictures
from dp_data_tools.quality.thresholds import Thresholds
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

LIMITS = Thresholds()
NOISE = np.random.default_rng(0)


def raw(pixels, encoding='rgb8', padding=0):
    """Image message of an array (H, W, ...), its rows padded by some bytes."""
    rows = pixels.reshape(len(pixels), -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)))
    return SimpleNamespace(
        height=len(pixels),
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=0,
        step=rows.shape[1],
        data=rows.ravel(),
    )


def coded(pixels, suffix='.jpg'):
    data = cv2.imencode(suffix, pixels)[1].ravel()
    return SimpleNamespace(format={'.jpg': 'jpeg', '.png': 'png'}[suffix], data=data)


def collect(*messages, count=None):
    collector = PictureCollector('/cam', count or len(messages))
    for message in messages:
        collector.push(message)
    return collector.pictures(np.arange(len(messages)) / 30)


def camera(seconds=4.0, **changes):
    """A clean camera of 30 Hz."""
    count = round(30 * seconds)
    fields = {
        'name': '/cam',
        'times_s': np.arange(count) / 30,
        'mean': np.full(count, 120.0),
        'spread': np.full(count, 40.0),
        'repeats': np.zeros(count, np.bool_),
        'formats': ((0, '64 x 48 rgb8'),),
    }
    return Pictures(**{**fields, **changes})


def check(pictures, moving=None):
    states = ()
    if moving is not None:
        times_s = np.arange(400) / 100
        values = np.where(times_s < moving, times_s, moving)[:, None]
        states = (Track('arm', ('a',), times_s, values, 'rad'),)
    made = Episode('bag', 0, 'bag', 4.0, states=states, pictures=(pictures,))
    return list(check_pictures(made, LIMITS))


@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8', 'mono8', 'bayer_rggb8', 'rgba8'])
def test_brightness_of_any_encoding(encoding):
    channels = {'rgb8': 3, 'bgr8': 3, 'rgba8': 4}.get(encoding, 1)
    pixels = NOISE.integers(0, 256, (48, 64, channels), np.uint8)
    found = collect(raw(pixels, encoding))
    assert found.mean[0] == pytest.approx(pixels.mean(), rel=1e-6)
    assert found.spread[0] == pytest.approx(pixels.std(), rel=1e-6)
    assert found.formats == ((0, f'64 x 48 {encoding}'),)
    assert len(found.thumbnails) == 1


@pytest.mark.parametrize(
    ('width', 'height'),
    [(640, 480), (424, 240), (640, 400), (1024, 768), (1280, 800), (1280, 720), (1920, 1080)],
)
def test_large_pictures_are_sampled_in_all_channels(width, height):
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 1] = 90
    found = collect(raw(pixels))
    assert found.mean[0] == pytest.approx(30.0, abs=0.2)
    assert found.spread[0] == pytest.approx(90 * np.sqrt(2) / 3, abs=0.2)


@pytest.mark.parametrize(('encoding', 'dtype'), [('16UC1', np.uint16), ('32FC1', np.float32)])
def test_depth_is_neither_black_nor_broken(encoding, dtype):
    depth = np.full((48, 64), 1000 if dtype == np.uint16 else 1.0, dtype)
    found = collect(raw(depth, encoding))
    assert np.isnan(found.mean[0])
    assert found.broken == ()
    grey = cv2.imdecode(np.frombuffer(found.thumbnails[0][1], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert grey.mean() == pytest.approx(1 + 254 * 0.9 / 2.9, abs=2)  # 1 m of 0.1 to 3 m
    assert not check(camera(mean=np.full(120, np.nan), spread=np.full(120, np.nan)))


@pytest.mark.parametrize('head', [0, 12])
def test_compressed_depth_is_neither_black_nor_broken(head):
    message = coded(np.full((48, 64), 1000, np.uint16), '.png')
    if head:  # as compressed_depth_image_transport writes it
        message.data = np.concatenate([np.zeros(head, np.uint8), message.data])
        message.format = '16UC1; compressedDepth png'
    found = collect(message, message)
    assert np.isnan(found.mean).all() and np.isnan(found.spread).all()
    assert found.broken == ()
    assert found.formats == ((0, f'64 x 48 {message.format}'),)
    message.data = message.data[:head]
    assert collect(message).broken == (0,)


def test_compressed_pictures_tell_size_and_format():
    pixels = np.full((48, 64, 3), (10, 100, 200), np.uint8)
    found = collect(coded(pixels), coded(pixels, '.png'))
    assert [words for _, words in found.formats] == ['64 x 48 jpeg', '64 x 48 png']
    grey = 0.114 * 10 + 0.587 * 100 + 0.299 * 200
    assert found.mean == pytest.approx([grey, grey], abs=1.5)


def test_messages_cut_short_are_broken():
    whole = coded(NOISE.integers(0, 256, (48, 64, 3), np.uint8))
    half = SimpleNamespace(format='jpeg', data=whole.data[: len(whole.data) // 2])
    none = SimpleNamespace(format='jpeg', data=np.zeros(0, np.uint8))
    short = raw(np.zeros((48, 64, 3), np.uint8))
    short.data = short.data[:100]
    found = collect(whole, half, none, short, whole)
    assert found.broken == (1, 2, 3)
    assert np.isnan(found.mean[1:4]).all()
    assert np.isfinite(found.mean[[0, 4]]).all()


def test_repetitions_are_told_byte_by_byte():
    one, two = (raw(NOISE.integers(0, 256, (8, 8, 3), np.uint8)) for _ in 'ab')
    found = collect(one, one, two, one, one, one)
    assert found.repeats.tolist() == [False, True, False, False, True, True]
    assert found.mean[1] == found.mean[0]


@given(st.integers(1, 200))
def test_at_most_ten_thumbnails_from_the_first_on(count):
    pixels = np.zeros((8, 8, 3), np.uint8)
    found = collect(*[raw(pixels + np.uint8(k % 200)) for k in range(count)])
    times = [time_s for time_s, _ in found.thumbnails]
    assert len(times) == len(set(times)) <= 10
    assert len(times) >= min(count, 5)
    assert times[0] == 0.0


def test_a_thumbnail_keeps_its_proportions_and_colours():
    picture = np.full((480, 640, 3), (200, 100, 50), np.uint8)
    small = cv2.imdecode(np.frombuffer(thumbnail(picture), np.uint8), cv2.IMREAD_COLOR)
    assert small.shape == (96, 128, 3)
    assert small[48, 64, ::-1].tolist() == pytest.approx([200, 100, 50], abs=4)


def test_a_clean_camera_is_silent():
    assert not check(camera())


def test_frozen_is_judged_by_what_the_arm_does():
    repeats = np.zeros(120, np.bool_)
    repeats[61:91] = True  # the picture of 2 s until 3 s
    unknown = check(camera(repeats=repeats))
    assert [(f.check, f.severity) for f in unknown] == [('frozen', 'warning')]
    assert unknown[0].value == pytest.approx(1.0)
    moving = check(camera(repeats=repeats), moving=2.5)
    assert (moving[0].severity, moving[0].message) == (
        'error',
        'the same picture for 1.00 s while the arm moves by 0.50',
    )
    resting = check(camera(repeats=repeats), moving=2.0)
    assert (resting[0].severity, resting[0].message) == (
        'info',
        'the same picture for 1.00 s while nothing moves',
    )


def test_the_worst_of_several_frozen_times_is_the_one_with_most_motion():
    repeats = np.zeros(120, np.bool_)
    repeats[10:25] = repeats[61:111] = True
    found = check(camera(repeats=repeats), moving=1.0)
    assert found[0].message.endswith('while the arm moves by 0.50, 2 times')
    assert found[0].time_s == pytest.approx(0.3)


def test_black_spans():
    mean = np.full(120, 120.0)
    mean[30:45] = mean[90] = 2.0
    found = check(camera(mean=mean))
    assert found[0].message == '16 of 120 pictures are black'
    assert found[0].spans == (pytest.approx((1.0, 44 / 30)), (3.0, 3.0))


def test_dark_scenes_with_something_in_them_are_not_flat():
    assert not check(camera(mean=np.full(120, 12.0), spread=np.full(120, 6.0)))
    flat = check(camera(spread=np.full(120, 0.4)))
    assert [(f.check, f.value, f.threshold) for f in flat] == [('flat', 0.4, 1.0)]


def test_a_picture_that_promises_too_many_pixels_is_broken():
    message = coded(np.zeros((48, 64), np.uint8), '.png')
    head = b'IHDR' + struct.pack('>II', 1 << 16, 1 << 16) + bytes(message.data[24:29])
    huge = bytes(message.data[:12]) + head + struct.pack('>I', zlib.crc32(head))
    message.data = np.frombuffer(huge + bytes(message.data[33:]), np.uint8)
    found = collect(coded(np.full((48, 64), 99, np.uint8), '.png'), message)
    assert found.broken == (1,)
    assert np.isnan(found.mean).tolist() == [False, True]
