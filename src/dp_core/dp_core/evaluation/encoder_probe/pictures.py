# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Drawn pictures like those of Push-T, as many as wanted, with the pose that they show."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 96  # height and width [pixel]
_BAR = np.array([[-2.0, -1.5], [2.0, -1.5], [2.0, -0.5], [-2.0, -0.5]])
_STEM = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 2.5], [-0.5, 2.5]])
_WIDTH = 5.6  # of the bars [pixel], as in Push-T at this size
_GOAL, _BLOCK, _TOOL = (144, 238, 144), (119, 136, 153), (65, 105, 225)
_FRACTION = 4  # bits of a pixel in cv2's coordinates


def draw_pictures(
    n: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Draw n pictures (n, 96, 96, 3) uint8 and what they show (n, 6) float32.

    That is x and y of the block, cosine and sine of its angle, x and y of the tool; places in
    [-1, 1]. Noise and brightness differ, as those of a camera do.
    """
    pictures = np.full((n, SIDE, SIDE, 3), 255, np.uint8)
    shown = np.empty((n, 6), np.float32)
    for picture, truth in zip(pictures, shown, strict=True):
        place, tool = rng.uniform(20, SIDE - 20, 2), rng.uniform(5, SIDE - 5, 2)
        angle = rng.uniform(-np.pi, np.pi)
        _draw_block(picture, np.full(2, SIDE / 2), np.pi / 4, _GOAL)
        _draw_block(picture, place, angle, _BLOCK)
        centre = [round(v) for v in (tool * 2**_FRACTION).tolist()]
        cv2.circle(picture, centre, 45, _TOOL, -1, cv2.LINE_AA, _FRACTION)
        half = SIDE / 2
        truth[:] = [*(place / half - 1), np.cos(angle), np.sin(angle), *(tool / half - 1)]
    noise = rng.normal(0.0, 6.0, pictures.shape) + rng.integers(-20, 21, (n, 1, 1, 3))
    return np.clip(pictures + noise, 0, 255).astype(np.uint8), shown


def _draw_block(
    picture: NDArray[np.uint8], place: NDArray[np.float64], angle: float, colour: tuple[int, ...]
) -> None:
    cosine, sine = np.cos(angle), np.sin(angle)
    rotation = np.array([[cosine, sine], [-sine, cosine]])  # of rows
    for part in (_BAR, _STEM):
        corners = (part * _WIDTH @ rotation + place) * 2**_FRACTION
        cv2.fillPoly(picture, [np.round(corners).astype(np.int32)], colour, cv2.LINE_AA, _FRACTION)
