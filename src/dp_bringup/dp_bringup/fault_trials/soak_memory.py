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
BLOCK_S = 30.0  # samples nearer than this are not independent [s]
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

    One slope for all lives, each with its own level; the interval is a bootstrap over blocks of
    BLOCK_S. None where no life was long enough.
    """
    blocks: list[np.ndarray] = []
    lives = 0
    for life in map(np.array, lives_of(samples).values()):
        life = life[life[:, 0] >= life[0, 0] + WARM_S]
        if len(life) < 2 or np.ptp(life[:, 0]) < 2.0 * BLOCK_S:
            continue
        lives += 1
        number = ((life[:, 0] - life[0, 0]) / BLOCK_S).astype(int)
        life = life - life.mean(axis=0)
        blocks += [life[number == k] for k in range(number[-1] + 1) if (number == k).any()]
    if not blocks:
        return {'mib_per_hour': None, 'low': None, 'high': None, 'lives': 0, 'samples': 0}
    # Of each block: sums of t y and t t.
    sums = np.array([[(b[:, 0] * b[:, 1]).sum(), (b[:, 0] ** 2).sum()] for b in blocks])
    generator = np.random.default_rng(seed)
    picks = generator.integers(0, len(sums), (RESAMPLES, len(sums)))
    drawn = sums[picks].sum(axis=1)
    low, high = np.percentile(3600.0 * drawn[:, 0] / drawn[:, 1], [2.5, 97.5])
    total = sums.sum(axis=0)
    return {
        'mib_per_hour': round(float(3600.0 * total[0] / total[1]), 3),
        'low': round(float(low), 3),
        'high': round(float(high), 3),
        'lives': lives,
        'samples': int(sum(map(len, blocks))),
    }


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
