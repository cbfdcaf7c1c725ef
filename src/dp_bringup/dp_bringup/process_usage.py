# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Processor time and memory of running processes, read from /proc."""

from __future__ import annotations

from collections.abc import Mapping
import os
from pathlib import Path
import time

import numpy as np
import psutil

TICKS_PER_S = os.sysconf('SC_CLK_TCK')
PAGE = os.sysconf('SC_PAGE_SIZE')


def cpu_s(stat: str) -> float:
    """Return user and system time [s] in the text of a file /proc/<pid>/stat."""
    fields = stat.rpartition(')')[2].split()  # the name before it may hold anything
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def busy_s(stat: str) -> float:
    """Return the time [s] that all cores were not idle, in the text of /proc/stat."""
    user, nice, system, _, _, irq, soft_irq, stolen = map(int, stat.split()[1:9])
    return (user + nice + system + irq + soft_irq + stolen) / TICKS_PER_S


class UsageRecord:
    """Samples of some processes; ask afterwards what they used between two moments."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        """Watch processes given as names and ids; what they have started counts with them."""
        self._pids = dict(pids)
        self._times_ns: list[int] = []
        self._cpu_s: dict[str, list[float]] = {name: [] for name in pids}
        self._rss: dict[str, list[int]] = {name: [] for name in pids}
        self._busy_s: list[float] = []
        self._threads: dict[int, list[tuple[int, float]]] = {}

    def sample(self) -> None:
        """Read all processes and their threads now; raises OSError when one has ended."""
        now_ns = time.time_ns()
        for name, pid in self._pids.items():
            folder = Path('/proc') / str(pid)
            family = [folder, *(Path('/proc') / str(child) for child in _children(pid))]
            self._cpu_s[name].append(sum(cpu_s(_read(each / 'stat')) for each in family))
            self._rss[name].append(
                sum(int(_read(each / 'statm').split()[1]) for each in family) * PAGE
            )
            for task in (folder / 'task').iterdir():
                try:
                    used_s = cpu_s(_read(task / 'stat'))
                except (FileNotFoundError, ProcessLookupError):
                    continue  # a thread that has just ended
                self._threads.setdefault(int(task.name), []).append((now_ns, used_s))
        self._busy_s.append(busy_s(_read(Path('/proc/stat'))))
        self._times_ns.append(now_ns)

    def cpu_share(self, name: str, begin_ns: int, end_ns: int) -> float:
        """Return processor time per time between two moments; 1.0 is one core."""
        return _slope(self._times_ns, self._cpu_s[name], begin_ns, end_ns)

    def foreign_share(self, begin_ns: int, end_ns: int) -> float:
        """Return the same of everything else on the machine, the hypervisor's share included."""
        all_of_it = _slope(self._times_ns, self._busy_s, begin_ns, end_ns)
        return all_of_it - sum(self.cpu_share(name, begin_ns, end_ns) for name in self._pids)

    def thread_share(self, thread_id: int, begin_ns: int, end_ns: int) -> float:
        """Return the same of one thread."""
        times_ns, used_s = zip(*self._threads[thread_id])
        return _slope(times_ns, used_s, begin_ns, end_ns)

    def largest_rss(self, name: str) -> int:
        """Return the largest memory that was seen [byte]."""
        return max(self._rss[name])


def _children(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(f'process {pid} has ended') from error


def _read(path: Path) -> str:
    return path.read_text(encoding='utf-8', errors='replace')


def _slope(
    times_ns: list[int] | tuple[int, ...],
    used_s: list[float] | tuple[float, ...],
    begin_ns: int,
    end_ns: int,
) -> float:
    first, last = np.interp([begin_ns, end_ns], times_ns, used_s)
    return float(last - first) / ((end_ns - begin_ns) * 1e-9)
