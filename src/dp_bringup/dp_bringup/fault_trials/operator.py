# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a person holds beside the arm: an emergency stop and a deadman switch, told at 20 Hz."""

from __future__ import annotations

from rclpy.node import Node
from std_msgs.msg import Bool

EMERGENCY_STOP, DEADMAN = 'trial_emergency_stop', 'trial_deadman'
PERIOD_S = 0.05
# Of the policy node, which shall hear them.
PARAMETERS = {
    'emergency_stop_topics': (EMERGENCY_STOP,),
    'emergency_stop_timeout': 0.5,
    'deadman_topics': (DEADMAN,),
}
ACTS = {
    'press': (EMERGENCY_STOP, True),
    'let_go': (DEADMAN, False),
    'lose_stop': (EMERGENCY_STOP, None),
    'lose_deadman': (DEADMAN, None),
}


class Operator:
    """Holds both, and lets motion be, until told to act."""

    def __init__(self, node: Node) -> None:
        """Tell them from now on."""
        topics = (EMERGENCY_STOP, DEADMAN)
        self._publishers = {topic: node.create_publisher(Bool, topic, 10) for topic in topics}
        self._values: dict[str, bool | None] = {}
        self.calm()
        node.create_timer(PERIOD_S, self._tell)

    def calm(self) -> None:
        """Allow motion."""
        self._values = {EMERGENCY_STOP: False, DEADMAN: True}
        self._tell()

    def act(self, what: str) -> None:
        """Do one of `ACTS`; a value of None is silence."""
        topic, value = ACTS[what]
        self._values = {**self._values, topic: value}
        self._tell()

    def _tell(self) -> None:
        for topic, value in self._values.items():
            if value is not None:
                self._publishers[topic].publish(Bool(data=value))
