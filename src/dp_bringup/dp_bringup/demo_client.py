# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the demo says to scene and policy node, and what it writes down of their answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import math
import time
from typing import Any

from dp_bringup.chunk_log import ChunkRecord
from dp_core.errors import DpError
from dp_msgs.action import ExecutePolicy
from dp_msgs.msg import ActionChunk
from dp_msgs.msg import PolicyStatus
from dp_msgs.msg import SceneStatus
from dp_msgs.srv import ResetScene
from dp_policy_node.convert import duration_msg
from dp_policy_node.convert import duration_ns
from dp_policy_node.execute import CODES
import numpy as np
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future

START_S = 90.0  # longest wait for nodes to load their libraries and be ready [s]
ANSWER_S = 10.0  # longest wait for an answer [s]
# Then a reset is asked for again: with controller:=ros2_control the arm moves to the start before
# the answer comes, for up to 3.6 s [s].
ASK_AGAIN_S = 6.0
ASKED = 3  # how often at most
CANCEL_S = 3.0  # longest wait for the end of a cancelled goal [s]
SETTLE_S = 0.5  # after a reset, so that no observation of the time before it is left [s]
POLL_S = 0.05


class DemoError(DpError):
    """A node did not answer, or refused."""


class InterruptedRunError(DpError):
    """The user wants to end the run."""


@dataclass(frozen=True)
class EpisodeRecord:
    """What was heard during one goal.

    Attributes:
        seed: of the start.
        outcome, reason: how it ended.
        chunks: all that were sent.
        score: of the scene, while the goal ran; what the block does afterwards does not count.
        max_coverage: likewise, in [0, 1].
        scene, node: the last status messages, when the arm had come to rest.
    """

    seed: int
    outcome: str
    reason: str
    chunks: tuple[ChunkRecord, ...]
    score: float
    max_coverage: float
    scene: SceneStatus
    node: PolicyStatus


class DemoClient:
    """A node that resets the scene, sends goals and listens."""

    def __init__(self, check: Callable[[], None]) -> None:
        """Create the interfaces.

        Args:
            check: called all the time while waiting; raises what shall end the run.
        """
        self._check = check
        self._node = Node('dp_demo')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._chunks: list[ChunkRecord] = []
        self.scene: SceneStatus | None = None
        self._scored: SceneStatus | None = None  # the last one while a goal ran
        self.status: PolicyStatus | None = None
        self._goal = ActionClient(self._node, ExecutePolicy, '/execute_policy')
        self._reset = self._node.create_client(ResetScene, '/reset_scene')
        subscribe = self._node.create_subscription
        subscribe(ActionChunk, '/policy_node/action_chunk', self._on_chunk, 50)
        subscribe(SceneStatus, '/scene_status', self._on_scene, 10)
        subscribe(PolicyStatus, '/policy_node/status', self._on_status, 10)

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._node.destroy_node()

    def wait_until_ready(self, timeout_s: float = START_S) -> None:
        """Wait until the scene runs and the policy node would accept a goal."""
        self.scene = self.status = None
        if self._spin(lambda: self.scene is not None and self._is_ready(), timeout_s):
            return
        if self.scene is None:
            raise DemoError(f'the scene did not start within {timeout_s:.0f} s')
        raise DemoError(
            f'the policy node was not ready within {timeout_s:.0f} s'
            + (f': {self.status.reason}' if self.status is not None else '')
        )

    def reset(self, seed: int) -> None:
        """Put the scene at a start, and wait until only the new scene is seen."""
        if not self._spin(self._reset.service_is_ready, ANSWER_S):
            raise DemoError('there is no service /reset_scene')
        answer = self._ask_for_reset(seed)
        if not answer.success:
            raise DemoError(f'the scene was not reset: {answer.message}')
        settled_s = time.monotonic() + SETTLE_S
        self._spin(lambda: time.monotonic() > settled_s, 2 * SETTLE_S)
        self.wait_until_ready(ANSWER_S)

    def run_goal(
        self, seed: int, goal: ExecutePolicy.Goal, show: Callable[[Any], None]
    ) -> EpisodeRecord:
        """Send a goal and wait for its end; `show` gets the feedback.

        Raises:
            DemoError: the goal was refused, or a node does not answer.
            InterruptedRunError: `check` said so; the goal was cancelled before.
        """
        self._chunks, self._scored = [], self.scene
        sending = self._goal.send_goal_async(goal, feedback_callback=lambda m: show(m.feedback))
        handle = self._result(sending, 'an answer to the goal')
        if not handle.accepted:
            raise DemoError(f'the goal was refused: {self.status.reason if self.status else ""}')
        future = handle.get_result_async()
        limit_s = duration_ns(goal.timeout) * 1e-9 + ANSWER_S
        try:
            ended = self._spin(future.done, limit_s)
        except InterruptedRunError:
            handle.cancel_goal_async()
            self._spin(future.done, CANCEL_S, self._ignore)
            raise
        if not ended:
            handle.cancel_goal_async()
            raise DemoError(f'the goal did not end within {limit_s:.0f} s')
        self.wait_until_ready(ANSWER_S)  # the arm is at rest, and the counters are complete
        answer = future.result().result
        outcome = CODES.get(answer.error_code, str(answer.error_code))
        return EpisodeRecord(
            seed=seed,
            outcome='SUCCESS' if outcome == 'NONE' else outcome,
            reason=answer.error_msg,
            chunks=tuple(self._chunks),
            score=self._scored.score,
            max_coverage=self._scored.max_coverage,
            scene=self.scene,
            node=self.status,
        )

    def _ask_for_reset(self, seed: int) -> ResetScene.Response:
        """Ask again without an answer: a service just found may not know yet whom to answer."""
        for _ in range(ASKED):
            asked = self._reset.call_async(ResetScene.Request(seed=seed))
            if self._spin(asked.done, ASK_AGAIN_S):
                return asked.result()
            self._reset.remove_pending_request(asked)
        raise DemoError(f'waited {ASKED * ASK_AGAIN_S:.0f} s for a reset in vain')

    def _is_ready(self) -> bool:
        return (
            self.status is not None
            and self.status.state == PolicyStatus.READY
            and not self.scene.goal_active
            and self._goal.server_is_ready()
        )

    def _result(self, future: Future, what: str) -> Any:
        if not self._spin(future.done, ANSWER_S):
            raise DemoError(f'waited {ANSWER_S:.0f} s for {what} in vain')
        return future.result()

    def _spin(
        self,
        done: Callable[[], Any],
        timeout_s: float,
        check: Callable[[], None] | None = None,
    ) -> bool:
        end_s = time.monotonic() + timeout_s
        while not done():
            (check or self._check)()
            if time.monotonic() > end_s:
                return False
            self._executor.spin_once(timeout_sec=POLL_S)
        return True

    def _ignore(self) -> None:
        pass

    def _on_chunk(self, message: ActionChunk) -> None:
        self._chunks.append(chunk_record(message))

    def _on_scene(self, message: SceneStatus) -> None:
        self.scene = message
        if message.goal_active:
            self._scored = message

    def _on_status(self, message: PolicyStatus) -> None:
        self.status = message


def chunk_record(message: ActionChunk) -> ChunkRecord:
    """Read a chunk message."""
    stamp_ns = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
    positions = np.asarray(message.positions, dtype=np.float64)
    positions = positions.reshape(-1, max(len(message.joint_names), 1))
    steps = np.arange(len(positions), dtype=np.int64) * duration_ns(message.step)
    return ChunkRecord(
        number=message.id,
        sent_ns=stamp_ns + round(message.observation_age * 1e9),
        times_ns=stamp_ns + duration_ns(message.offset) + steps,
        positions=positions,
        cut_index=message.cut_index,
        inference_s=message.inference_time,
        observation_age_s=message.observation_age,
        position_jump=message.seam_position_jump,
        velocity_jump=message.seam_velocity_jump,
    )


def goal_message(time_limit_s: float, seam: str) -> ExecutePolicy.Goal:
    """Return a goal for the node's own policy."""
    if not (math.isfinite(time_limit_s) and time_limit_s > 0.0):
        raise DemoError(f'the time limit is {time_limit_s} s, valid: a positive number')
    return ExecutePolicy.Goal(timeout=duration_msg(round(time_limit_s * 1e9)), seam=seam)
