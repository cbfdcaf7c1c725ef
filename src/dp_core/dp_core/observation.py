# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 1: what one observation window is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dp_core.contract import Contract
from dp_core.errors import ObservationError
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ObservationWindow:
    """The last ``n_obs_steps`` ticks of every stream, oldest first.

    Attributes:
        t_obs_ns: time of the newest tick on the ROS clock [ns].
        low_dim: name -> (n_obs_steps, dim) float32, units of the contract.
        images: name -> (n_obs_steps, H, W, 3) uint8 RGB.
    """

    t_obs_ns: int
    low_dim: Mapping[str, NDArray[np.float32]]
    images: Mapping[str, NDArray[np.uint8]]

    def validate(self, contract: Contract) -> None:
        """Raise ObservationError unless every stream has the contract's shape and is finite."""
        for stream in contract.observations:
            image = stream.kind == 'image'
            source: Mapping[str, NDArray[np.generic]] = self.images if image else self.low_dim
            shape = (*stream.size, 3) if image else (stream.dim,)
            if stream.name not in source:
                raise ObservationError(f'window lacks stream {stream.name!r}; has {list(source)}')
            value = source[stream.name]
            if value.shape != (contract.n_obs_steps, *shape):
                raise ObservationError(
                    f'stream {stream.name!r} has shape {value.shape}, '
                    f'the contract says {(contract.n_obs_steps, *shape)}'
                )
            if image and value.dtype != np.uint8:
                raise ObservationError(f'stream {stream.name!r} has {value.dtype}, valid: uint8')
            if not image and not np.isfinite(np.asarray(value, dtype=np.float32)).all():
                raise ObservationError(f'stream {stream.name!r} contains NaN or infinity')
