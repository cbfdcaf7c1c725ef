# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How long an agent stands still, and whether that is a pause or a trap."""

from __future__ import annotations

from typing import Any

from dp_core.evaluation.claims.pusht_data import PAUSE_STEPS
from dp_core.evaluation.claims.pusht_episodes import Rollouts
import numpy as np
from numpy.typing import NDArray

STILL_PX = 1.0  # moved less in a step, 10 px/s; so are 1.6 % of the demonstrated steps
TRAP_STEPS = 2 * PAUSE_STEPS[1]  # twice the longest pause that was shown
FINISHED = 0.9  # score at which demonstrations end (0.905 or more); resting there is no trap


def still_steps(path: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say of each step of a path (T + 1, 2) [px] whether the agent stood still, (T,)."""
    return np.asarray(np.linalg.norm(np.diff(path, axis=0), axis=1) < STILL_PX)


def longest(still: NDArray[np.bool_]) -> int:
    """Return the length of the longest run of True [steps]."""
    edges = np.flatnonzero(np.diff(np.r_[False, still, False]))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def last_still(still: NDArray[np.bool_]) -> int:
    """Return how long the episode ends at rest [steps]."""
    moving = np.flatnonzero(~still)
    return len(still) - 1 - int(moving[-1]) if len(moving) else len(still)


def standstill(rolled: Rollouts) -> dict[str, Any]:
    """Measure standing still before an episode is as good as finished.

    Returns:
        per episode: the share of its steps, the longest [s]; over the episodes: how many were
        trapped (stood still for twice the longest pause shown), and how many never moved again.
    """
    share, longest_s, trapped, ended = [], [], 0, 0
    for path, best, steps in zip(rolled.paths, rolled.best, rolled.steps, strict=True):
        still = still_steps(path[: steps + 1])
        before = still & (best[:steps] < FINISHED)
        share.append(float(before.mean()))
        length = longest(before)
        longest_s.append(0.1 * length)
        trapped += length >= TRAP_STEPS
        ended += bool(before[-1]) and last_still(before) >= TRAP_STEPS
    return {
        'still_share': share,
        'still_share_mean': float(np.mean(share)),
        'longest_still_s': longest_s,
        'longest_still_s_mean': float(np.mean(longest_s)),
        'trapped': trapped,
        'never_moved_again': ended,
    }
