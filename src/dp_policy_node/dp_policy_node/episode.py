# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One accepted goal, from acceptance to the reason for its end."""

from __future__ import annotations

from dataclasses import dataclass
import threading

from dp_core.trajectory import Seam
from dp_core.watchdog import Fault
from dp_msgs.action import ExecutePolicy
from dp_policy_node.goal import GoalPlan
from dp_policy_node.inference_worker import SentChunk

Code = ExecutePolicy.Result
CODES = {fault: getattr(Code, fault.name) for fault in Fault}
# Endings that are nobody's fault.
QUIET = (Code.NONE, Code.CANCELED, Code.TIMEOUT, Code.PREEMPTED)


@dataclass(frozen=True)
class Ending:
    """Why an episode ended: a code of ExecutePolicy and a sentence for a person."""

    code: int
    reason: str


class Episode:
    """The record of one goal. It ends once: of several reasons the first one stands."""

    def __init__(self, plan: GoalPlan, accepted_ns: int, goal_id: bytes = b''):
        """Begin at ``accepted_ns`` on the ROS clock; ``goal_id`` is the action's."""
        self.plan = plan
        self.accepted_ns = accepted_ns
        self.goal_id = goal_id
        self.epoch = 0
        self.chunks = 0
        self.newest: SentChunk | None = None
        self.finished = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._ending: Ending | None = None

    def end(self, code: int, reason: str) -> bool:
        """Ask for the end; False when it was asked for already."""
        with self._lock:
            if self._ending is not None:
                return False
            self._ending = Ending(code, reason)
        self._ended.set()
        return True

    @property
    def has_ended(self) -> bool:
        """Whether the end was asked for; the arm may not have been braked yet."""
        return self._ended.is_set()

    def wait(self, timeout_s: float) -> Ending | None:
        """Wait for the end at most this long [s]."""
        self._ended.wait(timeout_s)
        return self._ending

    def record(self, sent: SentChunk) -> None:
        """Count a chunk that was sent."""
        self.newest = sent
        self.chunks += 1

    def elapsed_ns(self, now_ns: int) -> int:
        """Time since acceptance [ns]."""
        return max(0, now_ns - self.accepted_ns)

    def fill(self, feedback: ExecutePolicy.Feedback) -> None:
        """Write what is known of the newest chunk into a feedback message."""
        feedback.chunks = self.chunks
        if self.newest is not None:
            seam = self.newest.trajectory.seam or Seam(0, 0.0, 0.0)
            feedback.observation_age = self.newest.observation_age_s
            feedback.inference_time = self.newest.inference_s
            feedback.seam_position_jump = seam.position_jump
            feedback.seam_velocity_jump = seam.velocity_jump
