# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 2: many stamped streams -> one window on the policy's time grid, or the reason why not.

``t_obs`` is the newest instant for which every stream has a valid sample: the stamp of the
slowest camera, or, without cameras, the newest time that all streams cover. Ticks lie at
``t_obs - j * dt``. An image tick takes the newest sample at or before it (give or take the jitter
of a camera's clock); numbers are linearly interpolated, and the newest one stands for a tick
after it. Nothing is zero-filled, and no sample
farther from the tick than the stream's ``max_age_s`` stands in. Samples after now are not used.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from typing import Any

from dp_core.contract import Contract
from dp_core.contract import Stream
from dp_core.errors import NotReadyError
from dp_core.errors import ObservationError
from dp_core.observation import ObservationWindow
import numpy as np
from numpy.typing import NDArray

# A stamp may lead the local clock by this much (jitter between two hosts), not more.
FUTURE_TOLERANCE_NS = 5_000_000
# A picture this little after a tick belongs to it. At 30 Hz and a dt of 0.1 s every third picture
# falls on the tick: without this, its jitter would decide between that picture and the one before.
PICTURE_JITTER_NS = 5_000_000


class _History:
    """Samples of one stream, by event time."""

    def __init__(self, stream: Stream, span_ns: int):
        self.stream = stream
        self.stamps: deque[int] = deque()
        self.values: deque[NDArray[Any]] = deque()
        self.max_age_ns = round(stream.max_age_s * 1e9)
        self._span_ns = span_ns - stream.sample_times_ns(0)[0]  # as much longer as its windows

    def push(self, event_ns: int, value: NDArray[Any]) -> None:
        if self.stamps and event_ns <= self.stamps[-1]:
            return  # a repeated or reordered message adds nothing that may be trusted
        self.stamps.append(event_ns)
        self.values.append(value)
        while self.stamps[0] < event_ns - self._span_ns:
            self.stamps.popleft()
            self.values.popleft()

    def newest_ns(self, now_ns: int | None) -> int | None:
        """Newest event time, of those not after ``now_ns``; None when there is no sample."""
        known = len(self.stamps) if now_ns is None else bisect_right(self.stamps, now_ns)
        return self.stamps[known - 1] if known else None

    def at(self, tick_ns: int, t_obs_ns: int, now_ns: int | None) -> NDArray[Any]:
        """Value that stands for ``tick_ns`` by what is known at ``now_ns`` (None: everything).

        Several samples for each tick come one after another, oldest first.

        Raises:
            NotReadyError: no sample lies near enough.
        """
        if self.stream.samples == 1:
            return self._sample(tick_ns, t_obs_ns, now_ns)
        times = self.stream.sample_times_ns(tick_ns)
        return np.concatenate([self._sample(time, t_obs_ns, now_ns) for time in times])

    def _sample(self, tick_ns: int, t_obs_ns: int, now_ns: int | None) -> NDArray[Any]:
        latest_ns = tick_ns
        if self.stream.kind == 'image':  # not beyond t_obs: live and offline must choose alike
            latest_ns = min(tick_ns + PICTURE_JITTER_NS, t_obs_ns)
        after = bisect_right(self.stamps, latest_ns)
        if after == 0:
            raise NotReadyError(f'{self.stream.name!r} has no sample at or before the tick yet')
        before_ns, value = self.stamps[after - 1], self.values[after - 1]
        self._require_young(tick_ns - before_ns)
        known = after < len(self.stamps) and (now_ns is None or self.stamps[after] <= now_ns)
        if self.stream.kind == 'image' or before_ns == tick_ns or not known:
            return value
        after_ns = self.stamps[after]
        self._require_young(after_ns - tick_ns)  # a line across a gap is an invention
        weight = (tick_ns - before_ns) / (after_ns - before_ns)
        return np.asarray((1 - weight) * value + weight * self.values[after], dtype=np.float32)

    def _require_young(self, age_ns: int) -> None:
        if age_ns > self.max_age_ns:
            raise NotReadyError(
                f'{self.stream.name!r} has a gap: its sample is {age_ns * 1e-9:.3f} s from the '
                f'tick, allowed are {self.stream.max_age_s} s'
            )


class Synchronizer:
    """Collects samples and answers with windows. Not thread-safe; the caller holds one lock."""

    def __init__(self, contract: Contract):
        self._contract = contract
        span = (contract.n_obs_steps - 1) * contract.dt_s
        longest = max(stream.max_age_s for stream in contract.observations)
        span_ns = round((span + 2 * longest + 1.0) * 1e9)
        self._histories = {s.name: _History(s, span_ns) for s in contract.observations}

    def push(
        self, name: str, event_ns: int, value: NDArray[Any], now_ns: int | None = None
    ) -> None:
        """Add one sample of stream ``name`` taken at ``event_ns`` [ns].

        Args:
            name: a stream of the contract.
            event_ns: event time on the ROS clock.
            value: as `dp_core.decode.decode` returns it.
            now_ns: the clock on arrival; offline conversion has none.

        Raises:
            ObservationError: the stamp lies in the future of ``now_ns``.
        """
        if now_ns is not None and event_ns > now_ns + FUTURE_TOLERANCE_NS:
            raise ObservationError(
                f'{name!r} is stamped {(event_ns - now_ns) * 1e-9:.3f} s in the future; '
                'synchronise the clocks of the two computers'
            )
        self._histories[name].push(event_ns, value)

    def clear(self) -> None:
        """Forget every sample, as when a clock jumped or a scene was reset."""
        for history in self._histories.values():
            history.stamps.clear()
            history.values.clear()

    def newest_ns(self, name: str) -> int | None:
        """Event time of the newest sample of a stream, or None."""
        return self._histories[name].newest_ns(None)

    def t_obs_ns(self, now_ns: int | None = None) -> int:
        """Newest instant that every stream covers at ``now_ns`` (None: by all samples).

        Raises:
            NotReadyError: a stream is silent; the message names it.
        """
        newest = {name: history.newest_ns(now_ns) for name, history in self._histories.items()}
        silent = [name for name, stamp in newest.items() if stamp is None]
        if silent:
            raise NotReadyError(f'no sample yet of {silent}')
        anchors = self._contract.images or self._contract.low_dim
        return min(stamp for s in anchors if (stamp := newest[s.name]) is not None)

    def window(self, now_ns: int) -> ObservationWindow:
        """Return the newest window at ``now_ns`` [ns].

        Raises:
            NotReadyError: a stream is silent or too old; the message names it.
        """
        known_ns = now_ns + FUTURE_TOLERANCE_NS
        t_obs = self.t_obs_ns(known_ns)
        for name, history in self._histories.items():
            age_ns = now_ns - (history.newest_ns(known_ns) or 0)
            if age_ns > history.max_age_ns:
                raise NotReadyError(
                    f'{name!r} is {age_ns * 1e-9:.3f} s old, '
                    f'allowed are {history.stream.max_age_s} s'
                )
        return self.window_at(t_obs, known_ns)

    def window_at(self, t_obs_ns: int, now_ns: int | None = None) -> ObservationWindow:
        """Return the window whose newest tick is ``t_obs_ns``, by samples up to ``now_ns``.

        Offline conversion asks without ``now_ns``: then every sample is known.
        """
        steps = self._contract.n_obs_steps
        ticks = [t_obs_ns - (steps - 1 - j) * self._contract.dt_ns for j in range(steps)]

        def gather(stream: Stream) -> NDArray[Any]:
            history = self._histories[stream.name]
            return np.stack([history.at(tick, t_obs_ns, now_ns) for tick in ticks])

        return ObservationWindow(
            t_obs_ns=t_obs_ns,
            low_dim={s.name: gather(s) for s in self._contract.low_dim},
            images={s.name: gather(s) for s in self._contract.images},
        )
