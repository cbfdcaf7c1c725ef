# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A stretch of a bag that is resampled in one go, and the episodes that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from dp_data_tools.idle import long_rests
from dp_data_tools.idle import moving_rows
from dp_data_tools.idle import worthy_rows
from dp_data_tools.part_store import TICKS
from dp_data_tools.plan import Plan
from dp_data_tools.resample import OnRow
from dp_data_tools.resample import Remarks
from dp_data_tools.resample import Resampler
import numpy as np
from numpy.typing import NDArray


class Run:
    """A stretch of a bag: the whole bag, what lies between two markers, or between two pauses.

    Attributes:
        resampler: makes its rows; None after its end, it holds pictures.
        first_row: of the part; rows of a run follow each other.
        rows: how many.
        remarks: what was odd, after its end.
        failure: why it became no episode; '' while nothing is wrong.
        is_empty: that is because it has no rows, and nothing is wrong.
        discarded: a marker said so.
        others: stream -> joints of another device on its topic.
    """

    def __init__(self, number: int, plan: Plan, on_row: OnRow) -> None:
        """Begin run ``number``."""
        self.number = number
        self.resampler: Resampler | None = Resampler(plan.contract, plan.sources, on_row)
        self.first_row = self.rows = 0
        self.remarks = Remarks({}, ())
        self.failure = ''
        self.is_empty = False
        self.discarded = False
        self.others: dict[str, list[str]] = {}

    def note_row(self, row: int) -> None:
        """Note that the next row of the run is ``row`` of the part."""
        self.first_row = self.first_row if self.rows else row
        self.rows += 1


def summary_of(
    runs: Sequence[Run],
    arrays: Mapping[str, NDArray[Any]],
    plan: Plan,
    sizes: Mapping[str, tuple[int, ...]],
) -> dict[str, Any]:
    """Plain facts of what became of a bag.

    Returns:
        ``episodes``: what `episodes.yaml` says of each, and its ``first_row``. ``failures`` and
        ``left_out``: ``episode`` (None: the whole bag) and ``reason`` of what is not among them.
        All are numbered together, in their order in the bag. ``picture_sizes``: camera ->
        [height, width].
    """
    facts: dict[str, Any] = {'episodes': [], 'failures': [], 'left_out': []}
    number = 0
    if not runs:  # without markers there is one at least
        reason = f'no message of {list(plan.markers)} begins an episode'
        facts['failures'].append({'episode': None, 'reason': reason})
    for run in runs:
        for kind, entry in _entries(run, arrays, plan):
            one = kind == 'failures' and not plan.splits
            facts[kind].append({'episode': None if one else number, **entry})
            number += 1
    facts['picture_sizes'] = {name: list(size) for name, size in sizes.items()}
    return facts


def _entries(
    run: Run, arrays: Mapping[str, NDArray[Any]], plan: Plan
) -> list[tuple[str, dict[str, Any]]]:
    if run.discarded:
        return [('left_out', {'reason': 'a marker discards it'})]
    if run.failure:
        kind = 'left_out' if run.is_empty and plan.splits else 'failures'
        return [(kind, {'reason': run.failure})]
    contract, rules = plan.contract, plan.idle
    rows = slice(run.first_row, run.first_row + run.rows)
    names = ['action', *(s.name for s in contract.low_dim if s.kind == 'joint_state')]
    numbers = np.concatenate([arrays[name][rows] for name in names], axis=1)
    moving = moving_rows(numbers, contract.dt_s, rules.speed)
    ticks_ns = arrays[TICKS][rows]
    pieces = worthy_rows(moving, contract.dt_s, rules)
    refused = 'left_out' if plan.splits else 'failures'
    if not pieces:
        seconds = run.rows * contract.dt_s
        reason = f'nothing moves faster than {rules.speed}/s in its {seconds:.1f} s'
        return [(refused, {'reason': f'{reason}; --idle-speed 0 takes it nevertheless'})]
    found: list[tuple[str, dict[str, Any]]] = []
    borders = [0, *(row for piece in pieces for row in piece), run.rows]
    for number, (first, end) in enumerate(pieces):
        if end - first < contract.horizon:
            reason = f'{end - first} rows, the horizon of the contract is {contract.horizon}'
            found.append((refused, {'reason': f'too short: {reason}'}))
            continue
        entry = {
            'first_row': run.first_row + first,
            'frames': end - first,
            'first_ns': int(ticks_ns[first]),
            'last_ns': int(ticks_ns[end - 1]),
            # With a speed of 0 nothing is rest, so nothing is known about the end.
            'ends_moving': bool(rules.speed and end == run.rows and moving[end - 1]),
            'trimmed_s': [
                _seconds(first - borders[2 * number], plan),
                _seconds(borders[2 * number + 3] - end, plan),
            ],
            'idle_s': [
                [_seconds(a, plan), _seconds(b, plan)]
                for a, b in long_rests(moving[first:end], contract.dt_s)
            ],
            'reordered_messages': run.remarks.reordered,
            'stopped_streams': list(run.remarks.stopped),
            'other_devices': sorted(run.others),
        }
        found.append(('episodes', entry))
    return found


def _seconds(rows: int, plan: Plan) -> float:
    return round(rows * plan.contract.dt_s, 3)
