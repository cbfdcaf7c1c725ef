# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One Image or CompressedImage -> RGB of the contract's size; the same offline and live.

Colours are shrunk by area averaging. Depth (16UC1 [mm], 32FC1 [m], 16 bit PNG [mm]) becomes grey
between the two of the contract's ``depth_m``: 1 is near, 255 is far, 0 is not measured. It is
shrunk by taking the nearest pixel, because the mean of two depths is a place where nothing is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
from dp_core.errors import ObservationError
from dp_core.stream import Stream
import numpy as np
from numpy.typing import NDArray

# encoding -> (channels, OpenCV conversion to RGB or None)
ENCODINGS: dict[str, tuple[int, int | None]] = {
    'rgb8': (3, None),
    'bgr8': (3, cv2.COLOR_BGR2RGB),
    'rgba8': (4, cv2.COLOR_RGBA2RGB),
    'bgra8': (4, cv2.COLOR_BGRA2RGB),
    'mono8': (1, cv2.COLOR_GRAY2RGB),
    'bayer_rggb8': (1, cv2.COLOR_BayerBG2RGB),
    'bayer_bggr8': (1, cv2.COLOR_BayerRG2RGB),
    'bayer_gbrg8': (1, cv2.COLOR_BayerGR2RGB),
    'bayer_grbg8': (1, cv2.COLOR_BayerGB2RGB),
}
# encoding -> (dtype, metres per unit)
DEPTH_ENCODINGS: dict[str, tuple[str, float]] = {'16UC1': ('u2', 0.001), '32FC1': ('f4', 1.0)}
# Decodes what is not in the tables, to RGB; None where there is nothing that can (no cv_bridge).
RareDecoder = Callable[[Any], NDArray[np.uint8]]


def full_image(stream: Stream, message: Any, rare: RareDecoder | None = None) -> NDArray[Any]:
    """Picture of a message before it is fitted: (h, w, 3) uint8 RGB, or (h, w) float32 [m].

    Raises:
        ObservationError: an unknown encoding, missing bytes, or depth where colours are expected.
    """
    if not hasattr(message, 'encoding'):
        return _compressed(stream, message)
    if message.encoding in DEPTH_ENCODINGS:
        _require_depth(stream, bool(stream.depth_m), message.encoding)
        dtype, metres = DEPTH_ENCODINGS[message.encoding]
        order = '>' if message.is_bigendian else '<'
        rows = _rows(stream, message, np.dtype(order + dtype), 1)
        return np.asarray(rows, dtype=np.float32) * np.float32(metres)
    _require_depth(stream, not stream.depth_m, message.encoding)
    if message.encoding in ENCODINGS:
        channels, conversion = ENCODINGS[message.encoding]
        image = _rows(stream, message, np.dtype(np.uint8), channels)
        image = image.reshape(*image.shape[:1], -1, channels)
        return image if conversion is None else np.asarray(cv2.cvtColor(image, conversion))
    if rare is None:
        raise ObservationError(
            f'{stream.topic}: encoding {message.encoding!r} is not supported; valid: '
            f'{[*ENCODINGS, *DEPTH_ENCODINGS]}, and more where cv_bridge is installed'
        )
    return rare(message)


def fit_image(stream: Stream, image: NDArray[Any]) -> NDArray[np.uint8]:
    """Give a picture of `full_image` the contract's size, (H, W, 3) uint8 RGB."""
    height, width = stream.size
    if stream.depth_m:
        if image.shape != stream.size:
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST)
        near, far = stream.depth_m
        known = np.isfinite(image) & (image > 0)
        share = (np.where(known, image, near).clip(near, far) - near) / (far - near)
        grey = np.where(known, np.rint(1 + 254 * share), 0).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.shape[:2] != stream.size:
        # Area averaging: shrinking with any other filter aliases thin edges.
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image, dtype=np.uint8)


def decode_image(
    stream: Stream, message: Any, rare: RareDecoder | None = None
) -> NDArray[np.uint8]:
    """RGB image (H, W, 3) uint8 of an Image or CompressedImage in the contract's size."""
    return fit_image(stream, full_image(stream, message, rare))


def _compressed(stream: Stream, message: Any) -> NDArray[Any]:
    data = np.frombuffer(message.data, dtype=np.uint8)
    # Older OpenCV pads a JPEG that lacks its end marker with grey instead of refusing it.
    cut = data[:2].tobytes() == b'\xff\xd8' and data.tobytes().rfind(b'\xff\xd9') < 0
    flags = cv2.IMREAD_UNCHANGED if stream.depth_m else cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    try:
        decoded = None if cut or not data.size else cv2.imdecode(data, flags)
    except cv2.error:  # a header that promises more than may be decoded
        decoded = None
    if decoded is None:
        raise ObservationError(
            f'{stream.topic}: {data.size} byte of format {message.format!r} are not a whole '
            'picture; valid: jpeg, png'
        )
    form = f'{message.format} ({decoded.dtype})'
    if decoded.dtype == np.uint16:
        _require_depth(stream, bool(stream.depth_m), form)
        if decoded.ndim == 2:
            return np.asarray(decoded, dtype=np.float32) * np.float32(0.001)
    else:
        _require_depth(stream, not stream.depth_m, form)
    if decoded.dtype != np.uint8:
        raise ObservationError(
            f'{stream.topic}: a picture of format {message.format!r} has {decoded.dtype} values, '
            'valid: uint8, or uint16 of one channel for depth [mm]'
        )
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def _rows(stream: Stream, message: Any, dtype: np.dtype[Any], channels: int) -> NDArray[Any]:
    """Pixels (h, w * channels) of a raw image without the bytes that pad its rows."""
    height, width, step = int(message.height), int(message.width), int(message.step)
    data = np.frombuffer(message.data, dtype=np.uint8)
    used = width * channels * dtype.itemsize
    if min(height, width) < 1 or step < used or data.size < height * step:
        raise ObservationError(
            f'{stream.topic}: {data.size} byte with step {step} cannot hold {height} x {width} '
            f'{message.encoding}'
        )
    rows = data[: height * step].reshape(height, step)[:, :used]
    return rows if dtype == np.uint8 else np.ascontiguousarray(rows).view(dtype)


def _require_depth(stream: Stream, fits: bool, form: str) -> None:
    if not fits:
        wanted = f'depth_m {list(stream.depth_m)}' if stream.depth_m else 'no depth_m [near, far]'
        raise ObservationError(
            f'{stream.topic}: the encoding is {form!r}, but the contract gives {wanted}; depth '
            'needs it, colours must not have it'
        )
