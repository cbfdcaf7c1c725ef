# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Looks after a brake until the arm obeys it, on a thread that sleeps otherwise."""

from __future__ import annotations

from collections.abc import Callable
import threading

PERIOD_S = 0.02


class BrakeWatch:
    """One thread, started by the first brake."""

    def __init__(self, look: Callable[[], bool]):
        """Watch nothing yet.

        Args:
            look: asked again and again after a brake; returns whether to go on.
        """
        self._look = look
        self._wanted, self._closed = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Look from now on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name='brake_watch', daemon=True)
            self._thread.start()
        self._wanted.set()

    def close(self) -> None:
        """Look no more."""
        self._closed.set()
        self._wanted.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wanted.wait()
            self._wanted.clear()
            while not self._closed.wait(PERIOD_S) and self._look():
                pass
