# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Bags -> parts on all cores: one process per bag, or threads where there are fewer bags."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED
from concurrent.futures import Future
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
import multiprocessing
from multiprocessing import connection
import os
from pathlib import Path
import signal
import threading
from typing import Any

import cv2
from dp_core.errors import DatasetError
from dp_data_tools.bag_files import state_of
from dp_data_tools.convert_bag import convert_bag
from dp_data_tools.plan import Plan

NO_BAG = 'none'  # name of the part of a bag that is not there
_POLL_S = 0.2
# In a worker: bytes that all workers have read, and whether to stop.
_shared: dict[str, Any] = {}


@dataclass(frozen=True)
class Task:
    """A bag and the part to make of it."""

    bag: Path
    part: Path


# Each task when it is done, with the facts of its part, or why there is none.
Results = Iterator[tuple[Task, dict[str, Any] | DatasetError]]


class _StoppedError(Exception):
    """The process that asked for the work wants no more of it."""


def convert_bags(
    tasks: Sequence[Task],
    plan: Plan,
    workers: int,
    on_bytes: Callable[[int], None],
) -> Results:
    """Make the parts; yield each task with the facts of its part, or why there is none.

    Args:
        tasks: in any order; they are yielded as they are done.
        plan: what to make of a bag.
        workers: processes; with one, the work is done here.
        on_bytes: called with the number of bytes that were read since the last call.

    Raises:
        OSError: parts cannot be written.
        DatasetError: a process was killed.
    """
    threads = max(1, (os.cpu_count() or 1) // max(1, min(workers, len(tasks))))
    if min(workers, len(tasks)) <= 1:
        for task in tasks:
            yield task, make_part(task, plan, threads, on_bytes)
        return
    spawn = multiprocessing.get_context('spawn')
    counter, stop = spawn.Value('q', 0), spawn.Event()
    shared = {'counter': counter, 'stop': stop}
    with ProcessPoolExecutor(min(workers, len(tasks)), spawn, _enter, (shared,)) as pool:
        try:
            waiting = {pool.submit(_make_in_worker, t, plan, threads): t for t in tasks}
            told = 0
            while waiting:
                done, _ = wait(waiting, _POLL_S, FIRST_COMPLETED)
                on_bytes(int(counter.value) - told)
                told = int(counter.value)
                for future in done:
                    yield waiting.pop(future), _result(future)
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def _result(future: Future[Any]) -> dict[str, Any] | DatasetError:
    try:
        result: dict[str, Any] | DatasetError = future.result()
        return result
    except BrokenProcessPool as error:
        raise DatasetError(
            'a process was killed, perhaps for want of memory; the same command goes on where it '
            'was, with fewer --workers it needs less'
        ) from error


def make_part(
    task: Task, plan: Plan, threads: int, on_bytes: Callable[[int], None]
) -> dict[str, Any] | DatasetError:
    """Make one part here; return its facts, or why there is none.

    Raises:
        OSError: it cannot be written.
    """
    told = 0

    def on_progress(share: float) -> None:
        nonlocal told
        read = int(share * size)
        on_bytes(read - told)
        told = read

    try:
        size = bag_bytes(task.bag)
        with _one_thread_per_picture():
            facts = convert_bag(task.bag, plan, task.part, threads, on_progress)
    except DatasetError as error:
        return error
    finally:
        on_progress(1.0)
    return facts


def bag_bytes(bag: Path) -> int:
    """Size of the files of a bag; 0 where there is none."""
    try:
        return sum(size for _, size, _ in state_of(bag))
    except OSError:
        return 0


@contextmanager
def _one_thread_per_picture() -> Iterator[None]:
    """Pictures are decoded side by side; OpenCV's own threads would only be in the way."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _enter(shared: dict[str, Any]) -> None:
    _shared.update(shared)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops its workers in order
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """End this process when its parent was killed; it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _make_in_worker(task: Task, plan: Plan, threads: int) -> dict[str, Any] | DatasetError:
    def on_bytes(count: int) -> None:
        if _shared['stop'].is_set():
            raise _StoppedError
        with _shared['counter'].get_lock():
            _shared['counter'].value += count

    return make_part(task, plan, threads, on_bytes)
