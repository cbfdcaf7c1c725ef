# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""When the rows of an episode are taken: dt apart, and on pictures where there is a camera.

Live, an observation is always the newest picture of the reference camera. So each tick here is
the stamp of the picture nearest to the grid t0 + i dt, never a time between two pictures::

    pictures (30 Hz)   |  |  |  |  |  |  |  |  |  |
    grid (10 Hz)       x        x        x        x
    ticks              *        *        *        *
"""

from __future__ import annotations

from dp_core.errors import DatasetError

# Rows that are farther apart than so many dt are no neighbours [1].
FARTHEST = 1.5


class PictureTicks:
    """Ticks on the pictures of the reference camera, which arrive one by one."""

    def __init__(self, dt_ns: int, camera: str) -> None:
        """Ticks lie about ``dt_ns`` apart [ns]; ``camera`` is named in errors."""
        self._dt_ns = dt_ns
        self._camera = camera
        self._grid_ns: int | None = None
        self._before_ns = self._tick_ns = 0

    def push(self, stamp_ns: int) -> list[int]:
        """Take the next picture's stamp; return the ticks that it decides [ns].

        Raises:
            DatasetError: there is no picture near a tick; one would have to be used twice.
        """
        before_ns, self._before_ns = self._before_ns, stamp_ns
        if self._grid_ns is None:
            self._grid_ns, self._tick_ns = stamp_ns + self._dt_ns, stamp_ns
            return [stamp_ns]
        found = []
        while self._grid_ns <= stamp_ns:
            nearest = min(before_ns, stamp_ns, key=lambda s: abs(s - (self._grid_ns or 0)))
            if nearest == self._tick_ns:  # a camera slower than dt: the grid follows its pictures
                nearest = self._grid_ns = stamp_ns
            if nearest - self._tick_ns > FARTHEST * self._dt_ns:
                raise DatasetError(
                    f'{self._camera!r} has no picture for {(stamp_ns - before_ns) * 1e-9:.3f} s '
                    f'after {before_ns * 1e-9:.3f}; the policy needs one every '
                    f'{self._dt_ns * 1e-9} s'
                )
            self._tick_ns = nearest
            self._grid_ns += self._dt_ns
            found.append(nearest)
        return found


class GridTicks:
    """Ticks exactly dt apart, for policies without cameras."""

    def __init__(self, dt_ns: int) -> None:
        """Ticks lie ``dt_ns`` apart [ns]."""
        self._dt_ns = dt_ns
        self._grid_ns: int | None = None

    def push(self, stamp_ns: int) -> list[int]:
        """Take the time up to which all streams are known; return the ticks until then [ns]."""
        if self._grid_ns is None:
            self._grid_ns = stamp_ns
        found = []
        while self._grid_ns <= stamp_ns:
            found.append(self._grid_ns)
            self._grid_ns += self._dt_ns
        return found
