# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What process 0 leaves in the output folder while a run goes on, and at its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import time
from typing import Any

from dp_core.checkpoint import save_policy
from dp_core.evaluation.report import machine
from dp_core.policy import Policy
from dp_core.training.options import TrainConfig
from dp_core.training.plot import plot_run
from dp_core.training.settings import provenance
from dp_core.training.snapshots import Score
from dp_core.training.snapshots import Snapshots
from dp_core.training.state import LOG_FILE
from dp_core.training.state import Progress
from dp_core.training.state import RunLog
from dp_core.training.state import save_state
from dp_core.training.state import STATE_FILE

Report = Callable[[dict[str, Any], float], None]


class RunFiles:
    """Log, resume state, snapshots and result of one run."""

    def __init__(
        self,
        options: TrainConfig,
        settings: str,
        progress: Progress,
        done: float,
        report: Report,
        score: Score | None,
    ) -> None:
        """Go on with a run that is `done` [fraction]."""
        self._options = options
        self._settings = settings
        self._progress = progress
        self._report = report
        self._log = RunLog(options.output / LOG_FILE, progress.step)
        self._snapshots = Snapshots(options, done, progress.step, self._save, score)

    def snapshot(self, averaged: Callable[[], Policy], done: float) -> bool:
        """Take a checkpoint and score it, where one is due; its time does not count.

        Returns:
            Whether one was taken.
        """
        if not self._snapshots.are_due(done):
            return False
        with self._progress.aside():
            scored = self._snapshots.take(averaged(), self._progress.step, done)
        if scored:
            self._report(scored, done)
        return True

    def log(self, loss: float, rate: float, samples: int, done: float) -> None:
        """Write a line; `samples` were learnt from so far in this process."""
        self._report(self._log.write(self._progress, loss, rate, samples), done)

    def save_state(self, state: Callable[[], dict[str, Any]], *, at_once: bool = False) -> None:
        """Write the resume state, where it is due."""
        ago_s = time.monotonic() - self._log.state_written_s
        if at_once or ago_s >= self._options.state_every_s:
            save_state(self._options.output, state(), self._progress, self._settings)
            self._log.state_written_s = time.monotonic()

    def finish(self, policy: Policy) -> None:
        """Write the result and draw the run; the resume state is needed no more."""
        about = {**provenance(self._settings, self._progress), 'machine': machine()}
        scored = self._snapshots.finish(policy, self._progress.step, about)
        if scored:
            self._report(scored, 1.0)
        plot_run(self._options.output)
        (self._options.output / STATE_FILE).unlink(missing_ok=True)

    def _save(self, folder: Path, policy: Policy, scored: dict[str, Any]) -> None:
        save_policy(folder, policy, {**provenance(self._settings, self._progress), **scored})
