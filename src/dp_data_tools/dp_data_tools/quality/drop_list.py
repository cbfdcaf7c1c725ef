# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Episodes to leave out, for `dp_data_tools convert --drop`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import Severity


def drop_list(
    episodes: Sequence[Episode], findings: Sequence[Finding], strict: bool = False
) -> list[dict[str, Any]]:
    """Episodes with errors of their own; with ``strict``, also those with warnings.

    What concerns a whole dataset, such as actions that are late everywhere, drops nothing.

    Returns:
        One entry for each episode: ``bag`` (its name; for datasets whose bags are unknown, the
        dataset), ``episode`` (of the bag) and ``reason``. A bag that was checked as a whole has no
        ``episode``: all of it is dropped.
    """
    counted = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    reasons: dict[tuple[str, int], list[str]] = {}
    for finding in findings:
        if finding.episode is not None and finding.severity in counted:
            place = (finding.source, finding.episode)
            what = f'{finding.check} {finding.subject}'.strip()
            reasons.setdefault(place, []).append(f'{what}: {finding.message}')
    dropped = []
    for episode in episodes:
        found = reasons.get((episode.source, episode.index))
        if found:
            more = f' (and {len(found) - 1} more)' if len(found) > 1 else ''
            entry: dict[str, Any] = {'bag': episode.bag or episode.source}
            if episode.split or (not episode.stamps and not episode.damage):
                entry['episode'] = episode.part if episode.bag else episode.index
            dropped.append({**entry, 'reason': found[0] + more})
    return dropped
