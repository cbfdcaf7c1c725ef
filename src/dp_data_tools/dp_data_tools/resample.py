# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stamped samples of one recording -> the rows of one episode, by the robot's own resampler.

Samples are pushed in the order of recording, as they arrive on the robot. A row is taken at a
tick as soon as every stream is known there; it is the newest tick of `dp_core.sync`'s window.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass
from typing import Any

from dp_core.contract import Contract
from dp_core.contract import Stream
from dp_core.errors import DatasetError
from dp_core.errors import NotReadyError
from dp_core.sync import Synchronizer
from dp_data_tools.ticks import GridTicks
from dp_data_tools.ticks import PictureTicks
from dp_data_tools.topics import ActionSource
import numpy as np
from numpy.typing import NDArray

# A stream that is behind the others by more has stopped, unless its max_age_s allows more; and no
# clock may jump by more.
LATE_NS = 1_000_000_000


class NoRowsError(DatasetError):
    """Every stream was heard, and yet there is no row: it is too short, or they never overlap."""


# Receives the time of a row [ns], and stream name -> value, and 'action'.
OnRow = Callable[[int, dict[str, NDArray[Any]]], None]


@dataclass(frozen=True)
class Remarks:
    """What was odd in a recording and is not an error.

    Attributes:
        reordered: stream name -> messages left out because a newer one came before.
        stopped: streams that ended more than a second before others; so do the rows.
    """

    reordered: dict[str, int]
    stopped: tuple[str, ...]


class Resampler:
    """Makes the rows of one recording. Push every sample, then call `finish`.

    It holds as much of the streams as the robot does, not the whole recording. A picture may be
    pushed as anything that stands for it: it is passed on to the row that shows it.
    """

    def __init__(self, contract: Contract, sources: Sequence[ActionSource], on_row: OnRow) -> None:
        """One source per action group of the contract; ``on_row`` is called with each row."""
        self._on_row = on_row
        single = dataclasses.replace(contract, n_obs_steps=1)
        self._observations = Synchronizer(single)
        self._actions = {s.stream.name: _alone(single, s.stream) for s in sources}
        streams = [*contract.observations, *(source.stream for source in sources)]
        self._late_ns = {s.name: max(LATE_NS, round(s.max_age_s * 1e9)) for s in streams}
        self._shifts_ns = {s.stream.name: s.shift_ns for s in sources}
        observed = {stream.name: self._observations for stream in contract.observations}
        self._holders = {**observed, **self._actions}
        self._camera = contract.images[0].name if contract.images else None
        self._ticks: PictureTicks | GridTicks = GridTicks(contract.dt_ns)
        if self._camera is not None:
            self._ticks = PictureTicks(contract.dt_ns, self._camera)
        self._last: dict[str, tuple[int, int]] = {}  # stream -> its last stamp and recording time
        self._last_ns: dict[str, int] = {}  # stream -> stamp of its newest sample
        self._newest_ns = 0
        self._pending: deque[int] = deque()
        self._rows = 0
        self._reordered = dict.fromkeys(self._holders, 0)
        self._stopped: tuple[str, ...] = ()
        self._why_not = ''

    def push(self, name: str, event_ns: int, recorded_ns: int, value: NDArray[Any]) -> None:
        """Add one sample.

        Args:
            name: a stream of the contract or of an action source.
            event_ns: its time by its stamp [ns].
            recorded_ns: when it was recorded [ns].
            value: as `dp_core.decode.decode` returns it.

        Raises:
            DatasetError: a stream has a gap, or a clock jumped.
        """
        self._check_clock(name, event_ns, recorded_ns)
        newest_ns = self._last_ns.get(name, event_ns - 1)
        late_ns = self._late_ns[name]
        if name in self._stopped or (self._rows and event_ns - newest_ns > late_ns):
            if event_ns <= newest_ns:
                raise DatasetError(
                    f'the stamps of {name!r} stand still at {newest_ns * 1e-9:.3f} for more than '
                    f'{late_ns / 1e9} s'
                )
            raise DatasetError(
                f'{name!r} pauses for more than {late_ns / 1e9} s before {event_ns * 1e-9:.3f}'
                f'{self._clocks_apart()}'
            )
        if event_ns <= newest_ns:
            self._reordered[name] += 1
            return
        self._last_ns[name] = event_ns
        self._holders[name].push(name, event_ns, value)
        if name in self._actions:
            self._holders[name].push(_kept(name), event_ns, value)
        self._newest_ns = max(self._newest_ns, event_ns)
        if len(self._last) == len(self._holders) and not self._stopped:
            if self._camera is None:
                self._pending += self._ticks.push(min(self._known_ns(n) for n in self._holders))
            elif name == self._camera:
                self._pending += self._ticks.push(event_ns)
        if self._pending:
            self._take_rows()

    def finish(self) -> Remarks:
        """Leave out the ticks that a stream does not reach any more.

        Raises:
            NoRowsError: there is not one row, though every stream was heard.
            DatasetError: likewise, because a stream is missing or a clock is wrong.
        """
        if not self._rows:
            silent = sorted(set(self._holders) - set(self._last))
            why = f'no sample of {silent}' if silent else self._why_not
            apart = self._clocks_apart()
            kind = DatasetError if silent or apart else NoRowsError
            raise kind(f'at no time all streams are known: {why or "it is too short"}{apart}')
        if not self._stopped:  # where rows wait for nobody: no camera, or it is the camera
            shift_ns = max(self._shifts_ns.values())
            end_ns = self._newest_ns - shift_ns
            # A stream that may be silent for longer costs the rows at the end all the same.
            self._stopped = tuple(n for n in self._holders if self._known_ns(n) < end_ns - LATE_NS)
        return Remarks({n: count for n, count in self._reordered.items() if count}, self._stopped)

    def _check_clock(self, name: str, event_ns: int, recorded_ns: int) -> None:
        before, self._last[name] = self._last.get(name), (event_ns, recorded_ns)
        if before is None:
            return
        stamps_s, clock_s = (event_ns - before[0]) * 1e-9, (recorded_ns - before[1]) * 1e-9
        if abs(stamps_s - clock_s) > LATE_NS * 1e-9:
            raise DatasetError(
                f'the stamps of {name!r} move by {stamps_s:.3f} s while {clock_s:.3f} s pass, at '
                f'{before[0] * 1e-9:.3f}'
            )

    def _clocks_apart(self) -> str:
        """What to add to an error where the stamps of two streams do not go together; or ''."""
        leads = sorted((event_ns - at_ns, name) for name, (event_ns, at_ns) in self._last.items())
        if not leads or leads[-1][0] - leads[0][0] <= LATE_NS:
            return ''
        (least_ns, last), (most_ns, first) = leads[0], leads[-1]
        return (
            f'; by when they were recorded, the stamps of {first!r} are '
            f'{(most_ns - least_ns) * 1e-9:.3f} s ahead of those of {last!r}: synchronise the '
            'clocks'
        )

    def _known_ns(self, name: str) -> int:
        """Newest tick that a stream reaches [ns]."""
        return self._last_ns.get(name, 0) - self._shifts_ns.get(name, 0)

    def _take_rows(self) -> None:
        while self._pending:
            tick_ns = self._pending[0]
            lagging = tuple(name for name in self._holders if self._known_ns(name) < tick_ns)
            if lagging:
                waited_ns = self._newest_ns - tick_ns - max(self._shifts_ns.values())
                self._stopped = tuple(n for n in lagging if waited_ns > self._late_ns[n])
                if self._stopped:
                    self._pending.clear()
                return
            self._pending.popleft()
            self._take_row(tick_ns)

    def _take_row(self, tick_ns: int) -> None:
        try:
            window = self._observations.window_at(tick_ns)
            actions = [
                holder.window_at(tick_ns + self._shifts_ns[name]).low_dim[name][0]
                for name, holder in self._actions.items()
            ]
        except NotReadyError as error:
            if not self._rows:
                self._why_not = str(error)  # the recording has begun, but not every stream yet
                return
            raise DatasetError(f'{error}, at {tick_ns * 1e-9:.3f}') from error
        row: dict[str, NDArray[Any]] = {'action': np.concatenate(actions)}
        row.update({name: value[0] for name, value in window.low_dim.items()})
        row.update({name: value[0] for name, value in window.images.items()})
        self._rows += 1
        self._on_row(tick_ns, row)


def _alone(contract: Contract, stream: Stream) -> Synchronizer:
    """Holder of one stream that remembers as long as one of the contract's observations does.

    Rows may wait for an observation with a long max_age_s, and then need actions of their time.
    How long is remembered follows from the streams that are held, so the same samples are held a
    second time, as those of a stream that may be as old.
    """
    longest_s = max(s.max_age_s for s in (*contract.observations, stream))
    kept = dataclasses.replace(stream, name=_kept(stream.name), max_age_s=longest_s)
    return Synchronizer(dataclasses.replace(contract, observations=(stream, kept)))


def _kept(name: str) -> str:
    return f'{name}_kept'
