# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One ROS message -> one stamped sample; the same function offline and live.

Messages are duck-typed: rclpy and ``rosbags`` objects have the same fields, and this package
imports neither. Whatever cannot be decoded is refused by name, never guessed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from dp_core.errors import ObservationError
from dp_core.picture import decode_image
from dp_core.picture import RareDecoder
from dp_core.stream import Stream
import numpy as np
from numpy.typing import NDArray


def stamp_ns(message: Any) -> int:
    """Header stamp of a message [ns]."""
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def decode(
    stream: Stream, message: Any, rare: RareDecoder | None = None
) -> tuple[int, NDArray[Any]]:
    """Sample of ``stream`` in ``message``.

    Args:
        stream: of the contract.
        message: of the type that its kind needs.
        rare: decodes pictures of encodings that `dp_core.picture` does not know.

    Returns:
        Event time [ns] (header stamp less the stream's latency) and the value: (channels,) float32
        or (H, W, 3) uint8 RGB resized to the contract's size.

    Raises:
        ObservationError: no stamp, wrong frame, missing joint, NaN, or an unknown encoding.
    """
    return event_time_ns(stream, message), decode_value(stream, message, rare)


def event_time_ns(stream: Stream, message: Any) -> int:
    """Header stamp less the stream's latency [ns]; needs nothing but the header.

    Raises:
        ObservationError: no stamp, or another frame than the contract's.
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
    return event_ns - round(stream.latency_s * 1e9)


def decode_value(stream: Stream, message: Any, rare: RareDecoder | None = None) -> NDArray[Any]:
    """Numbers or picture of a message, see `decode`."""
    if stream.kind == 'image':
        return decode_image(stream, message, rare)
    if stream.kind == 'joint_state':
        return joint_positions(message, stream.joints, stream.topic)
    if stream.kind == 'wrench':
        return _finite(stream, _force_and_torque(message.wrench))
    if stream.kind != 'pose':
        raise ObservationError(
            f'stream {stream.name!r} of kind {stream.kind!r} has no ROS message'
        )
    return _finite(stream, _pose_features(stream, message.pose))


def is_other_device(stream: Stream, message: Any) -> bool:
    """Whether a joint state names none of the stream's joints: two devices share the topic."""
    return stream.kind == 'joint_state' and set(stream.joints).isdisjoint(message.name)


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


def _finite(stream: Stream, value: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(value).all():
        raise ObservationError(f'{stream.topic}: NaN or infinity in {value.round(3).tolist()}')
    return value


def _force_and_torque(wrench: Any) -> NDArray[np.float32]:
    """Force x, y, z [N] and torque x, y, z [N m], (6,)."""
    parts = (wrench.force, wrench.torque)
    return np.array([n for p in parts for n in (p.x, p.y, p.z)], dtype=np.float32)


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
