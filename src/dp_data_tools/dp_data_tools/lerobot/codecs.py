# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to store pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from dp_core.errors import ConfigError


@dataclass(frozen=True)
class Codec:
    """How pictures become a video.

    One thread: with several, x264 and SVT-AV1 write other bytes on another machine.

    Attributes:
        encoder: of FFmpeg.
        format: of the pixels that it takes.
        name: of what it makes, as LeRobot calls it.
        again: format of the pixels with which LeRobot encodes what it cuts out of the file; its
            h264 cannot have RGB.
        options: of the encoder.
        raw_bytes: pictures of so many bytes make a file of LeRobot's usual size.
    """

    encoder: str
    format: str
    name: str
    again: str
    options: Mapping[str, str] = field(default_factory=dict)
    raw_bytes: int = 8 << 30

    def info(self, height: int, width: int, rate: int) -> dict[str, Any]:
        """What LeRobot says of a video of this kind."""
        quality = int(self.options.get('crf', 0))
        return {
            'video.height': height,
            'video.width': width,
            'video.codec': self.name,
            'video.pix_fmt': self.again,
            'video.fps': rate,
            'video.channels': 3,
            'video.g': int(self.options['g']),
            'video.crf': quality,
            'video.video_backend': 'pyav',
            'has_audio': False,
            'is_depth_map': False,
        }


# A key frame every other frame, as LeRobot has it: training reads frames in any order.
VIDEOS = {
    'av1': Codec(
        'libsvtav1',
        'yuv420p',
        'av1',
        'yuv420p',
        {'g': '2', 'crf': '30', 'preset': '10', 'svtav1-params': 'lp=1'},
    ),
    'h264': Codec(
        'libx264', 'yuv420p', 'h264', 'yuv420p', {'g': '2', 'crf': '18', 'threads': '1'}
    ),
    'lossless': Codec(
        'libx264rgb',
        'rgb24',
        'h264',
        'yuv444p',
        {'g': '2', 'qp': '0', 'preset': 'veryfast', 'threads': '1'},
        raw_bytes=400 << 20,
    ),
}
PICTURES = (*VIDEOS, 'png')
# At the size that a policy sees a lossless video is no larger than the same pictures in zarr, and
# is encoded several times as fast as a lossy one; those blur the edges of 96 pixels.
DEFAULT = 'lossless'


def codec_of(pictures: str) -> Codec | None:
    """How pictures are encoded; None: as PNG in the rows.

    Raises:
        ConfigError: there is no such way.
    """
    if pictures not in PICTURES:
        raise ConfigError(f'--pictures is {pictures!r}, valid: {list(PICTURES)}')
    return VIDEOS.get(pictures)
