# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One accepted goal in its thread: watched until it ends, then braked, and only then told."""

from __future__ import annotations

from collections.abc import Callable
import time

from dp_msgs.action import ExecutePolicy
from dp_policy_node.convert import duration_msg
from dp_policy_node.episode import Code
from dp_policy_node.episode import Ending
from dp_policy_node.episode import Episode
from dp_policy_node.episode import QUIET
from dp_policy_node.supervisor import Supervisor
from rclpy.action.server import ServerGoalHandle
from rclpy.node import Node

CHECK_PERIOD_S = 0.01
FEEDBACK_PERIOD_S = 0.1
# Longest time from our answer to a cancel request to the state CANCELING [s].
CANCELING_S = 0.2
States = ExecutePolicy.Feedback


class EpisodeRun:
    """Sees an episode to its end."""

    def __init__(
        self,
        node: Node,
        episode: Episode,
        supervisor: Supervisor | None,
        on_end: Callable[[Episode, Ending], None],
        on_change: Callable[[], None] = lambda: None,
    ):
        """Prepare.

        Args:
            node: owner of clock and log.
            episode: what runs.
            supervisor: who can end it; None for an episode that has ended already.
            on_end: called after the brake, before the result is told.
            on_change: called when everything is over.
        """
        self._clock = node.get_clock()
        self._log = node.get_logger()
        self._episode = episode
        self._supervisor = supervisor
        self._on_end = on_end
        self._on_change = on_change

    def execute(self, handle: ServerGoalHandle) -> ExecutePolicy.Result:
        """See the episode to its end and return the result; needs a thread of the executor."""
        try:
            return self._execute(handle)
        finally:
            self._episode.finished.set()
            self._on_change()

    def _execute(self, handle: ServerGoalHandle) -> ExecutePolicy.Result:
        ending = Ending(Code.INTERNAL, 'the watch of the goal failed; its traceback tells why')
        try:
            ending = self._watch(handle)
        finally:  # whatever happened, nothing may move on that nobody watches
            self._episode.end(ending.code, ending.reason)
            self._brake(ending)
        elapsed_ns = self._episode.elapsed_ns(self._clock.now().nanoseconds)
        self._publish(handle, States.BRAKING)
        _set_terminal(handle, ending)
        self._tell(ending, elapsed_ns * 1e-9)
        return ExecutePolicy.Result(
            error_code=ending.code,
            error_msg=ending.reason,
            elapsed=duration_msg(elapsed_ns),
            chunks=self._episode.chunks,
        )

    def _brake(self, ending: Ending) -> None:
        try:
            if self._supervisor is not None and ending.code != Code.PREEMPTED:
                self._supervisor.brake(ending.code)
        finally:
            self._on_end(self._episode, ending)

    def _watch(self, handle: ServerGoalHandle) -> Ending:
        """Return when the episode has a reason to end; tells feedback meanwhile."""
        episode, supervisor = self._episode, self._supervisor
        told_s = 0.0
        while True:
            ending = episode.wait(CHECK_PERIOD_S)
            if ending is not None or supervisor is None:
                return ending or Ending(Code.INTERNAL, 'an episode without a robot')
            found = supervisor.check(self._clock.now().nanoseconds)
            if found is not None:
                episode.end(found.code, found.reason)
            elif time.monotonic() - told_s > FEEDBACK_PERIOD_S:
                told_s = time.monotonic()
                state = States.STALLED if supervisor.stalled else States.EXECUTING
                self._publish(handle, state if episode.chunks else States.WAITING)

    def _publish(self, handle: ServerGoalHandle, state: int) -> None:
        now_ns = self._clock.now().nanoseconds
        feedback = States(state=state, elapsed=duration_msg(self._episode.elapsed_ns(now_ns)))
        self._episode.fill(feedback)
        handle.publish_feedback(feedback)

    def _tell(self, ending: Ending, elapsed_s: float) -> None:
        text = (
            f'goal ended after {elapsed_s:.1f} s and {self._episode.chunks} chunks: '
            f'{ending.reason or "success"}'
        )
        if ending.code in QUIET:
            self._log.info(text)
        else:
            self._log.error(f'{text} (code {ending.code})')


def _set_terminal(handle: ServerGoalHandle, ending: Ending) -> None:
    if ending.code == Code.NONE:
        handle.succeed()
        return
    deadline_s = time.monotonic() + CANCELING_S
    while ending.code == Code.CANCELED and time.monotonic() < deadline_s:
        if handle.is_cancel_requested:  # set after our cancel callback has returned
            handle.canceled()
            return
        time.sleep(0.001)
    handle.abort()
