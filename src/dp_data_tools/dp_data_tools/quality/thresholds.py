# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""From what value on a check speaks; each can be changed on the command line."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass

from dp_core.errors import ConfigError


@dataclass(frozen=True)
class Thresholds:
    """Defaults are such that clean recordings of arms and people's demonstrations are silent.

    Attributes:
        gap_periods: a silence of so many usual periods is a gap; two lost messages make three.
        gap_s: and at least so long [s]; the tenth of a second of the usual policy step.
        gap_error_s: a gap of this length is an error [s]; no stream may be that old.
        jitter: half the 5-95 % range of the periods, as part of the usual period.
        rate_change: by how much of itself a rate may change between or within bags.
        ahead_s: stamps may be later than their recording by so much [s]; nothing is known before
            it happened, so the clocks of two computers disagree.
        skew_s: stamps may be older than their recording by so much, at best [s].
        drift_ppm: two clocks may part by so many microseconds a second; quartz does 50.
        drift_s: and must have parted by so much in the recording [s].
        jump_s: a stamp may step back by so much before it is a jump of the clock [s].
        frozen_s: a camera may repeat one picture for so long [s].
        repeated: part of the pictures that may equal the one before.
        moving: a joint moves when it covers so much while the pictures stand still [rad or m].
        dark: a picture whose mean is at most this is black [of 255].
        flat: a picture whose standard deviation is at most this shows nothing [of 255].
        jerk_z: largest jerk in units of the usual one (95th percentile / 1.96); people's quickest
            moves in 206 Push-T demonstrations reach 26.
        jerk_part: and the outlier is at least so high, as part of the range of the dimension.
        late_s: actions may come after the motion that they caused by so much [s].
        slow_s: the motion may come after the action by so much [s].
        lag_spread_s: the lag of one episode may differ from that of all by so much [s].
        offset_rad: constant difference of state and command [rad]; two degrees.
        offset_m: the same for a tool [m].
        offset_part: the same for numbers without a unit, as part of their range.
        offset_error: so many times the above is an error.
        velocity_rad: commanded velocity [rad/s], where no URDF says better; half a turn a second.
        velocity_m: of a tool [m/s].
        acceleration_rad: commanded acceleration [rad/s^2]; what tears at a gear.
        acceleration_m: of a tool [m/s^2].
        follow_rad: an arm may be so far from its command, lag and offset removed [rad].
        follow_m: a tool likewise [m].
        follow_s: for so long [s].
        length_ratio: an episode may be so many times shorter or longer than the median.
        length_z: and so many robust standard deviations (of the logarithm).
        idle_s: nothing may move for so long at the start or end of an episode [s].
    """

    gap_periods: float = 2.5
    gap_s: float = 0.1
    gap_error_s: float = 0.5
    jitter: float = 0.3
    rate_change: float = 0.2
    ahead_s: float = 0.005
    skew_s: float = 0.1
    drift_ppm: float = 100.0
    drift_s: float = 0.005
    jump_s: float = 1.0
    frozen_s: float = 0.3
    repeated: float = 0.1
    moving: float = 0.02
    dark: float = 8.0
    flat: float = 1.0
    jerk_z: float = 30.0
    jerk_part: float = 0.05
    late_s: float = 0.03
    slow_s: float = 0.5
    lag_spread_s: float = 0.06
    offset_rad: float = 0.035
    offset_m: float = 0.005
    offset_part: float = 0.05
    offset_error: float = 5.0
    velocity_rad: float = 3.2
    velocity_m: float = 1.5
    acceleration_rad: float = 60.0
    acceleration_m: float = 30.0
    follow_rad: float = 0.35
    follow_m: float = 0.05
    follow_s: float = 0.3
    length_ratio: float = 2.5
    length_z: float = 3.5
    idle_s: float = 2.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not 0.0 < value < 1e9:
                raise ConfigError(f'threshold {field.name} is {value}, valid: above 0, below 1e9')

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> Thresholds:
        """Change defaults by ``NAME=VALUE``.

        Raises:
            ConfigError: no such threshold, or no number.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        changes = {}
        for text in texts:
            name, _, value = text.partition('=')
            if name not in names:
                raise ConfigError(f'no threshold {name!r}; valid: {names}')
            try:
                changes[name] = float(value)
            except ValueError:
                raise ConfigError(f'threshold {name} is {value!r}, valid: a number') from None
        return cls(**changes)
