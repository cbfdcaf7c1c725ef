# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the checks look at: numbers and pictures of one episode in time, of a dataset or a bag."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RADIAN, METRE = 'rad', 'm'


@dataclass(frozen=True)
class Track:
    """Numbers in time.

    Attributes:
        name: stream, topic or action group.
        dims: names of its D numbers.
        times_s: (N,) after the start of the episode, increasing [s].
        values: (N, D); NaN where a number is missing.
        unit: RADIAN, METRE or empty.
        low, high: (D,) what the numbers must stay within; infinite for no limit.
        velocity: (D,) limits [unit/s]; infinite for none.
    """

    name: str
    dims: tuple[str, ...]
    times_s: Array
    values: Array
    unit: str = ''
    low: Array = field(default_factory=lambda: np.zeros(0))
    high: Array = field(default_factory=lambda: np.zeros(0))
    velocity: Array = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        for name, limit in (('low', -np.inf), ('high', np.inf), ('velocity', np.inf)):
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full(len(self.dims), limit))

    def finite(self, dim: int) -> tuple[Array, Array]:
        """Times [s] and values of one number, without NaN and infinity."""
        good = np.isfinite(self.values[:, dim])
        return self.times_s[good], self.values[good, dim]

    def label(self, dim: int) -> str:
        """Name of one number."""
        return f'{self.name}/{self.dims[dim]}'


@dataclass(frozen=True)
class Pictures:
    """What is known of the pictures of one camera; the pictures themselves are too many.

    Attributes:
        name: stream or topic.
        times_s: (N,) after the start of the episode [s].
        mean, spread: (N,) mean and standard deviation of the pixels, 0 to 255; NaN for pictures
            that have no such numbers (depth) or could not be decoded.
        repeats: (N,) whether a picture equals the one before, byte by byte.
        formats: (index, description) where resolution or encoding changes, the first one included.
        broken: indices of pictures that could not be decoded.
        thumbnails: (time [s], small picture as JPEG).
    """

    name: str
    times_s: Array
    mean: Array
    spread: Array
    repeats: NDArray[np.bool_]
    formats: tuple[tuple[int, str], ...] = ()
    broken: tuple[int, ...] = ()
    thumbnails: tuple[tuple[float, bytes], ...] = ()


@dataclass(frozen=True)
class Stamps:
    """When the messages of one topic were stamped and recorded.

    Attributes:
        topic: with its slash.
        msgtype: such as ``sensor_msgs/msg/JointState``.
        recorded_ns: (N,) [ns].
        header_ns: (N,) [ns]; None for messages without a header.
        names: (index, joint names) where the order of joints changes, the first one included.
    """

    topic: str
    msgtype: str
    recorded_ns: NDArray[np.int64]
    header_ns: NDArray[np.int64] | None
    names: tuple[tuple[int, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Pair:
    """A number of an action and the number of a state that it asks for, by name.

    Attributes:
        action, asked: track of the action, and its number.
        state, moved: track of the state, and its number.
    """

    action: str
    asked: str
    state: str
    moved: str

    @property
    def label(self) -> str:
        """Name of the action's number."""
        return f'{self.action}/{self.asked}'


@dataclass(frozen=True)
class Episode:
    """One episode.

    Attributes:
        source: dataset folder or bag.
        index: of the episode in its source.
        bag: recording that it came from, by name; empty where unknown.
        duration_s: from its first to its last sample [s].
        states, actions: what was seen and what was commanded.
        pairs: which numbers belong together.
        pictures: by camera.
        stamps: by topic; only of bags.
        part: index of the episode in its bag.
        split: whether it is one of the episodes of a bag that may hold several.
        damage: why the rest of a bag cannot be read; empty for whole ones.
    """

    source: str
    index: int
    bag: str
    duration_s: float
    states: tuple[Track, ...] = ()
    actions: tuple[Track, ...] = ()
    pairs: tuple[Pair, ...] = ()
    pictures: tuple[Pictures, ...] = ()
    stamps: tuple[Stamps, ...] = ()
    part: int = 0
    damage: str = ''
    split: bool = False

    @property
    def place(self) -> tuple[str, int]:
        """Source and index, as in a finding."""
        return self.source, self.index

    @property
    def begin_ns(self) -> int:
        """When the first message was recorded [ns]; 0 for datasets."""
        return min((int(s.recorded_ns[0]) for s in self.stamps), default=0)

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Numbers seen and commanded."""
        return self.states + self.actions

    def track(self, name: str) -> Track | None:
        """Return the track of a name."""
        return next((track for track in self.tracks if track.name == name), None)

    def number(self, track: str, dim: str) -> tuple[Array, Array]:
        """Times [s] and values of one number by name; empty where it is absent."""
        found = self.track(track)
        if found is None or dim not in found.dims:
            return np.zeros(0), np.zeros(0)
        return found.finite(found.dims.index(dim))
