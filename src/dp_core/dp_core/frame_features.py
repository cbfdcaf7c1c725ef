# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Features of pictures seen lately: a picture is encoded once, however many windows it is in."""

from __future__ import annotations

from dp_core.encode import ObservationEncoder
import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor


class FrameFeatures:
    """Encodes pictures one by one, and remembers the last ones of each camera.

    Windows that follow one another share pictures where a chunk is replaced after fewer steps
    than a window has ticks, or where a slow camera's picture stands for several ticks. A picture
    is known again by its pixels. Its stamp would be quicker to compare, by some microseconds, and
    would be wrong after a clock was set back, or where two scenes are played from the same time.

    Every picture goes through the network alone, whether another one is known or not, so that
    the result does not depend on what was seen before, bit for bit. The weights must not change.
    """

    def __init__(self, encoder: ObservationEncoder, remembered: int) -> None:
        """Remember this many pictures of each camera."""
        self._encoder = encoder
        self._remembered = remembered
        self._known: dict[str, tuple[tuple[NDArray[np.uint8], Tensor], ...]] = {}

    def window(self, camera: str, frames: NDArray[np.uint8]) -> Tensor:
        """Return the features (To, F) of a camera's frames (To, H, W, 3) in a window."""
        return torch.stack([self._frame(camera, frame) for frame in frames])

    def _frame(self, camera: str, frame: NDArray[np.uint8]) -> Tensor:
        known = self._known.get(camera, ())
        device = next(self._encoder.parameters()).device
        for pixels, features in known:
            if features.device == device and np.array_equal(pixels, frame):
                return features
        frame = frame.copy()  # whoever gave it may write the next one there
        picture = torch.from_numpy(frame)[None].to(device)
        features = self._encoder.frame_features(camera, picture)[0]  # (F,)
        # One assignment, so that several threads may predict at once.
        self._known[camera] = ((frame, features), *known)[: self._remembered]
        return features
