# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The policy node as it is, with a clock beside each of its steps, for `node_bench`.

`python -m dp_bringup.node_bench.probe FILE --ros-args ...` runs the command `policy_node` with
subclasses of its listener and its worker that note times [ns, system clock] and change nothing.
When the node ends they are written to FILE:

    <topic>     (N, 3) stamp, callback began, sample stored; of each message
    chunks      (N, 8) columns CHUNK; of each chunk that was sent
    network     (N, 3) began, duration, processor time; of each call of the policy, warm-up too
    expired     (N, 1) when; of each chunk that came too late to be sent
    threads     names and ids of the node's own threads
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
import sys
import time
from typing import Any

from dp_core.chunk import ActionChunk
from dp_core.continuation import ChunkHistory
from dp_core.continuation import KnownActions
from dp_core.decode import stamp_ns
from dp_core.errors import ExpiredError
from dp_core.motion import Trajectory
from dp_core.observation import ObservationWindow
from dp_policy_node import policies
from dp_policy_node import robot
from dp_policy_node.inference_worker import InferenceWorker
from dp_policy_node.inference_worker import Run
from dp_policy_node.listener import Handler
from dp_policy_node.listener import Listener
from dp_policy_node.main import main as policy_node
from dp_policy_node.policy_process import PolicyProcess
from dp_policy_node.trajectory_output import PLANNING_NS
import numpy as np
from numpy.typing import NDArray

# When: the newest observation was taken, the prediction was due, began, ended (and its processor
# time), the take-over was due, the trajectory was planned, and was published [ns]. 0: no due time.
CHUNK = ('t_obs', 'due', 'began', 'ended', 'cpu', 'takeover', 'planned', 'published')
RECORDS: dict[str, list[tuple[Any, ...]]] = defaultdict(list)


class TimedListener(Listener):
    """Notes when each message came and when it was dealt with."""

    def add(self, topic: str, kind: type, handler: Handler, *, latched: bool = False) -> None:
        """Register a handler, with a clock around it."""
        rows = RECORDS[self._owner.resolve_topic_name(topic)]

        def timed(message: Any, now_ns: int) -> None:
            handler(message, now_ns)
            rows.append((stamp_ns(message), now_ns, time.time_ns()))

        super().add(topic, kind, timed, latched=latched)

    def start(self) -> None:
        """Start, and note the thread."""
        super().start()
        RECORDS['threads'].append((self._thread.name, self._thread.native_id))


class TimedWorker(InferenceWorker):
    """Notes when each chunk went through which step."""

    def __init__(self, *arguments: Any) -> None:
        """Start, and note the thread."""
        self._due_ns = 0
        self._row: tuple[int, ...] = ()
        super().__init__(*arguments)
        RECORDS['threads'].append((self._thread.name, self._thread.native_id))

    def _sleep_until(self, time_ns: int, run: Run) -> None:
        self._due_ns = time_ns
        super()._sleep_until(time_ns, run)

    def _predict(
        self,
        run: Run,
        window: ObservationWindow,
        takeover_ns: int | None,
        history: ChunkHistory,
    ) -> tuple[ActionChunk, float]:
        due_ns, self._due_ns = self._due_ns, 0
        began_ns, used_ns = time.time_ns(), time.thread_time_ns()
        result = super()._predict(run, window, takeover_ns, history)
        used_ns = time.thread_time_ns() - used_ns
        self._row = (window.t_obs_ns, due_ns, began_ns, time.time_ns(), used_ns)
        return result

    def _send(self, run: Run, chunk: ActionChunk) -> Trajectory | None:
        planned_ns, due_ns, self._due_ns = time.time_ns(), self._due_ns + PLANNING_NS, 0
        try:
            trajectory = super()._send(run, chunk)
        except ExpiredError:
            RECORDS['expired'].append((planned_ns,))
            raise
        if trajectory is not None:
            RECORDS['chunks'].append((*self._row, due_ns, planned_ns, time.time_ns()))
        return trajectory


class TimedPolicy(PolicyProcess):
    """Notes each prediction, on its way to the policy's process and back."""

    def predict(
        self, window: ObservationWindow, seed: int | None, known: KnownActions | None
    ) -> NDArray[np.float32]:
        """Predict, with a clock around it."""
        began_ns = time.time_ns()
        actions = super().predict(window, seed, known)
        duration_ns = time.time_ns() - began_ns
        RECORDS['network'].append((began_ns, duration_ns, round(self.computed_s * 1e9)))
        return actions


def main(arguments: list[str]) -> int:
    """Run the node; the first argument is the file."""
    robot.Listener, robot.InferenceWorker = TimedListener, TimedWorker
    policies.PolicyProcess = TimedPolicy
    code = policy_node(arguments[1:])
    np.savez(Path(arguments[0]), **{name: np.array(rows) for name, rows in RECORDS.items()})
    return code


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
