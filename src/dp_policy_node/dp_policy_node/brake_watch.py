# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Looks after a brake until the arm obeys it, on a thread that sleeps otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import threading

PERIOD_S = 0.02
# A brake is not thought lost before this [ns], nor before so many looks one after another say so:
# by then an arm that obeys, though late, is seen to.
LOST_NS, LOST_LOOKS = 100_000_000, 2


@dataclass
class Braked:
    """What is looked after, once a run was braked.

    Attributes:
        epoch: after the brake.
        max_acceleration: of the brake [rad/s^2].
        until_ns: on the steady clock; then what the arm follows instead has ended [ns].
        is_sent: whether there was anything to send.
        looks: in a row, that saw the arm drive on.
    """

    epoch: int
    max_acceleration: float
    until_ns: int
    is_sent: bool
    looks: int = 0

    def is_watched(self, epoch: int, steady_ns: int) -> bool:
        """Whether something may still move, and no newer run moves it."""
        return self.epoch == epoch and steady_ns <= self.until_ns

    def may_be_lost(self, age_ns: int) -> bool:
        """Whether it was sent, so long ago [ns] that the arm should obey."""
        return self.is_sent and age_ns >= LOST_NS

    def confirm(self, lost: int) -> int:
        """Note that so many messages look lost; returns that once it is certain, else 0."""
        self.looks = self.looks + 1 if lost else 0
        return lost if self.looks >= LOST_LOOKS else 0


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
        """Look from now on; a look that failed has ended the thread before."""
        if self._thread is None or not self._thread.is_alive():
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
