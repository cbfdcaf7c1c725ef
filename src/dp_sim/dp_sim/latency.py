# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Latencies that a scene adds where a robot has them: in its drives, its encoders and its cameras.

Stamps always say now, as those of a robot do whose latencies nobody has measured; what they are
stamped on is older. All are rounded to steps of the physics.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic
from typing import TypeVar

Value = TypeVar('Value')


@dataclass(frozen=True)
class Latencies:
    """How late everything is [s].

    Attributes:
        command_s: from the controller's output to the drives.
        joint_state_s: from the joints to joint states and tool pose.
        camera_s: from the scene to each camera's picture.
    """

    command_s: float = 0.0
    joint_state_s: float = 0.0
    camera_s: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        for name, value in (
            ('command_s', self.command_s),
            ('joint_state_s', self.joint_state_s),
            *(('camera_s', value) for value in self.camera_s),
        ):
            if not 0.0 <= value <= 1.0:
                raise ValueError(f'{name} is {value}, valid: 0 to 1 s')


class DelayLine(Generic[Value]):
    """The last values of something that is noted once a tick."""

    def __init__(self, ticks: int) -> None:
        """Remember what was noted up to so many ticks ago."""
        self.ticks = ticks
        self._values: deque[Value] = deque(maxlen=ticks + 1)

    def push(self, value: Value) -> Value:
        """Note the value of this tick; return that of `ticks` ago, or the oldest one known."""
        self._values.append(value)
        return self._values[0]

    def ago(self, ticks: int) -> Value:
        """Return the value of so many ticks before the last `push`, or the oldest one known."""
        return self._values[max(0, len(self._values) - 1 - ticks)]

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
