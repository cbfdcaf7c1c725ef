# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Encodings that `dp_core.picture` does not know, by cv_bridge where it is installed."""

from __future__ import annotations

from typing import Any

from dp_core.errors import ObservationError
from dp_core.picture import RareDecoder
import numpy as np
from numpy.typing import NDArray


def rare_decoder() -> RareDecoder | None:
    """Return what decodes an Image of any encoding to RGB; None where cv_bridge is absent."""
    try:
        from cv_bridge import CvBridge
        from cv_bridge import CvBridgeError
    except ImportError:
        return None
    bridge = CvBridge()

    def decode(message: Any) -> NDArray[np.uint8]:
        try:
            return np.asarray(bridge.imgmsg_to_cv2(message, 'rgb8'), dtype=np.uint8)
        except CvBridgeError as error:
            raise ObservationError(f'encoding {message.encoding!r}: {error}') from error

    return decode
