# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which number of a state a number of an action asks for: by name, or by how they move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import Pair
from dp_data_tools.quality.episode import Track
import numpy as np


def pair_by_names(actions: Sequence[Track], states: Sequence[Track]) -> tuple[Pair, ...]:
    """Pair the numbers of actions and states that have one name and unit.

    An action is paired with one track of states: the one with most of its names and, among
    several poses with an x and a y, the one that moves most like it.
    """
    pairs = []
    for action in actions:
        same = [len(set(action.dims) & set(s.dims)) * (s.unit == action.unit) for s in states]
        rivals = [s for s, n in zip(states, same) if n and n == max(same)]
        if rivals:
            best = max(rivals, key=lambda state: _likeness(action, state))
            pairs += [Pair(action.name, d, best.name, d) for d in action.dims if d in best.dims]
    return tuple(pairs)


def pair_vectors(actions: Sequence[Track], states: Sequence[Track]) -> tuple[Pair, ...]:
    """Pair numbers without names and units by position, where sizes and motions agree."""
    pairs = []
    for action in actions:
        rivals = [s for s in states if len(s.dims) == len(action.dims) and not s.unit]
        if action.unit or not rivals:
            continue
        best = max(rivals, key=lambda state: _positions_likeness(action, state))
        if _positions_likeness(action, best) > 0.5:
            pairs += [
                Pair(action.name, asked, best.name, moved)
                for asked, moved in zip(action.dims, best.dims)
            ]
    return tuple(pairs)


def agreed(episodes: Sequence[Episode]) -> list[Episode]:
    """Pair each action in all episodes with the state that most of them pair it with.

    One in which the arm hardly moves may find that something else moves more like its command.
    """
    votes: dict[str, Counter[str]] = {}
    for episode in episodes:
        for action, state in dict.fromkeys((pair.action, pair.state) for pair in episode.pairs):
            votes.setdefault(action, Counter())[state] += 1
    chosen = {action: states.most_common(1)[0][0] for action, states in votes.items()}
    usual = dict.fromkeys(
        pair for episode in episodes for pair in episode.pairs if chosen[pair.action] == pair.state
    )
    return [
        replace(e, pairs=tuple(p for p in usual if e.track(p.action) and e.track(p.state)))
        for e in episodes
    ]


def _likeness(action: Track, state: Track) -> float:
    dims = [dim for dim in action.dims if dim in state.dims]
    found = [
        _correlation(action, action.dims.index(dim), state, state.dims.index(dim)) for dim in dims
    ]
    return float(np.mean(found))


def _positions_likeness(action: Track, state: Track) -> float:
    return float(np.mean([_correlation(action, k, state, k) for k in range(len(action.dims))]))


def _correlation(action: Track, asked: int, state: Track, moved: int) -> float:
    asked_s, a = action.finite(asked)
    times_s, s = state.finite(moved)
    if not len(a) or not len(s):
        return 0.0
    a = np.interp(times_s, asked_s, a)
    a, s = a - a.mean(), s - s.mean()
    return float((a * s).sum() / max(np.sqrt((a * a).sum() * (s * s).sum()), 1e-12))
