# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Clean episodes of two joints, into which tests inject one fault each."""

import dataclasses

from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import Pair
from dp_data_tools.quality.episode import RADIAN
from dp_data_tools.quality.episode import Track
import numpy as np

PAIRS = tuple(Pair('action', joint, 'arm', joint) for joint in 'ab')


def motion(times_s, seed=0):
    """Two joints (N, 2) [rad] that move smoothly and never repeat themselves."""
    phases = np.random.default_rng(seed).uniform(0, 6.28, (4, 2))
    parts = [
        a * np.sin(2 * np.pi * f * times_s[:, None] + p)
        for a, f, p in zip((0.4, 0.3, 0.2, 0.1), (0.11, 0.23, 0.37, 0.53), phases)
    ]
    return sum(parts)


def episode(index=0, seconds=20.0, rate_hz=50.0, lag_s=0.1, seed=None, **changes):
    """One episode whose state is where the action was ``lag_s`` before."""
    times_s = np.arange(round(seconds * rate_hz)) / rate_hz
    seed = index if seed is None else seed
    arm = Track('arm', ('a', 'b'), times_s, motion(times_s - lag_s, seed), RADIAN)
    action = Track('action', ('a', 'b'), times_s, motion(times_s, seed), RADIAN)
    made = Episode('demo', index, '', seconds, (arm,), (action,), PAIRS)
    return dataclasses.replace(made, **changes)


def changed(sample, track, change, **fields):
    """The episode with ``change(values)`` (a copy, in place) on one of its tracks."""

    def one(old):
        if old.name != track:
            return old
        values = old.values.copy()
        replaced = change(values)
        return dataclasses.replace(old, values=values if replaced is None else replaced, **fields)

    return dataclasses.replace(
        sample,
        states=tuple(map(one, sample.states)),
        actions=tuple(map(one, sample.actions)),
    )


def only(findings, check):
    """The one finding; any other one is a false alarm."""
    loud = [f for f in findings if f.severity != 'info' or f.check == check]
    assert [f.check for f in loud] == [check], [(f.check, f.message) for f in loud]
    return loud[0]


def loud(findings):
    """Errors and warnings."""
    return [(f.check, f.subject, f.message) for f in findings if f.severity != 'info']
