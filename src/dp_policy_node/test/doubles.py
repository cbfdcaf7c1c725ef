# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for the graph: a clock that real time drives, and a node that keeps its messages."""

import time
from types import SimpleNamespace


class SteadyClock:
    """A ROS clock that shows the steady clock."""

    def now(self):
        return SimpleNamespace(nanoseconds=time.monotonic_ns())


class SilentNode:
    """What TrajectoryOutput needs of a node; messages go to ``published``."""

    def __init__(self):
        self.published = []

    def get_clock(self):
        return SteadyClock()

    def create_publisher(self, kind, topic, qos, **_):
        return SimpleNamespace(
            publish=lambda message: self.published.append((topic, message)),
            get_subscription_count=lambda: 1,
        )

    def destroy_publisher(self, publisher):
        pass
