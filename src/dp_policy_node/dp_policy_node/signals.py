# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What ends a command in order, with a brake: Ctrl-C, SIGTERM, a terminal that is closed."""

from __future__ import annotations

from collections.abc import Callable
import signal


def when_ended(act: Callable[[], object]) -> None:
    """Call ``act`` for each of these signals, in place of an end at once.

    A SIGHUP that is ignored, as under nohup, stays so.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: act())
