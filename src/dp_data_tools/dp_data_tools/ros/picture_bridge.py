# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Encodings that `dp_core.picture` does not know, by cv_bridge where it is installed."""

from __future__ import annotations

from typing import Any

from dp_core.errors import ObservationError
from dp_core.picture import RareDecoder
import numpy as np
from numpy.typing import NDArray


def rare_decoder(topic: str) -> RareDecoder | None:
    """Return what decodes an Image of any encoding to RGB; None where cv_bridge is absent.

    Its errors name the ``topic``.
    """
    try:
        from cv_bridge import CvBridge
        from cv_bridge import CvBridgeError
    except ImportError:
        return None
    bridge = CvBridge()

    def decode(message: Any) -> NDArray[np.uint8]:
        try:
            return np.asarray(bridge.imgmsg_to_cv2(message, 'rgb8'), dtype=np.uint8)
        except (CvBridgeError, TypeError, ValueError) as error:  # bytes may be missing
            raise ObservationError(f'{topic}: encoding {message.encoding!r}: {error}') from error

    return decode
