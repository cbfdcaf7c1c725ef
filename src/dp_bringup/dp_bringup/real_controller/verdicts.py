# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a controller did with the messages that were sent to it, from its trace; no ROS.

A message took over when the start of the followed trajectory became its stamp or, without one,
the stamp of a tick just after it was sent. The real controller tells of a refusal in its log only,
so a message that never took over, and was not overtaken by the next one, counts as refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dp_bringup.real_controller.trace import JITTER_NS
from dp_bringup.real_controller.trace import take_overs
from dp_bringup.real_controller.trace import Trace
import numpy as np
from numpy.typing import NDArray

# Longest way of a message to the tick that takes it [ns].
LONGEST_WAY_NS = 300_000_000
# Messages closer than this may come within one tick, of which the later wins [ns].
ONE_TICK_NS = 4_000_000


@dataclass(frozen=True)
class SentMessage:
    """One message: when it was sent, its stamp (0: none) and its last point [ns]."""

    sent_ns: int
    stamp_ns: int
    last_point_ns: int


@dataclass(frozen=True)
class Verdicts:
    """What became of the messages.

    Attributes:
        effects: tick of the take-over of each message, None where it had none.
        overtaken: messages that came with the next one in a tick.
        refused: messages without effect that nothing overtook.
        strangers: take-overs by nobody's message.
    """

    effects: tuple[int | None, ...]
    overtaken: int
    refused: int
    strangers: int

    @property
    def accepted(self) -> int:
        """Messages that took over."""
        return sum(effect is not None for effect in self.effects)


def verdicts(trace: Trace, messages: Sequence[SentMessage]) -> Verdicts:
    """Match messages, in the order of their sending, with the take-overs of a trace."""
    open_ticks = list(take_overs(trace))
    effects: list[int | None] = []
    overtaken = refused = strangers = 0
    for number, message in enumerate(messages):
        earliest = message.stamp_ns or message.sent_ns
        latest = message.stamp_ns or message.sent_ns + LONGEST_WAY_NS
        while open_ticks and trace.starts_ns[open_ticks[0]] < earliest - JITTER_NS:
            open_ticks.pop(0)
            strangers += 1
        following = messages[number + 1].sent_ns if number + 1 < len(messages) else None
        found = bool(open_ticks) and trace.starts_ns[open_ticks[0]] <= latest + JITTER_NS
        if found and following is not None:
            # One take-over for two messages within a tick belongs to the later one.
            start = trace.starts_ns[open_ticks[0]]
            second = trace.starts_ns[open_ticks[1]] if len(open_ticks) > 1 else None
            shared = following - message.sent_ns < ONE_TICK_NS and following <= start
            found = not (shared and (second is None or second > following + LONGEST_WAY_NS))
        if found:
            effects.append(int(open_ticks.pop(0)))
            continue
        effects.append(None)
        if following is not None and following - message.sent_ns < ONE_TICK_NS:
            overtaken += 1
        else:
            refused += 1
    return Verdicts(tuple(effects), overtaken, refused, strangers + len(open_ticks))


def late_ticks(
    trace: Trace,
    messages: Sequence[SentMessage],
    effects: Sequence[int | None],
    goals: Sequence[tuple[int, int]],
) -> NDArray[np.int64]:
    """Return the ticks during goals at which the message in effect had run out.

    Args:
        trace: of the controller.
        messages: what was sent.
        effects: tick at which each took over, as in Verdicts.
        goals: begin and end of each [ns]; ticks before the first take-over of a goal do not count.
    """
    late: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    taken = [(tick, m) for tick, m in zip(effects, messages) if tick is not None]
    for begin_ns, end_ns in goals:
        ours = [(k, m) for k, m in taken if begin_ns <= trace.stamps_ns[k] < end_ns]
        ends = [k for k, _ in ours[1:]] + [int(np.searchsorted(trace.stamps_ns, end_ns))]
        for (first, message), end in zip(ours, ends):
            followed = trace.stamps_ns[first:end] - trace.starts_ns[first]
            late.append(first + np.flatnonzero(followed > message.last_point_ns))
    return np.concatenate(late)
