# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of every encoding become RGB of the contract's size; everything doubtful is refused."""

from types import SimpleNamespace

import cv2
from dp_core.errors import ObservationError
from dp_core.picture import decode_image
from dp_core.picture import ENCODINGS
import numpy as np
import pytest

RGB = np.array(
    [
        [[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]],
        [[1, 2, 3], [4, 5, 6], [7, 8, 9], [250, 251, 252]],
    ],
    dtype=np.uint8,
)


def decoded(message, size, topic, depth_m=()):
    """Decode for a camera of this size (height, width), which may be smaller than a contract's."""
    return decode_image(SimpleNamespace(topic=topic, size=size, depth_m=depth_m), message)


def image(pixels, encoding, padding=0, data=None):
    """Image message of ``pixels`` (H, W, channels) whose rows end in ``padding`` stray bytes."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    step = rows.shape[1] + padding
    stray = np.full((height, padding), 77, np.uint8)
    return SimpleNamespace(
        height=height,
        width=width,
        encoding=encoding,
        step=step,
        is_bigendian=0,
        data=np.hstack([rows, stray]).tobytes() if data is None else data,
    )


def compressed(picture, suffix, form):
    data = cv2.imencode(suffix, picture)[1].tobytes()
    return SimpleNamespace(format=form, data=data)


@pytest.mark.parametrize('padding', [0, 1, 13])
@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8', 'rgba8', 'bgra8'])
def test_colours_come_out_as_rgb_whatever_the_row_stride(encoding, padding):
    alpha = np.full((2, 4, 1), 9, np.uint8)
    pixels = RGB[..., ::-1] if encoding.startswith('bgr') else RGB
    pixels = np.concatenate([pixels, alpha], axis=2) if encoding.endswith('a8') else pixels
    message = image(pixels, encoding, padding)
    assert decoded(message, (2, 4), 'camera').tolist() == RGB.tolist()


@pytest.mark.parametrize('padding', [0, 3])
def test_grey_becomes_three_equal_channels(padding):
    message = image(RGB[..., :1], 'mono8', padding)
    assert decoded(message, (2, 4), 'c').tolist() == np.repeat(RGB[..., :1], 3, 2).tolist()


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_a_bayer_mosaic_of_one_colour_gives_that_colour(pattern):
    colour = {'r': 200, 'g': 120, 'b': 40}
    tile = np.array([colour[c] for c in pattern], np.uint8).reshape(2, 2)
    message = image(np.tile(tile, (6, 6))[..., None], f'bayer_{pattern}8')
    assert decoded(message, (12, 12), 'c')[6, 6].tolist() == [200, 120, 40]


def test_every_encoding_of_the_table_is_tested_above():
    plain = {'rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8'}
    assert set(ENCODINGS) == plain | {f'bayer_{p}8' for p in ('rggb', 'bggr', 'gbrg', 'grbg')}


@pytest.mark.parametrize('encoding', ['mono16', 'yuv422', ''])
def test_an_unknown_encoding_is_refused_by_name(encoding):
    message = image(RGB, encoding)
    with pytest.raises(ObservationError, match=f"c: encoding '{encoding}' .* valid: .*'rgb8'"):
        decoded(message, (2, 4), 'c')


def test_missing_bytes_are_refused():
    message = image(RGB, 'rgb8', data=RGB.tobytes()[:-1])
    with pytest.raises(ObservationError, match='23 byte with step 12 cannot hold 2 x 4 rgb8'):
        decoded(message, (2, 4), 'camera')
    message.step = 11
    with pytest.raises(ObservationError, match='with step 11 cannot hold'):
        decoded(message, (2, 4), 'camera')


def test_an_empty_picture_is_refused():
    message = image(RGB, 'rgb8', data=b'')
    message.height = message.step = 0
    with pytest.raises(ObservationError, match='0 byte with step 0 cannot hold 0 x 4'):
        decoded(message, (2, 4), 'camera')


def test_shrinking_averages():
    checker = np.indices((16, 16)).sum(axis=0) % 2 * 200
    message = image(np.repeat(checker[..., None], 3, 2).astype(np.uint8), 'rgb8')
    assert decoded(message, (8, 8), 'c').tolist() == np.full((8, 8, 3), 100).tolist()


def test_the_contracts_size_is_height_then_width():
    message = image(np.zeros((20, 40, 3), np.uint8), 'rgb8')
    assert decoded(message, (10, 16), 'c').shape == (10, 16, 3)


def test_a_png_comes_back_exactly():
    message = compressed(RGB[..., ::-1], '.png', 'rgb8; png compressed bgr8')
    assert decoded(message, (2, 4), 'c').tolist() == RGB.tolist()


def test_a_jpeg_comes_back_nearly():
    colour = np.full((16, 16, 3), (200, 120, 40), np.uint8)
    message = compressed(colour[..., ::-1], '.jpg', 'bgr8; jpeg compressed bgr8')
    assert np.abs(decoded(message, (16, 16), 'c').astype(int) - colour).max() <= 3


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('kept', [0, 10, 0.5, -2])
def test_a_compressed_picture_that_was_cut_off_is_refused(suffix, kept):
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    message = compressed(noise, suffix, 'x')
    whole = len(message.data)
    message.data = message.data[: int(kept * whole) if kept == 0.5 else kept]
    with pytest.raises(ObservationError, match=f"{len(message.data)} byte of format 'x' are not"):
        decoded(message, (48, 64), 'camera')


# ---- depth


def depth(values, encoding='16UC1', padding=0, swapped=False):
    """Image message of depths (H, W), of either byte order."""
    numbers = np.asarray(values, {'16UC1': '<u2', '32FC1': '<f4'}[encoding])
    numbers = numbers.byteswap() if swapped else numbers
    message = image(numbers.view(np.uint8).reshape(*numbers.shape, -1), encoding, padding)
    message.is_bigendian = int(swapped)
    return message


@pytest.mark.parametrize('swapped', [False, True])
@pytest.mark.parametrize('padding', [0, 3])
def test_depth_becomes_grey_between_near_and_far(padding, swapped):
    expected = [[0, 1, 1], [128, 255, 255]]
    millimetres = depth([[0, 400, 500], [1000, 1500, 9000]], '16UC1', padding, swapped)
    metres = depth([[np.nan, 0.4, 0.5], [1.0, 1.5, np.inf]], '32FC1', padding, swapped)
    for message, grey in ((millimetres, expected), (metres, [expected[0], [128, 255, 0]])):
        shown = decoded(message, (2, 3), 'depth', (0.5, 1.5))
        assert shown.tolist() == np.repeat(np.array(grey)[..., None], 3, 2).tolist()
        assert shown.dtype == np.uint8


def test_depth_is_never_averaged():
    message = depth(np.where(np.indices((16, 16))[1] < 7, 500, 1500))
    assert set(decoded(message, (4, 4), 'depth', (0.5, 1.5)).ravel().tolist()) == {1, 255}


def test_a_depth_png_is_millimetres():
    message = compressed(np.full((8, 8), 1000, np.uint16), '.png', '16UC1; png compressed')
    assert decoded(message, (8, 8), 'depth', (0.5, 1.5))[0, 0].tolist() == [128, 128, 128]


def test_depth_without_a_range_is_refused_and_a_range_without_depth():
    png = compressed(np.full((8, 8), 1000, np.uint16), '.png', '16UC1; png')
    for message in (depth([[1]]), depth([[1]], '32FC1'), png):
        with pytest.raises(ObservationError, match=r'depth: .* no depth_m \[near, far\]'):
            decoded(message, (1, 1), 'depth')
    photo = compressed(RGB, '.png', 'png')
    for message in (image(RGB, 'rgb8'), photo):
        with pytest.raises(ObservationError, match=r'depth_m \[0.5, 1.5\]; .* colours must not'):
            decoded(message, (2, 4), 'depth', (0.5, 1.5))


# ---- encodings of others


def test_other_encodings_go_to_whoever_knows_them():
    stream = SimpleNamespace(topic='c', size=(2, 4), depth_m=())
    assert decode_image(stream, image(RGB, 'yuv422'), lambda m: RGB).tolist() == RGB.tolist()
    known = decode_image(stream, image(RGB, 'rgb8'), lambda m: pytest.fail('is known here'))
    assert known.tolist() == RGB.tolist()
