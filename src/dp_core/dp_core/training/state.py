# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""State of a training run on disk: what is needed to go on exactly where a killed run stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import json
import os
from pathlib import Path
import pickle
import time
from typing import Any

from dp_core.errors import CheckpointError
import torch

STATE_FILE = 'training_state.pt'
LOG_FILE = 'log.jsonl'


@dataclass
class Progress:
    """How far a run has come; noise and data order follow from `step` and the seed alone.

    Attributes:
        step: optimiser steps done.
        cpu_s: CPU time used in earlier processes of this run [s].
    """

    step: int = 0
    cpu_s: float = 0.0

    def __post_init__(self) -> None:
        """Count earlier processes apart from this one."""
        self._before_s = self.cpu_s

    def advance(self) -> None:
        """Count a step, and the CPU time of this process and its compilers."""
        self.step += 1
        self.cpu_s = self._before_s + sum(os.times()[:4])

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do not count the CPU time that a block takes."""
        begin_s = sum(os.times()[:4])
        yield
        self._before_s -= sum(os.times()[:4]) - begin_s


def save_state(folder: Path, tensors: dict[str, Any], progress: Progress, settings: str) -> None:
    """Replace the state file in one rename."""
    partial = folder / (STATE_FILE + '.partial')
    torch.save(
        {**tensors, 'step': progress.step, 'cpu_s': progress.cpu_s, 'settings': settings}, partial
    )
    partial.replace(folder / STATE_FILE)


def load_state(folder: Path, settings: str) -> dict[str, Any] | None:
    """Read the state of an interrupted run, None where there is none.

    Raises:
        CheckpointError: the state is damaged, or of a run with other settings.
    """
    path = folder / STATE_FILE
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location='cpu', weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointError(f'{path} is damaged: {error}; remove it to start anew') from error
    if state['settings'] != settings:
        raise CheckpointError(
            f'{path} belongs to a run with other settings, '
            f'{first_difference(state["settings"], settings)}; '
            'use another --output, or remove it to start anew'
        )
    return state


def first_difference(old: str, new: str) -> str:
    """Name the first setting that differs between two JSON objects."""
    return _difference(json.loads(old), json.loads(new), '')


def _difference(before: dict[str, Any], after: dict[str, Any], where: str) -> str:
    for key in sorted(set(before) | set(after)):
        there, here = before.get(key), after.get(key)
        if isinstance(there, dict) and isinstance(here, dict) and there != here:
            return _difference(there, here, f'{where}{key}.')
        if there != here:
            return f'{where}{key}: {there!r} there, {here!r} here'
    return 'none'


class RunLog:
    """Appends one JSON object per line; lines after a resumed step are cut first."""

    def __init__(self, path: Path, step: int) -> None:
        """Keep the lines of the run up to `step`."""
        self._path = path
        kept = [line for line in read_log(path) if line['step'] <= step] if step else []
        replace_text(path, ''.join(json.dumps(line) + '\n' for line in kept))
        self._started = time.monotonic() - (kept[-1]['wall_s'] if kept else 0.0)
        self._samples = (time.monotonic(), 0)

    def write(
        self, progress: Progress, loss: float, learning_rate: float, samples: int
    ) -> dict[str, Any]:
        """Append a line and return it; `samples` were learnt from in this process so far."""
        now = time.monotonic()
        since_s, before = self._samples
        self._samples = (now, samples)
        line = {
            'step': progress.step,
            'loss': loss,
            'learning_rate': learning_rate,
            'samples_per_s': round((samples - before) / max(now - since_s, 1e-9), 1),
            'cpu_s': round(progress.cpu_s, 2),
            'wall_s': round(now - self._started, 2),
        }
        with self._path.open('a', encoding='utf-8') as file:
            file.write(json.dumps(line) + '\n')
        return line


def replace_text(path: Path, text: str) -> None:
    """Replace a file in one rename; no text, no file."""
    if not text:
        path.unlink(missing_ok=True)
        return
    partial = path.with_name(path.name + '.partial')
    partial.write_text(text, encoding='utf-8')
    partial.replace(path)


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read a log; a last line that a kill cut short is dropped."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding='utf-8').splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            break
    return lines
