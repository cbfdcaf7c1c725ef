# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Memory of a process and its children over time, what it grows by, and what they leave behind."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import threading
import time
from typing import Any

from dp_bringup.process_usage import PAGE
import numpy as np

PERIOD_S = 1.0
# A process that has just begun is not at its size yet: pages of libraries and of its allocator are
# touched for the first time (22 to 36 MiB/h in the first three minutes, 2 to 4 later) [s].
WARM_S = 180.0
LEAST_S = 60.0  # of a life, after that [s]
RESAMPLES = 1000
SHARED = '/dev/shm/'


@dataclass(frozen=True)
class MemorySample:
    """Resident memory of one process.

    Attributes:
        time_s: when [s].
        pid: whose; another one is another life.
        is_child: a child of the process that is watched.
        mib: how much [MiB].
    """

    time_s: float
    pid: int
    is_child: bool
    mib: float


def slope(samples: Sequence[MemorySample], seed: int = 0) -> dict[str, Any]:
    """Return the growth within the lives of processes, with its 95 % interval [MiB/h].

    One slope for all lives, each with its own level; the interval is a bootstrap over lives, for
    memory grows in steps that stay: the samples of one life hang together. None where there were
    not two lives that were long enough.
    """
    lives: list[np.ndarray] = []
    for life in map(np.array, lives_of(samples).values()):
        life = life[life[:, 0] >= life[0, 0] + WARM_S]
        if len(life) >= 2 and np.ptp(life[:, 0]) >= LEAST_S:
            lives.append(life - life.mean(axis=0))
    found = {'mib_per_hour': None, 'low': None, 'high': None}
    if lives:
        # Of each life: sums of t y and t t.
        sums = np.array([[(x[:, 0] * x[:, 1]).sum(), (x[:, 0] ** 2).sum()] for x in lives])
        picks = np.random.default_rng(seed).integers(0, len(lives), (RESAMPLES, len(lives)))
        drawn, total = sums[picks].sum(axis=1), sums.sum(axis=0)
        found['mib_per_hour'] = round(float(3600.0 * total[0] / total[1]), 3)
        if len(lives) > 1:
            ends = np.percentile(3600.0 * drawn[:, 0] / drawn[:, 1], [2.5, 97.5])
            found['low'], found['high'] = (round(float(end), 3) for end in ends)
    return {**found, 'lives': len(lives), 'samples': int(sum(map(len, lives)))}


def lives_of(samples: Sequence[MemorySample]) -> dict[int, list[tuple[float, float]]]:
    """Return of each process its times [s] and its memory [MiB]."""
    lives: dict[int, list[tuple[float, float]]] = {}
    for sample in samples:
        lives.setdefault(sample.pid, []).append((sample.time_s, sample.mib))
    return lives


def family(pid: int) -> list[int]:
    """Return a process and all its descendants; none when it has ended."""
    found = []
    try:
        for task in (Path('/proc') / str(pid) / 'task').iterdir():
            found += [int(word) for word in (task / 'children').read_text().split()]
    except OSError:
        return []
    return [pid, *(each for child in found for each in family(child))]


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process; one that has ended has none."""
    try:
        pages = int((Path('/proc') / str(pid) / 'statm').read_text().split()[1])
    except OSError:
        return 0.0
    return pages * PAGE / 2**20


def shared_files(pid: int) -> set[str]:
    """Return the files of shared memory that a process has mapped."""
    try:
        text = (Path('/proc') / str(pid) / 'maps').read_text()
    except OSError:
        return set()
    return {line.split()[-1] for line in text.splitlines() if SHARED in line}


class MemoryRecord:
    """Samples a process, which may be another one each time, and its children, in a thread."""

    def __init__(self, pids: Callable[[], dict[str, int]], name: str) -> None:
        """Begin; ``pids`` tells the ids of all processes, ``name`` which one is sampled."""
        self._pids, self._name = pids, name
        self.samples: list[MemorySample] = []
        self._files: set[str] = set()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Sample no more."""
        self._done.set()
        self._thread.join(5.0)

    def remove_files(self) -> list[str]:
        """Remove shared memory of processes that were killed; all of them have ended."""
        others: set[str] = set()
        for folder in Path('/proc').iterdir():
            if folder.name.isdigit():
                others |= shared_files(int(folder.name))
        left = sorted(name for name in self._files - others if Path(name).exists())
        for name in left:
            Path(name).unlink(missing_ok=True)
        return left

    def _run(self) -> None:
        while not self._done.wait(PERIOD_S):
            pids = self._pids()
            for pid in pids.values():
                self._files |= shared_files(pid)
            for pid in family(pids[self._name]) if self._name in pids else ():
                mib = resident_mib(pid)
                if mib:
                    is_child = pid != pids[self._name]
                    self.samples.append(MemorySample(time.time(), pid, is_child, mib))
