# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""All checks over the episodes of one dataset, or of some bags: START HERE."""

from __future__ import annotations

from collections.abc import Sequence

from dp_core.contract import Contract
from dp_data_tools.quality.clocks import check_clocks
from dp_data_tools.quality.episode import Array
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episodes import check_duplicates
from dp_data_tools.quality.episodes import check_idle
from dp_data_tools.quality.episodes import check_lengths
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import worst_first
from dp_data_tools.quality.following import check_exchanged
from dp_data_tools.quality.following import check_identical
from dp_data_tools.quality.following import check_offset
from dp_data_tools.quality.joints import check_contract
from dp_data_tools.quality.joints import check_joint_names
from dp_data_tools.quality.lag import check_lag
from dp_data_tools.quality.lag import Lag
from dp_data_tools.quality.lag import lags_of
from dp_data_tools.quality.pictures import check_pictures
from dp_data_tools.quality.reach import check_obeyed
from dp_data_tools.quality.reach import check_reach
from dp_data_tools.quality.signals import check_constant
from dp_data_tools.quality.signals import check_finite
from dp_data_tools.quality.signals import check_jerk
from dp_data_tools.quality.signals import check_limits
from dp_data_tools.quality.thresholds import Thresholds
from dp_data_tools.quality.timing import check_rates
from dp_data_tools.quality.timing import check_timing
from dp_data_tools.quality.used_topics import spared
import numpy as np

DEFAULTS = Thresholds()


def examine(
    episodes: Sequence[Episode],
    source: str,
    limits: Thresholds = DEFAULTS,
    contract: Contract | None = None,
    commands: Sequence[str] = (),
) -> list[Finding]:
    """Run all checks; the worst findings come first.

    Args:
        episodes: of one dataset, or one for each bag.
        source: name for what concerns all of them.
        limits: from what value on a check speaks.
        contract: what bags must hold; None to check only what they have. With one, only its topics
            and those of ``commands`` can be in error.
        commands: topics of commands that were named.
    """
    found: list[Finding] = []
    for episode in episodes:
        found += check_timing(episode, limits)
        found += check_clocks(episode, limits)
        found += check_joint_names(episode)
        found += check_pictures(episode, limits)
        found += check_finite(episode)
        found += check_limits(episode)
        found += check_reach(episode, limits)
        if contract is not None and episode.stamps:
            found += check_contract(episode, contract)
    whole = [episode for episode in episodes if episode.tracks]
    found += check_rates(episodes, limits)
    found += check_lengths(episodes, limits)
    found += check_duplicates(whole)
    found += check_idle(whole, limits)
    if whole:
        found += check_constant(whole, source)
        found += check_jerk(whole, limits)
        found += _check_actions(whole, source, limits)
    if contract is not None:
        found = spared(found, episodes, contract, commands)
    return worst_first(found)


def _check_actions(episodes: Sequence[Episode], source: str, limits: Thresholds) -> list[Finding]:
    """Actions against the states that follow them."""
    lags = lags_of(episodes)
    found = [*check_identical(episodes, source), *check_exchanged(episodes, source)]
    if any(finding.check == 'exchanged' for finding in found):
        return found  # whatever is compared then, it is with the wrong joint
    found += check_lag(episodes, lags, source, limits)
    ranges = _ranges(episodes, lags)
    for episode in episodes:
        found += check_offset(episode, lags, ranges, limits)
        found += check_obeyed(episode, lags, limits)
    return found


def _ranges(episodes: Sequence[Episode], lags: Sequence[Lag]) -> Array:
    """Range of the action of each pair over all episodes (P,)."""
    ranges = []
    for lag in lags:
        parts = [episode.number(lag.pair.action, lag.pair.asked)[1] for episode in episodes]
        values = np.concatenate(parts) if parts else np.zeros(0)
        ranges.append(float(np.ptp(values)) if len(values) else 0.0)
    return np.array(ranges)
