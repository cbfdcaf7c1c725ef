# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The command `policy_node`; signals are taken before the slow imports."""

from __future__ import annotations

import sys
import threading

from dp_policy_node.signals import when_ended


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal ends it; returns 0, or 1 when it could not work."""
    done = threading.Event()
    when_ended(done.set)
    from dp_policy_node.process import run

    return run(args, done)


if __name__ == '__main__':
    sys.exit(main())
