# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a person sees of a run: loss, rate and time left."""

from __future__ import annotations

import sys
from typing import Any

EVERY = 100  # steps between two lines where the output is no terminal


class ProgressLine:
    """One line that is rewritten on a terminal; a line every hundred steps elsewhere."""

    def __init__(self) -> None:
        """Look where the output goes."""
        self._terminal = sys.stderr.isatty()
        self._open = False  # the cursor stands in a line
        self._first: tuple[float, float] | None = None

    def __call__(self, line: dict[str, Any], done: float) -> None:
        """Show a log line; `done` is the fraction of the run."""
        if 'score_mean' in line:
            self._write(f'step {line["step"]}  rollout score {line["score_mean"]:.3f}', '\n')
            return
        if self._first is None:  # what is left is judged by this process, not by killed ones
            self._first = done, line['wall_s']
        if not self._terminal and line['step'] % EVERY:
            return
        self._write(
            f'{100 * done:5.1f} %  step {line["step"]}  loss {line["loss"]:.4f}  '
            f'learning rate {line["learning_rate"]:.1e}  {line["samples_per_s"]:.0f} samples/s  '
            f'{time_left(self._first, (done, line["wall_s"]))}',
            '  \r' if self._terminal else '\n',
        )

    def end(self) -> None:
        """Leave the last line standing; what is said next begins below it."""
        if self._open:
            self._write('', '\n')

    def _write(self, text: str, end: str) -> None:
        self._open = not end.endswith('\n')
        sys.stderr.write(text + end)
        sys.stderr.flush()


def time_left(first: tuple[float, float], now: tuple[float, float]) -> str:
    """Say how long it still takes, from two pairs of fraction done and time [s]."""
    gained, taken_s = now[0] - first[0], now[1] - first[1]
    if gained <= 0.0:
        return 'time left unknown'
    left_s = round(taken_s * (1.0 - now[0]) / gained)
    hours, minutes = divmod(left_s // 60, 60)
    if hours:
        return f'{hours} h {minutes:02d} min left'
    return f'{minutes} min {left_s % 60:02d} s left'
