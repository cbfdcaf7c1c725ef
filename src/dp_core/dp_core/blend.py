# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Between actions and among chunks: every number is interpolated and averaged by its kind.

| kind | numbers | between a and b | of several chunks |
|---|---|---|---|
| ``linear`` | 1 | straight line | weighted mean |
| ``quaternion`` | 4 (x, y, z, w) | slerp, the shorter way round | slerp from chunk to chunk |
| ``rotation_6d`` | 6 (two rows) | straight line, made orthonormal | the same from chunk to chunk |
| ``binary`` | 1, in [0, 1] | a, until b is reached | the newest wins |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dp_core.errors import ConfigError
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Times = NDArray[np.int64]
# kind -> how many numbers it stands for
WIDTHS = {'linear': 1, 'quaternion': 4, 'rotation_6d': 6, 'binary': 1}
# A binary number changes to 1 above the middle plus this, and to 0 below the middle less this.
HYSTERESIS = 0.1
# The weight of a chunk falls to nothing over its last steps, so that no average jumps at its end.
TAPER_STEPS = 3


@dataclass(frozen=True)
class Part:
    """Columns of an action that belong together."""

    kind: str
    columns: slice


class TimedActions(Protocol):
    """A chunk, as far as it matters here."""

    @property
    def stamp_ns(self) -> int:
        """Time of the newest observation [ns]."""

    @property
    def step_ns(self) -> int:
        """Time between steps [ns]."""

    @property
    def actions(self) -> Array:
        """Actions (N, A)."""

    def times_ns(self) -> Times:
        """Time of every step (N,) [ns]."""


def parts(kinds: Sequence[str]) -> tuple[Part, ...]:
    """Lay out the columns of an action whose numbers have ``kinds``, in this order.

    Raises:
        ConfigError: a kind is unknown.
    """
    unknown = sorted(set(kinds) - set(WIDTHS))
    if unknown:
        raise ConfigError(f'kinds of numbers {unknown} are unknown, valid: {list(WIDTHS)}')
    ends = np.cumsum([WIDTHS[kind] for kind in kinds])
    return tuple(Part(k, slice(int(e) - WIDTHS[k], int(e))) for k, e in zip(kinds, ends))


def between(a: Array, b: Array, share: Array, layout: Sequence[Part]) -> Array:
    """From ``a`` to ``b`` (N, A), the ``share`` (N,) in [0, 1] of the way; exact at both ends."""
    out = np.empty_like(a)
    for part in layout:
        one, two, s = a[:, part.columns], b[:, part.columns], share[:, None]
        if part.kind == 'quaternion':
            made = slerp(one, two, share)
        elif part.kind == 'rotation_6d':
            made = orthonormal(one + s * (two - one), two)
        elif part.kind == 'binary':
            made = one
        else:
            made = one + s * (two - one)
        out[:, part.columns] = np.where(s >= 1.0, two, np.where(s <= 0.0, one, made))
    return out


def interpolate(times_ns: Times, actions: Array, at_ns: Times, layout: Sequence[Part]) -> Array:
    """Actions (M, A) at the times ``at_ns`` (M,); before the first and after the last: these.

    Args:
        times_ns: (N,) rising [ns].
        actions: (N, A).
        at_ns: (M,) [ns].
        layout: kinds of the columns.
    """
    if len(times_ns) == 1:
        return np.repeat(actions, len(at_ns), axis=0)
    k = np.clip(np.searchsorted(times_ns, at_ns, side='right') - 1, 0, len(times_ns) - 2)
    share = (at_ns - times_ns[k]) / (times_ns[k + 1] - times_ns[k])
    return between(actions[k], actions[k + 1], np.clip(share, 0.0, 1.0), layout)


def ensemble(
    newest: TimedActions,
    earlier: Sequence[TimedActions],
    layout: Sequence[Part],
    decay_per_step: float,
) -> Array:
    """Average chunks at the times of the newest one, where they speak of the same instant.

    Temporal ensembling as in ACT (Zhao et al., 2304.13705, section IV-A), on the clock: a chunk
    counts exp(-m age), where its age is how much older its observation is than the newest [steps].
    So the newest one weighs most for m > 0; ACT numbers its weights from the oldest chunk, which
    is m < 0 here, and 0 is the plain mean. Beyond its last step a chunk counts nothing.

    Args:
        newest: gives the times.
        earlier: chunks still in force, in any order.
        layout: kinds of the columns.
        decay_per_step: m [1/step].

    Returns:
        (N, A); binary numbers are those of the newest chunk.
    """
    times = newest.times_ns()
    blended, total = newest.actions, np.zeros(len(times))
    for chunk in [*sorted(earlier, key=lambda c: c.stamp_ns), newest]:
        known = chunk.times_ns()
        age_steps = (newest.stamp_ns - chunk.stamp_ns) / newest.step_ns
        weight = np.full(len(times), np.exp(-decay_per_step * age_steps))
        if chunk is not newest:
            weight *= np.clip((known[-1] - times) / (TAPER_STEPS * chunk.step_ns), 0.0, 1.0)
            weight[times < known[0]] = 0.0
        total += weight
        share = np.divide(weight, total, out=np.zeros_like(total), where=total > 0.0)
        actions = interpolate(known, chunk.actions, times, layout)
        blended = between(blended, actions, share, layout)
    for part in layout:
        if part.kind == 'binary':
            blended[:, part.columns] = newest.actions[:, part.columns]
    return blended


def decide(actions: Array, layout: Sequence[Part], in_force: Array | None = None) -> Array:
    """Make binary numbers 0 or 1, with hysteresis so that noise about the middle does not chatter.

    Args:
        actions: (N, A).
        layout: kinds of the columns.
        in_force: (A,) what holds before the first step; None: whatever the first step is nearer.
    """
    out = actions.copy()
    for part in layout:
        if part.kind != 'binary':
            continue
        column = out[:, part.columns.start]
        before = column[0] if in_force is None else in_force[part.columns.start]
        state = bool(before > 0.5)
        for k, value in enumerate(column):
            state = value > 0.5 - HYSTERESIS if state else value > 0.5 + HYSTERESIS
            column[k] = float(state)
    return out


def slerp(a: Array, b: Array, share: Array) -> Array:
    """Unit quaternions (N, 4), the ``share`` (N,) of the way from ``a`` to ``b``, the shorter way.

    q and -q are the same rotation, so ``b`` is turned to the side of ``a`` first.
    """
    a, b = _unit(a), _unit(b)
    cosine = (a * b).sum(axis=1)
    b, cosine = np.where(cosine[:, None] < 0.0, -b, b), np.minimum(np.abs(cosine), 1.0)
    angle = np.arccos(cosine)
    sine = np.sin(angle)
    near = sine < 1e-6  # a straight line is as good there, and does not divide by nothing
    safe = np.where(near, 1.0, sine)
    first = np.where(near, 1.0 - share, np.sin((1.0 - share) * angle) / safe)
    second = np.where(near, share, np.sin(share * angle) / safe)
    return _unit(first[:, None] * a + second[:, None] * b)


def orthonormal(rows: Array, instead: Array) -> Array:
    """Two orthonormal rows of a rotation matrix (N, 6) from two that are not (Gram-Schmidt).

    Where they span no plane, as half way between opposite rotations, ``instead`` is returned.
    """
    first, second = rows[:, :3], rows[:, 3:]
    length = np.linalg.norm(first, axis=1, keepdims=True)
    first = first / np.maximum(length, 1e-12)
    second = second - (first * second).sum(axis=1, keepdims=True) * first
    height = np.linalg.norm(second, axis=1, keepdims=True)
    made = np.concatenate([first, second / np.maximum(height, 1e-12)], axis=1)
    return np.where(np.minimum(length, height) > 1e-6, made, instead)


def _unit(q: Array) -> Array:
    return np.asarray(q / np.linalg.norm(q, axis=1, keepdims=True))
