# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The command `calibrate_latency`; signals are taken before the slow imports."""

from __future__ import annotations

from collections.abc import Sequence
import sys
import threading

from dp_policy_node.signals import when_ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure until done, or until a signal ends it; returns the exit code."""
    stop = threading.Event()
    when_ended(stop.set)
    from dp_policy_node.calibration.command import run

    return run(list(sys.argv[1:] if arguments is None else arguments), stop)


if __name__ == '__main__':
    sys.exit(main())
