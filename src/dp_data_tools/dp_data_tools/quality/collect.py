# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Messages of one topic -> its numbers or what is known of its pictures, one message at a time."""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
from dp_core.errors import ObservationError
from dp_core.picture import DEPTH_ENCODINGS
from dp_core.picture import fit_image
from dp_core.picture import full_image
from dp_core.stream import Stream
from dp_data_tools.quality.episode import Array
from dp_data_tools.quality.episode import METRE
from dp_data_tools.quality.episode import Pictures
from dp_data_tools.quality.episode import RADIAN
from dp_data_tools.quality.episode import Track
import numpy as np
from numpy.typing import NDArray

THUMBNAILS = 10
THUMBNAIL_HEIGHT = 96
_SAMPLES = 20_000
_QUARTER = cv2.IMREAD_REDUCED_GRAYSCALE_4
_PNG = b'\x89PNG\r\n\x1a\n'
_BITS_AT = 24  # where a PNG has the bits of a value
_DEPTH_HEAD = 12  # what compressed_depth_image_transport writes before its PNG [byte]
# Colours, or depth from a hand's breadth to across a table [m].
_STREAMS = (
    Stream('camera', 'image', 'camera', size=(8, 8)),
    Stream('camera', 'image', 'camera', size=(8, 8), depth_m=(0.1, 3.0)),
)


class JointCollector:
    """Positions of JointState messages by name, whatever their order."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self._rows: list[tuple[tuple[str, ...], Array]] = []
        self.orders: list[tuple[int, tuple[str, ...]]] = []

    def push(self, message: Any) -> None:
        """Add a message."""
        names = tuple(message.name)
        if not self.orders or self.orders[-1][1] != names:
            self.orders.append((len(self._rows), names))
        self._rows.append((names, np.array(message.position, dtype=np.float64)))

    def track(self, times_s: Array, rows: NDArray[np.intp]) -> Track:
        """Positions at ``rows``, whose times are ``times_s``; NaN where a joint is not named."""
        joints = tuple(dict.fromkeys(name for _, names in self.orders for name in names))
        columns = {names: [joints.index(name) for name in names] for _, names in self.orders}
        values = np.full((len(rows), len(joints)), np.nan)
        for to, row in enumerate(rows):
            names, position = self._rows[row]
            if len(position) == len(names):
                values[to, columns[names]] = position
        return Track(self.topic, joints, times_s, values, RADIAN)


class PoseCollector:
    """Positions of PoseStamped messages."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._rows: list[tuple[float, float, float]] = []

    def push(self, message: Any) -> None:
        """Add a message."""
        p = message.pose.position
        self._rows.append((p.x, p.y, p.z))

    def track(self, times_s: Array, rows: NDArray[np.intp]) -> Track:
        """Positions at ``rows``, whose times are ``times_s``."""
        values = np.array(self._rows, dtype=np.float64)[rows]
        return Track(self._topic, ('x', 'y', 'z'), times_s, values, METRE)


class PictureCollector:
    """Brightness, repetitions and a few thumbnails of Image or CompressedImage messages."""

    def __init__(self, topic: str, count: int) -> None:
        """``count`` messages are about to come; it spreads the thumbnails."""
        self._topic = topic
        self._every = max(1, -(-count // THUMBNAILS))
        self._before = b''
        self._figures: list[tuple[float, float, bool]] = []
        self._formats: list[tuple[int, str]] = []
        self._broken: list[int] = []
        self._thumbnails: list[tuple[int, bytes]] = []

    def push(self, message: Any) -> None:
        """Add a message."""
        index, data = len(self._figures), bytes(memoryview(message.data))
        repeats = bool(self._figures) and data == self._before
        if repeats and index % self._every:
            self._figures.append((*self._figures[-1][:2], True))
            return
        self._before = data
        raw = hasattr(message, 'encoding')
        pixels = _pixels(message) if raw else _decoded(data)
        depth = message.encoding in DEPTH_ENCODINGS if raw else _is_depth(message.format, data)
        if pixels is None or not pixels.size:
            self._broken.append(index)
            self._figures.append((np.nan, np.nan, repeats))
            return
        mean, spread = (np.nan, np.nan) if depth else (float(pixels.mean()), float(pixels.std()))
        self._figures.append((mean, spread, repeats))
        # A compressed picture does not say its size; that of its reduced form does.
        size = [message.width, message.height] if raw else [4 * n for n in pixels.shape[1::-1]]
        words = message.encoding if raw else message.format
        described = f'{size[0]} x {size[1]} {words}'
        if not self._formats or self._formats[-1][1] != described:
            self._formats.append((index, described))
        if index % self._every == 0:
            self._keep(index, message)

    def pictures(self, times_s: Array) -> Pictures:
        """What is known of the pictures at ``times_s``, one time for each message."""
        mean, spread, repeats = (np.array(column) for column in zip(*self._figures))
        return Pictures(
            self._topic,
            times_s,
            mean,
            spread,
            repeats.astype(np.bool_),
            tuple(self._formats),
            tuple(self._broken),
            tuple((float(times_s[i]), picture) for i, picture in self._thumbnails),
        )

    def _keep(self, index: int, message: Any) -> None:
        for stream in _STREAMS:
            try:
                picture = full_image(stream, message)
            except ObservationError:
                continue  # depth, or an encoding that needs cv_bridge to be seen
            if stream.depth_m:
                picture = fit_image(dataclasses.replace(stream, size=picture.shape), picture)
            self._thumbnails.append((index, thumbnail(picture)))
            return


def thumbnail(picture: NDArray[np.uint8]) -> bytes:
    """Small form of an RGB picture (H, W, 3), as JPEG."""
    height, width = picture.shape[:2]
    if height > THUMBNAIL_HEIGHT:
        size = max(1, round(width * THUMBNAIL_HEIGHT / height)), THUMBNAIL_HEIGHT
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, coded = cv2.imencode('.jpg', picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return bytes(coded.tobytes())


def _pixels(message: Any) -> NDArray[Any] | None:
    """Some values of a raw picture, evenly spread; None where data are missing."""
    data = np.frombuffer(message.data, dtype=np.uint8)
    if data.size < message.height * message.step or not data.size:
        return None
    step = max(1, data.size // _SAMPLES) | 1
    return data[:: step + 2 * (step % 3 == 0)]  # of 3 or 4 channels not always the same one


def _is_depth(form: str, data: bytes) -> bool:
    """Whether a compressed picture holds depth: the values of no other one have 16 bits."""
    return 'compressedDepth' in form or (
        data.startswith(_PNG) and data[_BITS_AT : _BITS_AT + 1] == b'\x10'
    )


def _decoded(data: bytes) -> NDArray[np.uint8] | None:
    """Grey picture of a quarter of the size; None for bytes that are no whole picture."""
    if data.startswith(_PNG, _DEPTH_HEAD):
        data = data[_DEPTH_HEAD:]
    cut = data[:2] == b'\xff\xd8' and b'\xff\xd9' not in data[-1024:]
    pixels = np.frombuffer(data, np.uint8)
    try:
        return None if cut or not pixels.size else cv2.imdecode(pixels, _QUARTER)
    except cv2.error:  # a header that promises more than may be decoded
        return None
