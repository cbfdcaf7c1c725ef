# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One ROS message -> one stamped sample; the same function offline and live.

Messages are duck-typed: rclpy and ``rosbags`` objects have the same fields, and this package
imports neither. Whatever cannot be decoded is refused by name, never guessed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
from dp_core.contract import Stream
from dp_core.errors import ObservationError
import numpy as np
from numpy.typing import NDArray

# encoding -> (dtype, channels, OpenCV conversion to RGB or None)
ENCODINGS: dict[str, tuple[type[np.generic], int, int | None]] = {
    'rgb8': (np.uint8, 3, None),
    'bgr8': (np.uint8, 3, cv2.COLOR_BGR2RGB),
    'rgba8': (np.uint8, 4, cv2.COLOR_RGBA2RGB),
    'bgra8': (np.uint8, 4, cv2.COLOR_BGRA2RGB),
    'mono8': (np.uint8, 1, cv2.COLOR_GRAY2RGB),
    'bayer_rggb8': (np.uint8, 1, cv2.COLOR_BayerBG2RGB),
    'bayer_bggr8': (np.uint8, 1, cv2.COLOR_BayerRG2RGB),
    'bayer_gbrg8': (np.uint8, 1, cv2.COLOR_BayerGR2RGB),
    'bayer_grbg8': (np.uint8, 1, cv2.COLOR_BayerGB2RGB),
}


def stamp_ns(message: Any) -> int:
    """Header stamp of a message [ns]."""
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def decode(stream: Stream, message: Any) -> tuple[int, NDArray[Any]]:
    """Sample of ``stream`` in ``message``.

    Returns:
        Event time [ns] (header stamp less the stream's latency) and the value: (dim,) float32,
        or (H, W, 3) uint8 RGB resized to the contract's size.

    Raises:
        ObservationError: no stamp, wrong frame, missing joint, NaN, or an unknown encoding.
    """
    event_ns = stamp_ns(message)
    if event_ns <= 0:
        raise ObservationError(
            f'{stream.topic}: header stamp is {event_ns} ns; the source must stamp its messages'
        )
    frame = message.header.frame_id
    if stream.frame and frame != stream.frame:
        raise ObservationError(
            f'{stream.topic}: frame_id is {frame!r}, the contract says {stream.frame!r}'
        )
    if stream.kind == 'image':
        value: NDArray[Any] = decode_image(message, stream.size, stream.topic)
    elif stream.kind == 'joint_state':
        value = joint_positions(message, stream.joints, stream.topic)
    elif stream.kind == 'pose':
        value = _pose_features(stream, message.pose)
    else:
        raise ObservationError(
            f'stream {stream.name!r} of kind {stream.kind!r} has no ROS message'
        )
    if stream.kind != 'image' and not np.isfinite(value).all():
        raise ObservationError(f'{stream.topic}: NaN or infinity in {value.round(3).tolist()}')
    return event_ns - round(stream.latency_s * 1e9), value


def joint_positions(message: Any, joints: tuple[str, ...], topic: str) -> NDArray[np.float32]:
    """Positions (len(joints),) [rad] of a JointState in the order of ``joints``, by name.

    Raises:
        ObservationError: a joint is absent or named twice, lengths differ, or a value is NaN.
    """
    columns = joint_columns(message, joints, topic)
    value = np.asarray(message.position, dtype=np.float64)[columns].astype(np.float32)
    if not np.isfinite(value).all():
        bad = [joint for joint, number in zip(joints, value) if not np.isfinite(number)]
        raise ObservationError(f'{topic}: NaN or infinity in the position of {bad}')
    return value


def joint_columns(message: Any, joints: tuple[str, ...], topic: str) -> NDArray[np.intp]:
    """Where a JointState has ``joints`` (len(joints),), by name.

    Raises:
        ObservationError: a joint is absent or named twice, or names and positions differ.
    """
    if len(message.position) != len(message.name):
        raise ObservationError(
            f'{topic}: {len(message.name)} names but {len(message.position)} positions'
        )
    return _columns(tuple(message.name), joints, topic)


@lru_cache(maxsize=64)  # five hundred times a second the same names
def _columns(names: tuple[str, ...], joints: tuple[str, ...], topic: str) -> NDArray[np.intp]:
    missing = [joint for joint in joints if joint not in names]
    if missing:
        raise ObservationError(
            f'{topic}: joints {missing} are missing; the message has {list(names)}'
        )
    doubled = [joint for joint in joints if names.count(joint) > 1]
    if doubled:
        raise ObservationError(f'{topic}: joints {doubled} are named more than once')
    return np.array([names.index(joint) for joint in joints], dtype=np.intp)


def decode_image(message: Any, size: tuple[int, int], topic: str) -> NDArray[np.uint8]:
    """RGB image (H, W, 3) uint8 of an Image or CompressedImage, resized to ``size`` (H, W)."""
    raw = hasattr(message, 'encoding')
    image = _raw_image(message, topic) if raw else _compressed_image(message, topic)
    if image.shape[:2] != size:
        # Area averaging: shrinking with any other filter aliases thin edges.
        image = cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image, dtype=np.uint8)


def _compressed_image(message: Any, topic: str) -> NDArray[np.uint8]:
    data = np.frombuffer(message.data, dtype=np.uint8)
    # Older OpenCV pads a JPEG that lacks its end marker with grey instead of refusing it.
    cut = data[:2].tobytes() == b'\xff\xd8' and data.tobytes().rfind(b'\xff\xd9') < 0
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    decoded = None if cut or not data.size else cv2.imdecode(data, flags)
    if decoded is None:
        raise ObservationError(
            f'{topic}: {data.size} byte of format {message.format!r} are not a whole picture'
        )
    if decoded.dtype != np.uint8:
        raise ObservationError(
            f'{topic}: a picture of format {message.format!r} has {decoded.dtype} values, valid: '
            'uint8; depth images are not supported'
        )
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def _raw_image(message: Any, topic: str) -> NDArray[np.uint8]:
    if message.encoding not in ENCODINGS:
        raise ObservationError(
            f'{topic}: encoding {message.encoding!r} is not supported; valid: {list(ENCODINGS)}'
        )
    dtype, channels, conversion = ENCODINGS[message.encoding]
    height, width, step = int(message.height), int(message.width), int(message.step)
    data = np.frombuffer(message.data, dtype=dtype)
    if min(height, width) < 1 or step < width * channels or data.size < height * step:
        raise ObservationError(
            f'{topic}: {data.size} byte with step {step} cannot hold {height} x {width} '
            f'{message.encoding}'
        )
    rows = data[: height * step].reshape(height, step)[:, : width * channels]
    image = rows.reshape(height, width, channels)
    return np.asarray(image if conversion is None else cv2.cvtColor(image, conversion), np.uint8)


def _pose_features(stream: Stream, pose: Any) -> NDArray[np.float32]:
    p = pose.position
    rotation = _rotation(stream, pose.orientation)
    forward = rotation[:2, 0]  # (2,), the body's x axis in the plane
    cosine, sine = forward / max(float(np.hypot(*forward)), 1e-9)
    values: list[float] = []
    for feature in stream.features:
        if feature == 'points':
            for x, y in stream.points:
                values += [p.x + cosine * x - sine * y, p.y + sine * x + cosine * y]
        elif feature == 'rotation_6d':
            values += rotation[:2].ravel().tolist()
        else:
            plain = {'x': p.x, 'y': p.y, 'z': p.z, 'cos_yaw': cosine, 'sin_yaw': sine}
            values.append(plain[feature])
    return np.array(values, dtype=np.float32)


def _rotation(stream: Stream, orientation: Any) -> NDArray[np.float64]:
    """Rotation matrix (3, 3); the identity where the stream takes nothing from it."""
    if not set(stream.features) - {'x', 'y', 'z'}:
        return np.eye(3)
    x, y, z, w = orientation.x, orientation.y, orientation.z, orientation.w
    norm = float(np.sqrt(x * x + y * y + z * z + w * w))
    if abs(norm - 1.0) > 0.01:  # a quaternion that was never set is all zero
        raise ObservationError(
            f'{stream.topic}: orientation [{x}, {y}, {z}, {w}] has norm {norm:.3f}, valid: 1'
        )
    x, y, z, w = x / norm, y / norm, z / norm, w / norm
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
