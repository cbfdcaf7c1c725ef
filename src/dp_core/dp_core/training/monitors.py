# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Curves of a run in TensorBoard and Weights & Biases; each takes the log lines of `train`."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
import importlib
from pathlib import Path
import secrets
from typing import Any

from dp_core.errors import ConfigError

Report = Callable[[dict[str, Any], float], None]


def curves(line: dict[str, Any]) -> dict[str, float]:
    """Return the numbers of a log line that make curves."""
    return {k: v for k, v in line.items() if k != 'step' and type(v) in (int, float)}


class TensorBoard:
    """Writes event files below the output folder; `tensorboard --logdir` shows them."""

    def __init__(self, output: Path) -> None:
        """Find TensorBoard.

        Raises:
            ConfigError: it is not installed.
        """
        require('tensorboard', '--tensorboard')
        self._folder = output / 'tensorboard'
        self._writer: Any = None

    def __call__(self, line: dict[str, Any], done: float) -> None:
        """Add a log line; what a killed run wrote beyond the first one is hidden."""
        from torch.utils.tensorboard import SummaryWriter  # loads slowly

        if self._writer is None:
            self._writer = SummaryWriter(str(self._folder), purge_step=line['step'])
        for name, value in curves(line).items():
            self._writer.add_scalar(name, value, line['step'])
        self._writer.flush()


class WeightsAndBiases:
    """Sends the curves to a project there; a run that goes on keeps its page."""

    def __init__(self, output: Path, project: str) -> None:
        """Find the package.

        Raises:
            ConfigError: it is not installed.
        """
        self._wandb = require('wandb', '--wandb')
        self._output = output
        self._project = project
        self._run: Any = None

    def __call__(self, line: dict[str, Any], done: float) -> None:
        """Add a log line."""
        if self._run is None:
            folder = self._output.resolve()
            own = folder / 'wandb_id'  # trained anew, in an emptied folder, it has another
            if not own.exists():
                own.write_text(secrets.token_hex(8), encoding='utf-8')
            self._run = self._wandb.init(
                project=self._project,
                name=folder.name,
                id=own.read_text(encoding='utf-8'),
                resume='allow',
                dir=str(folder),
            )
        self._run.log(curves(line), step=line['step'])


def require(package: str, option: str) -> Any:
    """Import a package that an option needs.

    Raises:
        ConfigError: names the package that is missing.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ConfigError(
            f'{option} needs the package {package!r} (pip install {package}): {error}'
        ) from error


def together(reports: Sequence[Report]) -> Report:
    """Return a report that hands each line to all."""

    def report(line: dict[str, Any], done: float) -> None:
        for each in reports:
            each(line, done)

    return report
