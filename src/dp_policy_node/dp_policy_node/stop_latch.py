# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A stop holds until somebody resets it."""

from __future__ import annotations

from dp_policy_node.episode import Code
from dp_policy_node.episode import Ending


class StopLatch:
    """Keeps the first stop, since every new brake would begin gently once more."""

    def __init__(self) -> None:
        self.ending: Ending | None = None  # what the stop ends goals with; None: none holds

    @property
    def reason(self) -> str:
        """Why goals are refused; '' when no stop holds."""
        ending = self.ending
        return '' if ending is None else ending.reason

    def take(self, code: int, reason: str) -> bool:
        """Hold a stop; returns whether none held. An emergency stop is told before any other."""
        held = self.ending
        is_worse = code == Code.EMERGENCY_STOP and (held is None or held.code != code)
        if held is None or is_worse:
            self.ending = Ending(code, reason)
        return held is None

    def reset(self) -> str:
        """Hold no more; returns the reason that held, or ''."""
        reason, self.ending = self.reason, None
        return reason
