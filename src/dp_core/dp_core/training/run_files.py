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
from dp_core.training.monitors import Report
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


class RunFiles:
    """Log, resume state, snapshots and result of one run."""

    def __init__(
        self,
        options: TrainConfig,
        settings: str,
        progress: Progress,
        report: Report,
        score: Score | None,
    ) -> None:
        """Go on with a run that has come as far as `progress`."""
        self._options = options
        self._settings = settings
        self._progress = progress
        self._report = report
        self._log = RunLog(options.output / LOG_FILE, progress.step)
        self._snapshots = Snapshots(options, progress.step, self._save, score)
        self._state_written_s = time.monotonic()

    def snapshot(self, policy: Policy, done: float) -> None:
        """Keep a checkpoint and score it; its time does not count."""
        with self._progress.aside():
            scored = self._snapshots.take(policy, self._progress.step)
        if scored:
            self._report(scored, done)

    def log(self, loss: float, rate: float, samples: int, done: float) -> None:
        """Write a line; `samples` were learnt from so far in this process."""
        self._report(self._log.write(self._progress, loss, rate, samples), done)

    def save_state(self, state: Callable[[], dict[str, Any]], *, at_once: bool = False) -> None:
        """Write the resume state, where it is due."""
        ago_s = time.monotonic() - self._state_written_s
        if at_once or ago_s >= self._options.state_every_s:
            save_state(self._options.output, state(), self._progress, self._settings)
            self._state_written_s = time.monotonic()
            self._snapshots.settle()

    def finish(self, policy: Policy) -> None:
        """Draw the run and write the result, last: then the resume state is needed no more."""
        about = {**provenance(self._settings, self._progress), 'machine': machine()}
        scored = self._snapshots.finish(policy, self._progress.step, about)
        if scored:
            self._report(scored, 1.0)
        plot_run(self._options.output)
        self._save(self._options.output, policy, scored)
        (self._options.output / STATE_FILE).unlink(missing_ok=True)

    def _save(self, folder: Path, policy: Policy, scored: dict[str, Any]) -> None:
        save_policy(folder, policy, {**provenance(self._settings, self._progress), **scored})
