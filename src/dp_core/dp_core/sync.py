# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 2: many stamped streams -> one window on the policy's time grid, or the reason why not.

``t_obs`` is the newest instant for which every stream has a valid sample: the newest picture of
the contract's first camera that no other camera is behind, or, without cameras, the newest time
that all streams cover. Ticks lie at ``t_obs - j * dt``. A tick shows of the first camera the
newest picture at or before it (give or take the jitter of its clock), of the others the newest at
or before that picture, as a row of a dataset does. Numbers are linearly interpolated, and the
newest one stands for a tick after it. Nothing is zero-filled, and no sample farther from the tick
than the stream's ``max_age_s`` stands in. Samples after now are not used.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
import math
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

    def forget_after(self, time_ns: int) -> None:
        """Forget what is stamped later [ns]: the clock went back, and nothing newer would come."""
        while self.stamps and self.stamps[-1] > time_ns:
            self.stamps.pop()
            self.values.pop()

    def newest_ns(self, now_ns: int | None) -> int | None:
        """Newest event time, of those not after ``now_ns``; None when there is no sample."""
        known = len(self.stamps) if now_ns is None else bisect_right(self.stamps, now_ns)
        return self.stamps[known - 1] if known else None

    def at(self, tick_ns: int, now_ns: int | None) -> NDArray[Any]:
        """Numbers that stand for ``tick_ns`` by what is known at ``now_ns`` (None: everything).

        Several samples for each tick come one after another, oldest first.

        Raises:
            NotReadyError: no sample lies near enough.
        """
        if self.stream.samples == 1:
            return self._sample(tick_ns, now_ns)
        times = self.stream.sample_times_ns(tick_ns)
        return np.concatenate([self._sample(time, now_ns) for time in times])

    def picture(self, tick_ns: int, latest_ns: int) -> tuple[int, NDArray[Any]]:
        """Newest picture not after ``latest_ns``, and its stamp, to stand for ``tick_ns`` [ns].

        Raises:
            NotReadyError: none lies near enough.
        """
        index = self._newest_before(latest_ns)
        self._require_young(tick_ns - self.stamps[index])
        return self.stamps[index], self.values[index]

    def _newest_before(self, latest_ns: int) -> int:
        after = bisect_right(self.stamps, latest_ns)
        if after == 0:
            raise NotReadyError(f'{self.stream.name!r} has no sample at or before the tick yet')
        return after - 1

    def _sample(self, tick_ns: int, now_ns: int | None) -> NDArray[Any]:
        index = self._newest_before(tick_ns)
        before_ns, value = self.stamps[index], self.values[index]
        self._require_young(tick_ns - before_ns)
        after = index + 1
        known = after < len(self.stamps) and (now_ns is None or self.stamps[after] <= now_ns)
        if before_ns == tick_ns or not known:
            return value
        after_ns, later = self.stamps[after], self.values[after]
        self._require_young(after_ns - tick_ns)  # a line across a gap is an invention
        if self.stream.kind == 'joint_state' and np.abs(later - value).max() > math.pi:
            raise NotReadyError(
                f'{self.stream.name!r} turns by {np.abs(later - value).max():.2f} rad between two '
                'samples: its driver wraps a joint around; nothing between them is known'
            )
        weight = (tick_ns - before_ns) / (after_ns - before_ns)
        return np.asarray((1 - weight) * value + weight * later, dtype=np.float32)

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
        history = self._histories[name]
        if now_ns is not None:
            if event_ns > now_ns + FUTURE_TOLERANCE_NS:
                raise ObservationError(
                    f'{name!r} is stamped {(event_ns - now_ns) * 1e-9:.3f} s in the future; '
                    'synchronise the clocks of the two computers'
                )
            history.forget_after(now_ns + FUTURE_TOLERANCE_NS)
        history.push(event_ns, value)

    def clear(self) -> None:
        """Forget every sample, as when a clock jumped or a scene was reset."""
        for history in self._histories.values():
            history.stamps.clear()
            history.values.clear()

    def newest_ns(self, name: str) -> int | None:
        """Event time of the newest sample of a stream, or None."""
        return self._histories[name].newest_ns(None)

    def t_obs_ns(self, now_ns: int | None = None) -> int:
        """Newest instant for a window at ``now_ns`` (None: by all samples).

        Raises:
            NotReadyError: a stream is silent; the message names it.
        """
        newest = {name: history.newest_ns(now_ns) for name, history in self._histories.items()}
        silent = [name for name, stamp in newest.items() if stamp is None]
        if silent:
            raise NotReadyError(f'no sample yet of {silent}')
        anchors = self._contract.images or self._contract.low_dim
        covered_ns = min(stamp for s in anchors if (stamp := newest[s.name]) is not None)
        if not self._contract.images:
            return covered_ns
        first = self._histories[self._contract.images[0].name]
        picture_ns = first.newest_ns(covered_ns)
        if picture_ns is None:
            raise NotReadyError(f'no picture of {first.stream.name!r} that all cameras reach yet')
        return picture_ns

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
            return np.stack([history.at(tick, now_ns) for tick in ticks])

        # Not beyond t_obs: live and offline must choose alike.
        latest_ns = [min(tick + PICTURE_JITTER_NS, t_obs_ns) for tick in ticks]
        images = {}
        for number, stream in enumerate(self._contract.images):
            history = self._histories[stream.name]
            shown = [history.picture(*each) for each in zip(ticks, latest_ns, strict=True)]
            images[stream.name] = np.stack([picture for _, picture in shown])
            if number == 0:
                latest_ns = [stamp_ns for stamp_ns, _ in shown]
        return ObservationWindow(
            t_obs_ns=t_obs_ns,
            low_dim={s.name: gather(s) for s in self._contract.low_dim},
            images=images,
        )
