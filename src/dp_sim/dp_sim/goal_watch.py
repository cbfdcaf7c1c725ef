# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Counts what a policy's goal does to the controller, seen from the receiving side.

A tick is late when a goal is executing, at least one trajectory of it has been accepted, and the
accepted trajectory has run out: the arm stands still because nobody said how to go on.
"""

from __future__ import annotations

import enum


class GoalChange(enum.Enum):
    """What the newest list of executing goals means."""

    NONE = 'none'
    BEGUN = 'begun'
    ENDED = 'ended'


class GoalWatch:
    """Knows whether a goal is executing and counts late ticks."""

    def __init__(self) -> None:
        """Begin without a goal."""
        self.late_ticks = 0
        self._goals: frozenset[bytes] = frozenset()
        self._accepted_before = 0

    @property
    def active(self) -> bool:
        """Whether a goal is executing."""
        return bool(self._goals)

    def follow(self, goals: frozenset[bytes], accepted: int) -> GoalChange:
        """Take over the ids of the executing goals; `accepted` messages have come so far."""
        if goals == self._goals:
            return GoalChange.NONE
        begun = bool(goals - self._goals)
        self._goals = goals
        if begun:
            self._accepted_before = accepted
            return GoalChange.BEGUN
        return GoalChange.NONE if goals else GoalChange.ENDED

    def tick(self, ran_out: bool, accepted: int) -> bool:
        """Count one controller tick; return whether it was late."""
        late = self.active and ran_out and accepted > self._accepted_before
        self.late_ticks += late
        return late

    def reset(self, accepted: int) -> None:
        """Begin to count anew."""
        self.late_ticks = 0
        self._accepted_before = accepted
