# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How far an arm is from what its controllers want of it, over a whole motion."""

from __future__ import annotations

from collections.abc import Sequence

from dp_core.errors import ObservationError
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class TrackingError:
    """Largest and root mean square error of every joint, of what controllers tell now and then."""

    def __init__(self, joint_names: Sequence[str]):
        """Nothing is known of these J joints yet."""
        self.joint_names = tuple(joint_names)
        self._count, self._largest, self._squares = np.zeros((3, len(self.joint_names)))

    def add(self, names: Sequence[str], desired: Sequence[float], actual: Sequence[float]) -> None:
        """Add what one controller told of its joints at one instant.

        Args:
            names: of K joints, some of ours.
            desired: (K,) positions the controller wanted [rad].
            actual: (K,) positions it measured [rad].

        Raises:
            ObservationError: numbers are missing or not finite, or a joint is not ours.
        """
        if not len(names) == len(desired) == len(actual):
            raise ObservationError(
                f'{len(names)} joints, but {len(desired)} desired and {len(actual)} actual '
                'positions'
            )
        unknown = [name for name in names if name not in self.joint_names]
        if unknown:
            raise ObservationError(f'joints {unknown} are told, valid: {list(self.joint_names)}')
        error = np.abs(np.asarray(desired, np.float64) - np.asarray(actual, np.float64))
        if not np.isfinite(error).all():
            raise ObservationError(f'NaN or infinity in the error of {list(names)}')
        columns = [self.joint_names.index(name) for name in names]
        self._count[columns] += 1.0
        self._largest[columns] = np.maximum(self._largest[columns], error)
        self._squares[columns] += error**2

    @property
    def samples(self) -> int:
        """How often every joint was told."""
        return int(self._count.min())

    @property
    def largest(self) -> Array:
        """Largest error of every joint (J,) [rad]; NaN where nothing was told."""
        return np.where(self._count > 0.0, self._largest, np.nan)

    @property
    def rms(self) -> Array:
        """Root mean square error of every joint (J,) [rad]; NaN where nothing was told."""
        with np.errstate(invalid='ignore'):
            return np.asarray(np.sqrt(self._squares / self._count))
